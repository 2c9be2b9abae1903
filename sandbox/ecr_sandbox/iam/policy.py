"""IAM's policy language: parses a JSON document into a ``Policy``, or raises ``Malformed``.

Sources, both in https://docs.aws.amazon.com/IAM/latest/UserGuide/: ``reference_policies_grammar.html``;
``reference-arns.html`` for incomplete ARNs.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ecr_sandbox import strict_json

from .conditions import Condition, condition
from .patterns import VARIABLE, Facts, Text, glob, literal_brackets

WITH_VARIABLES = "2012-10-17"
VERSIONS = ("2008-10-17", WITH_VARIABLES)
POLICY_ELEMENTS = {"Version", "Id", "Statement"}
STATEMENT_ELEMENTS = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
}
PRINCIPAL_TYPES = {"AWS", "Service", "Federated", "CanonicalUser"}
ACTION = re.compile(r"\*|[^:]+:.+", re.DOTALL)
INFINITE = (math.inf, -math.inf)  # what Python reads from 1e999
ARN_COLONS = 5  # between the six fields of an ARN


class Malformed(ValueError):
    """The document is not a policy. The message says why; it is not AWS's."""


@dataclass(frozen=True)
class Statement:
    """One statement. *resources* is None in a resource's policy, where it means the resource that it is attached to."""

    effect: str
    actions: tuple[Callable[[str], bool], ...]
    but_actions: bool  # NotAction
    resources: tuple[Text, ...] | None
    but_resources: bool  # NotResource
    principals: frozenset[tuple[str, str]] | None  # ("AWS", an ARN, a number or "*"), ("Service", a name), …
    but_principals: bool  # NotPrincipal
    conditions: tuple[Condition, ...]

    def covers(self, action: str, resource: str, facts: Facts) -> bool:
        """Whether this statement applies to *action* on *resource* in a request with these *facts*."""
        return (
            any(matches(action) for matches in self.actions) != self.but_actions
            and self._covers_resource(resource, facts)
            and all(each.holds(facts) for each in self.conditions)
        )

    def missing(self, action: str, resource: str, facts: Facts) -> list[str]:
        """The condition keys that decide whether this statement applies to *action*, and that are not in *facts*."""
        if any(matches(action) for matches in self.actions) == self.but_actions:
            return []
        unresolved = [key for each in self.resources or () for key in each.missing(facts)]
        if not unresolved and not self._covers_resource(resource, facts):
            return []
        keys = [each.written for each in self.conditions if each.key not in facts and not each.of_presence]
        return (
            unresolved + keys + [key for each in self.conditions for text in each.wanted for key in text.missing(facts)]
        )

    def _covers_resource(self, resource: str, facts: Facts) -> bool:
        if self.resources is None:
            return True
        return any(each.like(resource, facts) for each in self.resources) != self.but_resources


@dataclass(frozen=True)
class Policy:
    """A parsed document; *name* is for error messages."""

    name: str
    statements: tuple[Statement, ...]


def parse(document: str | Mapping[str, Any], name: str = "", *, complete_arns: bool = False) -> Policy:
    """The policy in *document*, a JSON text or the object it was read into; raises Malformed.

    With *complete_arns* a resource's ARN with fewer than six fields gets ``*`` for each that is missing, as in AWS's
    identity-based policies. The last thousand texts are cached.
    """
    if isinstance(document, str):
        return _parsed(document, name, complete_arns)
    return _policy(document, name, complete_arns)


@lru_cache(maxsize=1024)
def _parsed(text: str, name: str, complete_arns: bool) -> Policy:
    try:
        document = strict_json.loads(text, unique_names=True)
    except strict_json.RepeatedName:  # grammar: "elements must not contain multiple instances of the same key"
        raise Malformed("an element is there twice") from None
    except ValueError:
        raise Malformed("it is not JSON") from None
    return _policy(document, name, complete_arns)


def _policy(document: Any, name: str, complete_arns: bool) -> Policy:
    _check_object(document, "the policy", POLICY_ELEMENTS)
    version = document.get("Version", VERSIONS[0])
    if version not in VERSIONS:
        raise Malformed("the Version is neither 2012-10-17 nor 2008-10-17")
    _check_label(document, "Id")
    statements = document.get("Statement")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise Malformed("there is no Statement")
    return Policy(name, tuple(_statement(each, version == WITH_VARIABLES, complete_arns) for each in statements))


