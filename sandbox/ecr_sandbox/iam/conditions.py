"""The Condition element of IAM's policy language: whether it is true for a request.

Sources, both in https://docs.aws.amazon.com/IAM/latest/UserGuide/:
``reference_policies_elements_condition_operators.html``,
``reference_policies_condition-single-vs-multi-valued-context-keys.html``.
"""

import base64
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address, ip_network
from typing import Any

from .patterns import Facts, Text


@dataclass(frozen=True)
class Condition:
    """One key of one operator: ``{"StringLike": {"aws:username": ["a*", "b*"]}}``.

    The values in the policy are alternatives; a negated operator requires that none matches. ``ForAllValues:`` and
    ``ForAnyValue:`` say how many of the *request's* values must match.

    Where the user guide leaves something open, this follows what https://iam.cloudcopilot.io/resources/operators and
    https://awholenother.com/2025/02/17/iam-conditions-brain-dump.html found on AWS:
    - ``ForAnyValue:`` is false for a missing key, with ``IfExists`` too. The guide has a sentence for each of the two.
    - A multivalued key requires a set operator. Without one no condition on it is met, not even a negated one, also
      when the request has only one value of the key.
    """

    key: str
    compare: "Comparison"
    wanted: tuple[Text, ...]
    negated: bool = False
    quantifier: str | None = None
    if_exists: bool = False
    of_presence: bool = False
    written: str = ""  # the key as the policy writes it

    def holds(self, facts: Facts) -> bool:
        """Whether the request, described by *facts*, meets this condition."""
        given = facts.get(self.key, ())
        if self.of_presence:
            return self._passes("true" if given == () else "false", facts)
        if self.quantifier:
            # A set operator does not count an empty string as a value ("such as an empty string").
            values = filter(None, (given,) if isinstance(given, str) else given)
            return (all if self.quantifier == "ForAllValues" else any)(self._passes(each, facts) for each in values)
        if given == ():
            return self.negated or self.if_exists
        return isinstance(given, str) and self._passes(given, facts)

    def _passes(self, value: str, facts: Facts) -> bool:
        return any(self.compare(value, wanted, facts) for wanted in self.wanted) != self.negated


def condition(name: str, key: str, wanted: tuple[str, ...], has_variables: bool) -> Condition | None:
    """The condition that the operator *name* puts on *key*, or None if the operator does not exist."""
    parts = OPERATOR.fullmatch(name)
    if not parts:
        return None
    quantifier, base, if_exists = parts.groups()
    if base == "Null" and (quantifier or if_exists):
        return None
    positive = NEGATIONS.get(base, base)
    return Condition(
        key.lower(),
        COMPARISONS[positive],
        tuple(Text(each, has_variables and "${" in each) for each in wanted),
        negated=positive != base,
        quantifier=quantifier,
        if_exists=bool(if_exists),
        of_presence=base == "Null",
        written=key,
    )


# Whether a value of the request matches a value of the policy.
Comparison = Callable[[str, Text, Facts], bool]


def _converted(convert: Callable[[str], Any], relation: Callable[[Any, Any], bool]) -> Comparison:
    """Compare the converted values. These operators have no variables; a value that cannot be read does not match."""

    def compare(value: str, wanted: Text, facts: Facts) -> bool:
        try:
            return relation(convert(value), convert(wanted.raw))
        except (ValueError, OverflowError):
            return False

    return compare


def _number(text: str) -> Decimal:
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def _moment(text: str) -> Decimal:
    """Seconds since 1970, from a number or an ISO 8601 date; without a time zone it is UTC."""
    try:
        return _number(text)
    except ValueError:
        whole = f"{text}-01" if re.fullmatch(r"\d{4}-\d\d", text, re.ASCII) else text
        moment = datetime.fromisoformat(whole)
        return Decimal(repr((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))


def _same_bytes(value: str, wanted: Text, facts: Facts) -> bool:
    try:
        return base64.b64decode(wanted.raw, validate=True) == value.encode(errors="surrogatepass")
    except ValueError:
        return False


def _in_network(value: str, wanted: Text, facts: Facts) -> bool:
    try:
        return ip_address(value) in ip_network(wanted.raw, strict=False)
    except ValueError:
        return False


def _equals(value: str, wanted: Text, facts: Facts) -> bool:
    return wanted.equals(value, facts)


def _equals_in_any_case(value: str, wanted: Text, facts: Facts) -> bool:
    return wanted.equals(value, facts, fold=str.casefold)


def _like(value: str, wanted: Text, facts: Facts) -> bool:
    return wanted.like(value, facts)


def _like_arn(value: str, wanted: Text, facts: Facts) -> bool:
    return wanted.like_arn(value, facts)


NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,9})?", re.ASCII)  # Decimal also reads 1_000 and NaN
RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
COMPARISONS: Mapping[str, Comparison] = {
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_in_any_case,
    "StringLike": _like,
    "ArnEquals": _like_arn,
    "ArnLike": _like_arn,
    **{f"Numeric{name}": _converted(_number, relation) for name, relation in RELATIONS.items()},
    **{f"Date{name}": _converted(_moment, relation) for name, relation in RELATIONS.items()},
    "Bool": _equals_in_any_case,
    "BinaryEquals": _same_bytes,
    "IpAddress": _in_network,
    "Null": _equals_in_any_case,
}
NEGATIONS = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}
OPERATOR = re.compile(rf"(?:(ForAllValues|ForAnyValue):)?({'|'.join([*COMPARISONS, *NEGATIONS])})(IfExists)?")
