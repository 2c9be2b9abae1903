"""The Condition block of IAM's policy language: does it hold for these facts?

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import ipaddress
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .iam_patterns import Facts, expand, glob, literal

Test = Callable[[str, str], bool]  # a fact, and a value of the policy whose variables are filled in


@dataclass(frozen=True)
class Condition:
    """One line of a block: ``{"StringLike": {"aws:username": ["a*", "b*"]}}``."""

    test: Test
    negated: bool
    quantifier: str  # "", "ForAllValues" or "ForAnyValue"
    if_exists: bool
    patterns: bool  # whether * and ? in a value are wildcards
    key: str
    values: tuple[str, ...]

    def holds(self, facts: Facts, variables: bool) -> bool:
        """Whether it is so; *variables* says whether ``${…}`` in a value is filled in."""
        found = facts.get(self.key)
        if not found:
            return self._without_a_fact()
        wanted = [each for value in self.values if (each := self._filled(value, facts, variables)) is not None]
        satisfied = [any(_safely(self.test, fact, value) for value in wanted) != self.negated for fact in found]
        if self.quantifier == "ForAllValues" or (self.negated and not self.quantifier):
            return all(satisfied)
        return any(satisfied)

    def _without_a_fact(self) -> bool:
        if self.quantifier:
            return self.quantifier == "ForAllValues" or self.if_exists
        return self.negated or self.if_exists

    def _filled(self, value: str, facts: Facts, variables: bool) -> str | None:
        if not variables:
            return value if self.patterns else literal(value)
        return expand(value, facts) if self.patterns else literal(value, facts)


@dataclass(frozen=True)
class Null:
    """``{"Null": {"aws:TokenIssueTime": "true"}}``: the fact is not there."""

    key: str
    values: tuple[str, ...]

    def holds(self, facts: Facts, variables: bool) -> bool:
        """Whether the fact is missing, or there, as asked."""
        return str(not facts.get(self.key)).lower() in [value.lower() for value in self.values]


def read(block: object) -> tuple[Condition | Null, ...]:
    """The lines of a Condition block; ValueError says what is wrong with it."""
    if not isinstance(block, Mapping) or not all(isinstance(keys, Mapping) for keys in block.values()):
        raise ValueError("Condition must be an object of operators")
    return tuple(_line(name, key, _texts(value)) for name, keys in block.items() for key, value in keys.items())


def _line(name: str, key: str, values: tuple[str, ...]) -> Condition | Null:
    if name.lower() == "null":
        return Null(key.lower(), values)
    quantifier, _, rest = name.rpartition(":")
    base = rest.removesuffix("IfExists")
    negated = "Not" in base
    positive = base.replace("Not", "")
    if quantifier not in ("", "ForAllValues", "ForAnyValue") or positive not in TESTS or base not in NAMES:
        raise ValueError(f"unknown condition operator {name}")
    patterns = positive in PATTERNS
    return Condition(TESTS[positive], negated, quantifier, rest != base, patterns, key.lower(), values)


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | int | float) for each in values):
        raise ValueError("a condition's values must be strings")
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in values)


def _safely(test: Test, fact: str, value: str) -> bool:
    """A fact or a value that is no number, date or address fits nothing."""
    try:
        return test(fact, value)
    except (ValueError, TypeError, OverflowError):
        return False


def _like(fact: str, pattern: str) -> bool:
    return glob(pattern).fullmatch(fact) is not None


def _arn_like(fact: str, pattern: str) -> bool:
    """Each of the six parts by itself, so that a ``*`` does not reach over a colon (but in the last)."""
    facts, patterns = fact.split(":", 5), pattern.split(":", 5)
    return len(facts) == len(patterns) == 6 and all(map(_like, facts, patterns))


def _number(compare: Callable[[float, float], bool]) -> Test:
    return lambda fact, value: compare(float(fact), float(value))


def _date(compare: Callable[[float, float], bool]) -> Test:
    return lambda fact, value: compare(_moment(fact), _moment(value))


def _moment(text: str) -> float:
    """ISO 8601, or seconds since 1970."""
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _in_network(fact: str, network: str) -> bool:
    return ipaddress.ip_address(fact) in ipaddress.ip_network(network, strict=False)


ORDER: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
TESTS: Mapping[str, Test] = {
    "StringEquals": operator.eq,
    "StringEqualsIgnoreCase": lambda fact, value: fact.lower() == value.lower(),
    "StringLike": _like,
    "Bool": lambda fact, value: fact.lower() == value.lower(),
    "BinaryEquals": operator.eq,
    "IpAddress": _in_network,
    "ArnEquals": _arn_like,  # AWS: "ArnEquals and ArnLike behave identically"
    "ArnLike": _arn_like,
    **{f"Numeric{name}": _number(compare) for name, compare in ORDER.items()},
    **{f"Date{name}": _date(compare) for name, compare in ORDER.items()},
}
PATTERNS = ("StringLike", "ArnEquals", "ArnLike")
NEGATED: Sequence[str] = (
    "StringNotEquals",
    "StringNotEqualsIgnoreCase",
    "StringNotLike",
    "NumericNotEquals",
    "DateNotEquals",
    "NotIpAddress",
    "ArnNotEquals",
    "ArnNotLike",
)
NAMES = frozenset({*TESTS, *NEGATED})
