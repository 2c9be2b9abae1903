"""Which images expire, and by which rule: AWS's examples, further cases, and properties of every policy."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.services.ecr.lifecycle.evaluate import DAY, Image, Verdict, evaluate
from ecr_sandbox.services.ecr.lifecycle.policy import Rule

NOW = 1_800_000_000.0


def ago(days):
    return NOW - days * DAY


def image(name, tags="", pushed=0, **more):
    """An image with *tags*, pushed *pushed* days ago."""
    return Image(name, tuple(tags.split()), pushed_at=ago(pushed), **more)


def keep(number, priority=1, **more):
    return Rule(priority, **{"tag_status": "any", "count_type": "imageCountMoreThan", "number": number, **more})


def older(days, priority=1, **more):
    return keep(days, priority, **{"count_type": "sinceImagePushed", **more})


def tagged(*patterns):
    return {"tag_status": "tagged", "patterns": patterns}


UNTAGGED = {"tag_status": "untagged"}
TRANSITION = {"action": "transition"}


def gone(rules, images):
    """Name → priority of the rule that selects the image, in the order of expiry."""
    return {name: verdict.priority for name, verdict in evaluate(rules, images, NOW).items()}


# --- examples: https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_examples.html ------------------

BETA_AND_PROD = [image("A", "beta-1 prod-1", 10), image("B", "beta-2 prod-2", 9), image("C", "beta-3", 8)]
SEVERAL_TAGS = [
    image("A", "alpha-1", 12),
    image("B", "beta-1", 11),
    image("C", "alpha-2 beta-2", 10),
    image("D", "alpha-3", 4),
    image("E", "beta-3", 3),
    image("F", "alpha-4 beta-4", 2),
]
TAGS_ARE_NOT_EXCLUSIVE = [
    image("A", "alpha-1 beta-1 gamma-1", 10),
    image("B", "alpha-2 beta-2", 9),
    image("C", "alpha-3 beta-3 gamma-2", 8),
]
ALL = [image("A", "alpha-1", 4), image("B", "beta-1", 3), image("C", "", 2), image("D", "alpha-2", 1)]
ALL_KINDS = [
    image("A", "alpha-1 beta-1", 4),
    image("B", "", 3),
    image("C", "alpha-2", 2),
    image("D", "git-hash", 1),
    image("E", "", 1),
]

PROD, BETA = tagged("prod*"), tagged("beta*")
AWS = {
    "image age": ([older(14, **PROD)], [image("A", "prod", 15), image("B", "prod", 13)], {"A": 1}),
    "image count": ([keep(1, **UNTAGGED)], [image("A", "", 2), image("B", "", 1), image("C", "v", 9)], {"A": 1}),
    "multiple rules, A": ([keep(1, 1, **PROD), keep(1, 2, **BETA)], BETA_AND_PROD, {"A": 1}),
    "multiple rules, B": ([keep(1, 1, **BETA), keep(1, 2, **PROD)], BETA_AND_PROD, {"A": 1, "B": 1}),
    "multiple tags, A": ([older(5, **tagged("alpha*", "beta*"))], SEVERAL_TAGS, {"C": 1}),
    "multiple tags, B": ([keep(1, **tagged("alpha*", "beta*"))], TAGS_ARE_NOT_EXCLUSIVE, {"A": 1, "B": 1}),
    "all images, A": ([keep(1)], ALL, {"A": 1, "B": 1, "C": 1}),
    "all images, B": (
        [keep(1, 1, **tagged("alpha*")), older(1, 2, **UNTAGGED), keep(1, 3)],
        ALL_KINDS,
        {"A": 1, "B": 2, "D": 3},
    ),
}


@pytest.mark.parametrize(("rules", "images", "expected"), AWS.values(), ids=AWS)
def test_examples_from_the_user_guide(rules, images, expected):
    assert gone(rules, images) == expected


PULLED = {"count_type": "sinceImagePulled", **TRANSITION}
RESTORED = {"archived_at": ago(80), "activated_at": ago(5)}


@pytest.mark.parametrize(
    ("rules", "images", "expected"),
    [
        pytest.param([keep(1, 1, **PULLED, **{})], [], {}, id="no images"),
        pytest.param([keep(9)], ALL, {}, id="fewer than are kept"),
        pytest.param(
            [older(10)], [image("A", "", 10), image("B", "", 10.001)], {"B": 1}, id="exactly the limit is kept"
        ),
        pytest.param(
            [keep(1)],
            [image("A", "", 3), image("B", "", 3)],
            {"A": 1},
            id="of two with the same time the first expires",
        ),
        pytest.param(
            [older(1, tag_status="tagged", prefixes=("v", "w"))],
            [image("A", "v1", 2), image("B", "v1 w1", 2), image("C", "x-v x-w", 2)],
            {"B": 1},
            id="a tag must start with each prefix",
        ),
        pytest.param(
            [older(1, **tagged("*-rc*", "v1.0"))],
            [image("A", "v1.0 a-rc1", 2), image("B", "v1x0 a-rc1", 2), image("C", "v1.0 rc", 2)],
            {"A": 1},
            id="a pattern is not a regular expression",
        ),
        pytest.param(
            [older(1, **tagged("*"))], [image("A", "", 9), image("B", "x", 9)], {"B": 1}, id="a star needs a tag"
        ),
        pytest.param([keep(1, 1, **tagged("v*")), older(1, 2)], [image("A", "v1", 9)], {}, id="kept by a higher rule"),
        pytest.param(
            [older(90, **PULLED)],
            [
                image("never pulled", "", 91),
                image("pulled lately", "", 200, pulled_at=ago(3)),
                image("pulled long ago", "", 200, pulled_at=ago(91)),
                image("restored", "", 200, pulled_at=ago(150), **RESTORED),
            ],
            {"pulled long ago": 1, "never pulled": 1},
            id="since the last pull",
        ),
        pytest.param(
            [older(30, **TRANSITION)],
            [image("restored", "", 200, **RESTORED), image("old", "", 31)],
            {"old": 1},
            id="the age of a restored image starts at the restore",
        ),
        pytest.param(
            [older(1), older(365, 2, count_type="sinceImageTransitioned", storage_class="archive")],
            [
                image("long archived", "", 999, storage_class="archive", archived_at=ago(366)),
                image("archived", "", 999, storage_class="archive", archived_at=ago(364)),
                image("active", "", 2),
            ],
            {"long archived": 2, "active": 1},
            id="a rule applies to its storage class only",
        ),
    ],
)
def test_cases(rules, images, expected):
    assert gone(rules, images) == expected
    assert list(gone(rules, images)) == list(expected)  # older images first


# --- indexes and referrers of an image --------------------------------------------------------------------------------

INDEX = image("index", "latest", 9, children=("amd64", "arm64"))
CHILDREN = [image("amd64", "", 9), image("arm64", "", 9)]


def test_an_image_stays_while_its_index_exists():
    assert gone([older(1, **UNTAGGED)], [*CHILDREN, INDEX]) == {}


def test_an_index_is_selected_before_its_images():
    assert gone([older(1)], [*CHILDREN, INDEX]) == {"index": 1}
    assert gone([older(1)], CHILDREN) == {"amd64": 1, "arm64": 1}


def test_the_images_of_an_index_are_not_counted():
    """https://github.com/DefangLabs/pulumi-defang/pull/466: 26 images, two of them listed; 20 are kept, 4 go."""
    others = [image(f"v{n}", f"v{n}", 8 - n / 100) for n in range(23)]
    assert list(gone([keep(20)], [*CHILDREN, INDEX, *others])) == ["index", "v0", "v1", "v2"]


