"""When can a tag be moved?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.services.ecr.tag_mutability import immutable

TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)
FILTERS = st.lists(st.from_regex(r"[0-9a-zA-Z._*-]{1,10}", fullmatch=True), max_size=5)


@pytest.mark.parametrize(
    ("tag", "mode", "filters", "locked"),
    [
        ("v1", "MUTABLE", [], False),
        ("v1", "IMMUTABLE", [], True),
        ("latest", "IMMUTABLE_WITH_EXCLUSION", ["latest"], False),
        ("latest-2", "IMMUTABLE_WITH_EXCLUSION", ["latest"], True),
        ("dev-7", "IMMUTABLE_WITH_EXCLUSION", ["latest", "dev-*"], False),
        ("v1", "MUTABLE_WITH_EXCLUSION", ["v*"], True),
        ("dev", "MUTABLE_WITH_EXCLUSION", ["v*"], False),
        ("1-snap", "MUTABLE_WITH_EXCLUSION", ["*-snap"], True),
        ("v1x0", "MUTABLE_WITH_EXCLUSION", ["v1.0"], False),
    ],
)
def test_cases(tag, mode, filters, locked):
    assert immutable(tag, mode, filters) is locked


@given(TAGS, FILTERS)
def test_the_two_exclusion_modes_are_opposite(tag, filters):
    assert immutable(tag, "IMMUTABLE_WITH_EXCLUSION", filters) != immutable(tag, "MUTABLE_WITH_EXCLUSION", filters)


@given(TAGS, FILTERS, st.from_regex(r"[0-9a-zA-Z._*-]{1,10}", fullmatch=True))
def test_an_added_filter_excludes_no_fewer_tags(tag, filters, more):
    if not immutable(tag, "IMMUTABLE_WITH_EXCLUSION", filters):
        assert not immutable(tag, "IMMUTABLE_WITH_EXCLUSION", [*filters, more])


@given(TAGS)
def test_a_star_matches_every_tag_and_a_tag_matches_itself(tag):
    assert not immutable(tag, "IMMUTABLE_WITH_EXCLUSION", ["*"])
    assert not immutable(tag, "IMMUTABLE_WITH_EXCLUSION", [tag])
