"""Which lifecycle policies are valid, and how ECR refuses the others."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.services.ecr.lifecycle.errors import PolicyInvalid
from ecr_sandbox.services.ecr.lifecycle.policy import Rule, parse

SELECTION = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5}
EXPIRE, ARCHIVE = {"type": "expire"}, {"type": "transition", "targetStorageClass": "archive"}
BEFORE = (
    "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: "
)


def rule(priority=1, action=EXPIRE, **selection):
    """A rule. A field of the selection that is None is left out."""
    merged = {**SELECTION, **selection}
    chosen = {name: value for name, value in merged.items() if value is not None}
    return {"rulePriority": priority, "selection": chosen, "action": action}


def days(kind, number=30, **more):
    return {"countType": kind, "countUnit": "days", "countNumber": number, **more}


def policy(*rules):
    return json.dumps({"rules": rules})


def why(text):
    """The detail in ECR's error for *text*."""
    with pytest.raises(PolicyInvalid) as refused:
        parse(text)
    message = refused.value.message
    assert message.startswith(BEFORE)
    assert message.endswith("'")
    return message.removeprefix(BEFORE).removesuffix("'")


ARCHIVED = days("sinceImageTransitioned", 90, storageClass="archive")

GOOD = {
    "untagged by number": rule(),
    "untagged by age": rule(**days("sinceImagePushed")),
    "by prefixes": rule(tagStatus="tagged", tagPrefixList=["prod", "beta"]),
    "by patterns": rule(tagStatus="tagged", tagPatternList=["*a*b*c*", "prod"]),
    "an empty list is no list": rule(tagStatus="any", tagPrefixList=[]),
    "the standard class is given": rule(storageClass="standard"),
    "archive by number": rule(action=ARCHIVE),
    "archive by age": rule(action=ARCHIVE, **days("sinceImagePushed")),
    "archive by last pull": rule(action=ARCHIVE, **days("sinceImagePulled")),
    "out of the archive": rule(**ARCHIVED),
    "described": {**rule(), "description": "Only the last five"},
}


@pytest.mark.parametrize("good", GOOD.values(), ids=GOOD)
def test_a_valid_rule_is_accepted(good):
    [read] = parse(policy(good))
    assert read.priority == 1


def test_a_policy_is_parsed():
    text = policy(
        rule(30, tagStatus="any", **days("sinceImagePulled", 90), action=ARCHIVE),
        rule(2, tagStatus="tagged", tagPatternList=["prod*", "*-rc"]),
        rule(40, tagStatus="any", **ARCHIVED),
        rule(1, tagStatus="tagged", tagPrefixList=["v"], **days("sinceImagePushed", 14)),
    )
    assert parse(text) == (
        Rule(1, "tagged", "sinceImagePushed", 14, prefixes=("v",)),
        Rule(2, "tagged", "imageCountMoreThan", 5, patterns=("prod*", "*-rc")),
        Rule(30, "any", "sinceImagePulled", 90, action="transition"),
        Rule(40, "any", "sinceImageTransitioned", 90, storage_class="archive"),
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "[]", '"rules"', "null", '{"rules": [', "[" * 20_000, '{"rules": NaN}', '{"rules": [Infinity]}'),
        policy(rule(action={"type": "transition"})),  # cdk-preflight, rules/ecr/pf-ecr-lifecycle-action
    ],
    ids=lambda text: text[:20],
)
def test_a_text_that_is_not_a_policy_is_refused(text):
    with pytest.raises(PolicyInvalid) as refused:
        parse(text)
    assert refused.value.message == (
        "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
        "'Lifecycle policy parsing failure: Could not map policyString into LifecyclePolicy.'"
    )