def test_an_image_can_be_archived_after_its_index_and_expires_after_it():
    archived = replace(INDEX, storage_class="archive", archived_at=ago(200))
    inside = [replace(each, storage_class="archive", archived_at=ago(200)) for each in CHILDREN]
    assert gone([older(1, **TRANSITION)], [*CHILDREN, INDEX]) == {"index": 1}
    assert gone([older(1, **TRANSITION)], [*CHILDREN, archived]) == {"amd64": 1, "arm64": 1}
    expiry = older(90, count_type="sinceImageTransitioned", storage_class="archive")
    assert gone([expiry], [*inside, archived]) == {"index": 1}
    assert gone([expiry], inside) == {"amd64": 1, "arm64": 1}


SIGNATURE = image("signature", "", 9, subject="A")


def test_an_artifact_stays_while_its_subject_exists():
    assert gone([older(1, **UNTAGGED)], [image("A", "v1", 9), SIGNATURE]) == {}


def test_an_artifact_and_its_own_referrers_expire_with_the_subject():
    images = [image("A", "v1", 9), SIGNATURE, image("note", "", 0, subject="signature")]
    assert gone([older(1, 7, **tagged("v*"))], images) == {"A": 7, "signature": 7, "note": 7}
    assert gone([older(1, 7, **tagged("v*"), **TRANSITION)], images) == {"A": 7, "signature": 7, "note": 7}


def test_an_artifact_does_not_count_as_an_image():
    assert gone([keep(1)], [image("A", "v1", 9), SIGNATURE]) == {}


def test_an_artifact_without_its_subject_is_treated_like_an_image():
    assert gone([older(1, **UNTAGGED)], [SIGNATURE]) == {"signature": 1}


def test_an_artifact_that_an_index_lists_stays_while_the_index_exists():
    index = replace(INDEX, children=("signature",), pushed_at=NOW)
    assert gone([older(1)], [image("A", "v1", 9), SIGNATURE, index]) == {"A": 1}


# --- properties -------------------------------------------------------------------------------------------------------

NAMES = "abcdefgh"
TAGS = ["prod", "prod-1", "beta", "v1", "v1.0"]


