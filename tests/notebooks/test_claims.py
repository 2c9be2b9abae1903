"""Every claim of the course's plan (helpers/data/claims.json) has a cell that shows it."""

import pytest

from tests.notebooks import course

CLAIMS = course.data("claims.json")["claims"]
PLAN = {(number, claim["key"]) for claim in CLAIMS for number in claim["notebooks"]}
HERE = {path.name[:2] for path in course.PATHS}
SHOWN = {(path.name[:2], claim) for path in course.PATHS for claim, _ in course.claims(course.read(path))}
NOT_SHOWN = sorted(PLAN - SHOWN)


def test_there_are_thirty_numbered_claims():
    assert [claim["key"] for claim in CLAIMS] == [f"C{number}" for number in range(1, 31)]
    assert all(claim["says"] and claim["shown"] and claim["notebooks"] for claim in CLAIMS)


@pytest.mark.parametrize("number", sorted(HERE))
def test_a_notebook_shows_its_planned_claims(number):
    assert [claim for claim in NOT_SHOWN if claim[0] == number] == []


def test_every_claim_is_shown_in_a_notebook():
    assert {claim["key"] for claim in CLAIMS} == {claim for _, claim in SHOWN}


@pytest.mark.xfail(bool(NOT_SHOWN), reason=f"still to come: {NOT_SHOWN}", strict=True)
def test_every_planned_claim_is_shown():
    assert NOT_SHOWN == []


def test_a_tag_names_a_claim_that_exists():
    tagged = {tag for path in course.PATHS for cell in course.read(path).cells for tag in course.tags(cell)}
    assert {tag for tag in tagged if tag.startswith("claim")} <= {f"claim:{claim['key']}" for claim in CLAIMS}