def _statement(document: Any, has_variables: bool, complete_arns: bool) -> Statement:
    _check_object(document, "a statement", STATEMENT_ELEMENTS)
    _check_label(document, "Sid")
    if document.get("Effect") not in ("Allow", "Deny"):
        raise Malformed("the Effect is neither Allow nor Deny")
    action, resource, principal = (_either(document, element) for element in ("Action", "Resource", "Principal"))
    if action is None:
        raise Malformed("a statement has neither Action nor NotAction")
    return Statement(
        effect=document["Effect"],
        actions=_actions(document[action], action),
        but_actions=action == "NotAction",
        resources=_resources(document[resource], resource, has_variables, complete_arns) if resource else None,
        but_resources=resource == "NotResource",
        principals=_principals(document[principal]) if principal else None,
        but_principals=principal == "NotPrincipal",
        conditions=_conditions(document.get("Condition", {}), has_variables),
    )


def document_statements(text: str) -> list[dict[str, Any]]:
    """The statements of the policy *text* as JSON objects; raises Malformed."""
    parse(text)
    return list(as_list(json.loads(text)["Statement"]))


def as_list(value: Any) -> list[Any]:
    """*value* if it is a list, else a list of it: where the grammar has a list, one member can be without brackets."""
    return value if isinstance(value, list) else [value]


def _either(document: Mapping[str, Any], element: str) -> str | None:
    """The one of *element* and its opposite that *document* has; raises Malformed if it has both."""
    there = [each for each in (element, f"Not{element}") if each in document]
    if len(there) > 1:
        raise Malformed(f"a statement has both {element} and Not{element}")
    return there[0] if there else None


def _actions(value: Any, element: str) -> tuple[Callable[[str], bool], ...]:
    actions = _strings(value, element)
    if not all(map(ACTION.fullmatch, actions)):
        raise Malformed(f"{element} is not of the form service:Action")
    return tuple(glob(literal_brackets(each), re.IGNORECASE | re.ASCII) for each in actions)


def _resources(value: Any, element: str, has_variables: bool, complete_arns: bool) -> tuple[Text, ...]:
    texts = [Text(each, has_variables and "${" in each) for each in _strings(value, element)]
    return tuple(map(_completed, texts) if complete_arns else texts)


def missing_fields(text: Text) -> int:
    """How many of the six fields of an ARN *text*, a resource in a policy, does not have."""
    if not text.raw.startswith("arn:"):
        return 0
    literal_part = VARIABLE.sub("", text.raw) if text.has_variables else text.raw
    return max(ARN_COLONS - literal_part.count(":"), 0)


def _completed(text: Text) -> Text:
    return Text(text.raw + ":*" * missing_fields(text), text.has_variables)


def _principals(value: Any) -> frozenset[tuple[str, str]]:
    if value == "*":
        return frozenset({("AWS", "*")})
    _check_object(value, "a principal", PRINCIPAL_TYPES)
    if not value:
        raise Malformed("a principal is empty")
    return frozenset((kind, name) for kind, names in value.items() for name in _strings(names, "Principal"))


def _conditions(value: Any, has_variables: bool) -> tuple[Condition, ...]:
    _check_object(value, "Condition")
    return tuple(
        _condition(operator, key, wanted, has_variables)
        for operator, keys in value.items()
        for key, wanted in _check_object(keys, operator).items()
    )


def _condition(operator: str, key: str, wanted: Any, has_variables: bool) -> Condition:
    values = as_list(wanted)
    if not all(isinstance(each, str | int | float) and each not in INFINITE for each in values):
        raise Malformed(f"a value of {operator} is neither a string nor a number nor a boolean")
    texts = tuple(each if isinstance(each, str) else json.dumps(each) for each in values)
    found = condition(operator, key, texts, has_variables)
    if found is None:
        raise Malformed(f"there is no condition operator {operator}")
    return found


def _strings(value: Any, element: str) -> list[str]:
    values = as_list(value)
    if not values or not all(isinstance(each, str) and each for each in values):
        raise Malformed(f"{element} is neither a string nor a list of strings")
    return values


def _check_object(value: Any, what: str, elements: set[str] | None = None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Malformed(f"{what} is not an object")
    unknown = [key for key in value if elements is not None and key not in elements]
    if unknown:
        raise Malformed(f"{what} has an unknown element {unknown[0]}")
    return value


def _check_label(document: Mapping[str, Any], element: str) -> None:
    if not isinstance(document.get(element, ""), str):
        raise Malformed(f"the {element} is not a string")
