"""Parses and validates the text of a lifecycle policy.

Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html; the counts of each
action and storage class: ``lifecycle_policy_examples.html``; what must be unique: ``LifecyclePolicies.html``.
Sources do not say which of two errors ECR names first. Here errors of the schema come first, rule by rule, then errors
inside a rule, then errors between rules.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ecr_sandbox import strict_json

from . import errors
from .errors import PolicyInvalid

MOST_RULES = 50
MOST_WILDCARDS = 4
LEAST_ARCHIVED_DAYS = 90
COUNT, PUSHED, PULLED, TRANSITIONED = (
    "imageCountMoreThan",
    "sinceImagePushed",
    "sinceImagePulled",
    "sinceImageTransitioned",
)
STANDARD, ARCHIVE = "standard", "archive"
EXPIRE, TRANSITION = "expire", "transition"
TAGGED, UNTAGGED, ANY = "tagged", "untagged", "any"
LISTS = ("tagPrefixList", "tagPatternList")


@dataclass(frozen=True)
class Rule:
    """One rule; *number* is a number of images for ``imageCountMoreThan``, else of days."""

    priority: int
    tag_status: str
    count_type: str
    number: int
    prefixes: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    storage_class: str = STANDARD
    action: str = EXPIRE


def parse(text: str) -> tuple[Rule, ...]:
    """The rules of the policy *text*, the highest priority (the lowest number) first; raises PolicyInvalid."""
    content = _json(text)
    _check_names(content, ("rules",))
    found = _typed(content["rules"], list)
    if not found:
        raise PolicyInvalid(errors.too_few(1))
    if len(found) > MOST_RULES:
        raise PolicyInvalid(errors.too_many(MOST_RULES, len(found)))
    rules = [_rule(each) for each in found]
    for rule in rules:
        _check_rule(rule)
    _check_together(rules)
    return tuple(sorted(rules, key=lambda rule: rule.priority))


def stored(text: str) -> str:
    """The policy *text* as ECR stores it: without white space between its elements; raises PolicyInvalid.

    Sources: AWS CLI, example of ``put-lifecycle-policy``
    (https://github.com/aws/aws-cli/blob/develop/awscli/examples/ecr/put-lifecycle-policy.rst);
    https://github.com/mulgadc/spinifex, spinifex/gateway/ecrapi/lifecyclepolicy_test.go.
    """
    parse(text)
    return json.dumps(_json(text), separators=(",", ":"), ensure_ascii=False)


# --- checks of the schema ---------------------------------------------------------------------------------------------

TYPES: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


def _json(text: str) -> dict[str, Any]:
    try:
        content = strict_json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise PolicyInvalid(errors.UNREADABLE, "parsing")
    return content


def _rule(content: Any) -> Rule:
    _check_names(_typed(content, dict), ("rulePriority", "selection", "action"), ("description",))
    _typed(content.get("description", ""), str)
    selection, action = _typed(content["selection"], dict), _typed(content["action"], dict)
    _check_names(selection, ("tagStatus", "countType", "countNumber"), ("countUnit", "storageClass", *LISTS))
    _check_names(action, ("type",), ("targetStorageClass",))
    return Rule(
        priority=_positive(content["rulePriority"]),
        tag_status=_one_of(selection["tagStatus"], (ANY, TAGGED, UNTAGGED)),
        count_type=_count_type(selection),
        number=_positive(selection["countNumber"]),
        prefixes=_strings(selection.get("tagPrefixList", [])),
        patterns=_strings(selection.get("tagPatternList", [])),
        storage_class=_one_of(selection.get("storageClass", STANDARD), (ARCHIVE, STANDARD)),
        action=_action(action),
    )


def _count_type(selection: dict[str, Any]) -> str:
    """A number of images has no unit, a number of days has one: a schema for each type, of which one must match."""
    kind, unit = selection["countType"], selection.get("countUnit")
    if kind == COUNT and "countUnit" not in selection:
        return COUNT
    if kind in (PUSHED, PULLED, TRANSITIONED) and unit == "days":
        return kind
    raise PolicyInvalid(errors.not_one_of(4))


def _action(action: dict[str, Any]) -> str:
    kind = _one_of(action["type"], (EXPIRE, TRANSITION))
    if kind == EXPIRE and "targetStorageClass" in action:
        raise PolicyInvalid(errors.not_one_of(2))
    if kind == TRANSITION and "targetStorageClass" not in action:
        raise PolicyInvalid(errors.UNREADABLE, "parsing")  # cdk-preflight: ECR's message here
    if kind == TRANSITION:
        _one_of(action["targetStorageClass"], (ARCHIVE,))
    return kind


def _check_names(content: dict[str, Any], required: Sequence[str], optional: Sequence[str] = ()) -> None:
    if unknown := content.keys() - {*required, *optional}:
        raise PolicyInvalid(errors.not_allowed(unknown))
    if lacking := set(required) - content.keys():
        raise PolicyInvalid(errors.missing(lacking))


def _typed(value: Any, wanted: type) -> Any:
    if type(value) is not wanted:  # in Python True is an int
        raise PolicyInvalid(errors.wrong_type(TYPES[type(value)], TYPES[wanted]))
    return value


def _positive(value: Any) -> int:
    number: int = _typed(value, int)
    if number < 1:
        raise PolicyInvalid(errors.too_low(number))
    return number


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(_typed(each, str) for each in _typed(value, list))


def _one_of(value: Any, known: Collection[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise PolicyInvalid(errors.not_in(value, known))
    return value


# --- checks beyond the schema ----------------------------------------------------------------------------------------


def _check_rule(rule: Rule) -> None:
    for wrong, detail in (*_tag_faults(rule), *_count_faults(rule)):
        if wrong:
            raise PolicyInvalid(detail)


def _tag_faults(rule: Rule) -> Iterable[tuple[bool, str]]:
    given = dict(zip(LISTS, (rule.prefixes, rule.patterns), strict=True))
    if rule.tag_status == TAGGED:
        yield all(given.values()), errors.BOTH_LISTS
        yield not any(given.values()), errors.NO_TAGS
    else:
        for name, values in given.items():
            yield bool(values), errors.no_tags_here(name, rule.tag_status)
    yield (
        any(pattern.count("*") > MOST_WILDCARDS for pattern in rule.patterns),
        errors.BAD_PATTERN.format(most=MOST_WILDCARDS),
    )


def _count_faults(rule: Rule) -> Iterable[tuple[bool, str]]:
    archived, expires = rule.storage_class == ARCHIVE, rule.action == EXPIRE
    if rule.count_type == TRANSITIONED:
        yield not archived, errors.ARCHIVE_ONLY
        yield not expires, errors.EXPIRE_ONLY
        yield rule.number < LEAST_ARCHIVED_DAYS, errors.TOO_SOON.format(days=LEAST_ARCHIVED_DAYS)
    else:
        yield archived, errors.STANDARD_ONLY
    yield rule.count_type == PULLED and expires, errors.TRANSITION_ONLY


def _check_together(rules: Sequence[Rule]) -> None:
    if _repeated(rule.priority for rule in rules):
        raise PolicyInvalid(errors.SAME_PRIORITY)
    for storage_class in (STANDARD, ARCHIVE):
        _check_class([rule for rule in rules if rule.storage_class == storage_class])


def _check_class(rules: Sequence[Rule]) -> None:
    """Check what must be unique among the rules for one storage class."""
    are: Callable[[str], list[int]] = partial(_priorities, rules)
    if len(are(UNTAGGED)) > 1:
        raise PolicyInvalid(errors.TWO_UNTAGGED)
    if len(are(ANY)) > 1:
        raise PolicyInvalid(errors.TWO_ANY)
    if are(ANY) and are(ANY)[0] < max(rule.priority for rule in rules):
        raise PolicyInvalid(errors.ANY_NOT_LAST)
    if _repeated(prefix for rule in rules for prefix in set(rule.prefixes)):
        raise PolicyInvalid(errors.SAME_PREFIX)


def _priorities(rules: Iterable[Rule], tag_status: str) -> list[int]:
    return [rule.priority for rule in rules if rule.tag_status == tag_status]


def _repeated(values: Iterable[Any]) -> bool:
    return any(count > 1 for count in Counter(values).values())