NO_ACTION = "instance failed to match exactly one schema (matched 0 out of 2)"
NOT_ONE = "instance failed to match exactly one schema (matched 0 out of 4)"


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ({}, 'object has missing required properties (["rules"])'),
        (
            {"rules": [rule()], "version": 1},
            'object instance has properties which are not allowed by the schema: ["version"]',
        ),
        ({"rules": {}}, 'instance type (object) does not match any allowed primitive type (allowed: ["array"])'),
        ({"rules": []}, "array is too short: must have at least 1 elements but instance has 0 elements"),
        (
            {"rules": [rule(n) for n in range(1, 52)]},
            "array is too long: must have at most 50 elements but instance has 51 elements",
        ),
        ({"rules": ["x"]}, 'instance type (string) does not match any allowed primitive type (allowed: ["object"])'),
        ({"rules": [{"rulePriority": 1}]}, 'object has missing required properties (["action","selection"])'),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_a_policy_that_does_not_match_the_schema_is_refused(content, detail):
    assert why(json.dumps(content)) == detail


@pytest.mark.parametrize(
    ("wrong", "detail"),
    [
        ({**rule(), "priority": 1}, 'object instance has properties which are not allowed by the schema: ["priority"]'),
        (
            {**rule(), "description": 7},
            'instance type (integer) does not match any allowed primitive type (allowed: ["string"])',
        ),
        (rule("1"), 'instance type (string) does not match any allowed primitive type (allowed: ["integer"])'),
        (rule(True), 'instance type (boolean) does not match any allowed primitive type (allowed: ["integer"])'),
        (rule(1.5), 'instance type (number) does not match any allowed primitive type (allowed: ["integer"])'),
        (rule(0), "numeric instance is lower than the required minimum (minimum: 1, found: 0)"),
        (rule(countNumber=0), "numeric instance is lower than the required minimum (minimum: 1, found: 0)"),
        (
            rule(countNumber="2"),
            'instance type (string) does not match any allowed primitive type (allowed: ["integer"])',
        ),
        (rule(countNumber=None), 'object has missing required properties (["countNumber"])'),
        (
            rule(tagStatus="ANY"),
            'instance value ("ANY") not found in enum (possible values: ["any","tagged","untagged"])',
        ),
        (
            rule(tagStatus=[]),
            'instance value ([]) not found in enum (possible values: ["any","tagged","untagged"])',
        ),
        (
            rule(storageClass="glacier"),
            'instance value ("glacier") not found in enum (possible values: ["archive","standard"])',
        ),
        (
            rule(tagPatterns=["v*"]),
            'object instance has properties which are not allowed by the schema: ["tagPatterns"]',
        ),
        (
            rule(tagStatus="tagged", tagPrefixList=[1]),
            'instance type (integer) does not match any allowed primitive type (allowed: ["string"])',
        ),
        (
            rule(tagStatus="tagged", tagPrefixList="v"),
            'instance type (string) does not match any allowed primitive type (allowed: ["array"])',
        ),
        (rule(countType="since"), NOT_ONE),
        (rule(countUnit="days"), NOT_ONE),
        (rule(countType="sinceImagePushed"), NOT_ONE),
        (rule(countType="sinceImagePushed", countUnit="weeks"), NOT_ONE),
        (
            rule(action={"type": "delete"}),
            'instance value ("delete") not found in enum (possible values: ["expire","transition"])',
        ),
        (rule(action={}), 'object has missing required properties (["type"])'),
        (rule(action={"type": "expire", "targetStorageClass": None}), NO_ACTION),
        (
            rule(action={"type": "transition", "targetStorageClass": "standard"}),
            'instance value ("standard") not found in enum (possible values: ["archive"])',
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_a_rule_that_does_not_match_the_schema_is_refused(wrong, detail):
    assert why(policy(wrong)) == detail


def test_a_null_count_unit_is_refused():
    """https://github.com/cloudposse/terraform-aws-ecr/pull/132"""
    text = policy({**rule(), "selection": {**SELECTION, "countUnit": None}})
    assert why(text) == NOT_ONE


@pytest.mark.parametrize(
    ("wrong", "detail"),
    [
        (rule(tagStatus="tagged"), "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED."),
        (
            rule(tagStatus="tagged", tagPatternList=[]),
            "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.",
        ),
        (
            rule(tagStatus="tagged", tagPatternList=["v*"], tagPrefixList=["v"]),
            "If policy has a tagged rule, it must specify only one of tagPrefixList or tagPatternList",
        ),
        (rule(tagPrefixList=["v"]), "Cannot specify tagPrefixList with tagStatus untagged"),
        (rule(tagStatus="any", tagPatternList=["v*"]), "Cannot specify tagPatternList with tagStatus any"),
        (
            rule(tagStatus="tagged", tagPatternList=["v*", "test*1*2*3*4*5*6"]),
            "Invalid tag pattern provided. Total number of * must not exceed 4",
        ),
        (rule(**days("sinceImagePulled")), "SINCE_IMAGE_PULLED supports the TRANSITION action only"),
        (
            rule(storageClass="archive"),
            "SINCE_IMAGE_PUSHED, SINCE_IMAGE_PULLED and IMAGE_COUNT_MORE_THAN support the STANDARD storage class only",
        ),
        (
            rule(**days("sinceImageTransitioned", 90)),
            "SINCE_IMAGE_TRANSITIONED supports the ARCHIVE storage class only",
        ),
        (rule(action=ARCHIVE, **ARCHIVED), "SINCE_IMAGE_TRANSITIONED supports the EXPIRE action only"),
        (
            rule(**{**ARCHIVED, "countNumber": 89}),
            "cannot configure lifecycle policies that delete images that have been in archive for less than 90 days",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_a_contradictory_rule_is_refused(wrong, detail):
    assert why(policy(wrong)) == detail


V = {"tagStatus": "tagged", "tagPrefixList": ["v"]}


@pytest.mark.parametrize(
    ("rules", "detail"),
    [
        ([rule(1), rule(1, **V)], "Duplicate priority in multiple rules"),
        (
            [rule(1), rule(2, **days("sinceImagePushed"))],
            "Only one rule can select Untagged images per storage class.",
        ),
        (
            [rule(1, tagStatus="any"), rule(2)],
            "Rule for tagStatus=ANY must have the lowest priority per storage class",
        ),
        (
            [rule(1, tagStatus="any"), rule(2, tagStatus="any")],
            "Only one rule can specify tagStatus=ANY per storage class",
        ),
        (
            [rule(1, **V), rule(2, tagStatus="tagged", tagPrefixList=["w", "v"])],
            "Duplicate tag prefix in multiple rules per storage class",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_contradictory_rules_are_refused(rules, detail):
    assert why(policy(*rules)) == detail


def test_each_storage_class_has_its_own_rules():
    rules = parse(
        policy(
            rule(1, tagStatus="any", **days("sinceImagePulled"), action=ARCHIVE),
            rule(2, **ARCHIVED),
            rule(3, tagStatus="any", **ARCHIVED),
        )
    )
    assert [each.storage_class for each in rules] == ["standard", "archive", "archive"]


def test_a_pattern_or_prefix_can_be_repeated():
    patterns = {"tagStatus": "tagged", "tagPatternList": ["v*"]}
    assert len(parse(policy(rule(1, **patterns), rule(2, **patterns)))) == 2
    assert len(parse(policy(rule(1, tagStatus="tagged", tagPrefixList=["v", "v"])))) == 1


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 99), st.floats(), st.sampled_from(["days", "any", "v*", ""])
)
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner), max_leaves=8
)


@st.composite
def mangled(draw):
    """A valid policy with one random change."""
    content = json.loads(policy(draw(st.sampled_from(list(GOOD.values())))))
    [first] = content["rules"]
    place = draw(st.sampled_from([content, first, first["selection"], first["action"]]))
    name = draw(st.sampled_from([*place, "rules", "selection", "countUnit", "tagPrefixList", "storageClass"]))
    place[name] = draw(anything)
    return json.dumps(content)


@given(mangled())
def test_a_mutated_policy_is_parsed_or_refused_with_ecrs_message(text):
    try:
        rules = parse(text)
    except PolicyInvalid as refused:
        assert refused.message.startswith("Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: ")
    else:
        assert rules and all(each.number >= 1 for each in rules)