@st.composite
def policies(draw):
    """Rules as ``policy.parse`` returns them."""
    rules = []
    for priority in draw(st.lists(st.integers(1, 9), unique=True, max_size=4)):
        kind = draw(st.sampled_from(["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled"]))
        status = draw(st.sampled_from(["tagged", "tagged", "untagged", "any"]))
        patterns = draw(st.lists(st.sampled_from(["prod*", "*1", "v*", "*", "beta"]), min_size=1, max_size=2))
        action = "transition" if kind == "sinceImagePulled" else draw(st.sampled_from(["expire", "transition"]))
        rule = Rule(priority, status, kind, draw(st.integers(1, 4)), action=action)
        rules.append(replace(rule, patterns=tuple(patterns)) if status == "tagged" else rule)
    if draw(st.booleans()):
        rules.append(Rule(10, "any", "sinceImageTransitioned", 90, storage_class="archive"))
    return rules


@st.composite
def repositories(draw):
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=8))
    free = list(TAGS)
    images = []
    for position, name in enumerate(names):
        tags = draw(st.lists(st.sampled_from(free), unique=True, max_size=2)) if free else []
        free = [tag for tag in free if tag not in tags]
        earlier = st.sampled_from(names[:position]) if position else st.nothing()
        archived = draw(st.booleans())
        images.append(
            Image(
                name,
                tuple(tags),
                pushed_at=ago(draw(st.integers(0, 6))),
                pulled_at=draw(st.one_of(st.none(), st.integers(0, 6).map(ago))),
                archived_at=ago(draw(st.integers(80, 99))) if archived else None,
                storage_class="archive" if archived else "standard",
                children=tuple(draw(st.lists(earlier, unique=True, max_size=2))) if position else (),
                subject=draw(st.one_of(st.none(), st.none(), st.sampled_from(NAMES))),
            )
        )
    return images


def matches(rule, each):
    """Whether a rule matches an image, written differently from the code."""
    if rule.storage_class != each.storage_class:
        return False
    alone = Rule(1, rule.tag_status, "sinceImagePushed", 1, rule.prefixes, rule.patterns)
    return bool(evaluate([alone], [Image("x", each.tags, pushed_at=0)], NOW))


@given(policies(), repositories())
def test_at_most_one_rule_selects_an_image(rules, images):
    verdicts = evaluate(rules, images, NOW)
    assert verdicts.keys() <= {each.digest for each in images}
    known = {rule.priority: rule for rule in rules}
    assert all(verdict == Verdict(known[verdict.priority].action, verdict.priority) for verdict in verdicts.values())


@given(policies(), repositories())
def test_the_rule_with_the_highest_priority_selects_the_image(rules, images):
    here = {each.digest for each in images}
    verdicts = evaluate(rules, images, NOW)
    for each in images:
        if each.digest in verdicts and each.subject not in here:
            first = min(rule.priority for rule in rules if matches(rule, each))
            assert verdicts[each.digest].priority == first


@given(policies(), repositories())
def test_an_added_last_rule_only_adds_its_own_images(rules, images):
    more = [*rules, older(1, 11)]
    before, after = evaluate(rules, images, NOW), evaluate(more, images, NOW)
    assert before.items() <= after.items()
    assert all(after[name].priority == 11 for name in after.keys() - before.keys())


@given(policies(), repositories(), st.integers(1, 5))
def test_an_image_selected_by_age_is_still_selected_later(rules, images, days):
    rules = [rule for rule in rules if rule.count_type != "imageCountMoreThan"]
    assert evaluate(rules, images, NOW).items() <= evaluate(rules, images, NOW + days * DAY).items()


@given(policies(), repositories())
def test_a_second_run_selects_only_images_that_the_first_one_freed(rules, images):
    rules = [rule for rule in rules if rule.count_type != "imageCountMoreThan"]  # freed images would be counted
    verdicts = evaluate(rules, images, NOW)
    gone_indexes = {child for each in images if each.digest in verdicts for child in each.children}
    subjects = {each.digest for each in images if each.digest in verdicts}
    left = [each for each in images if each.digest not in verdicts]
    freed = {each.digest for each in left if each.digest in gone_indexes or each.subject in subjects}
    again = evaluate(rules, left, NOW)
    about = {each.digest: each.subject for each in left}
    assert all(name in freed or about[name] in again for name in again)


@given(policies(), repositories())
def test_an_image_of_a_remaining_index_does_not_expire(rules, images):
    verdicts = evaluate(rules, images, NOW)
    for index in images:
        for child in index.children:
            if child in verdicts:
                assert index.storage_class == "archive" and verdicts[child].action == "transition"


@given(st.integers(1, 5), repositories())
def test_the_newest_images_are_kept(number, images):
    plain = [replace(each, children=(), subject=None, archived_at=None, storage_class="standard") for each in images]
    kept = [each.pushed_at for each in plain if each.digest not in evaluate([keep(number)], plain, NOW)]
    assert sorted(kept) == sorted(each.pushed_at for each in plain)[-number:]
