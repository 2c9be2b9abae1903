"""IAM's decision: may this principal do that? Pure functions; who has which policies is ``principals.py``'s to say.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

from . import iam_conditions
from .iam_patterns import Facts, expand, glob

Context = Mapping[str, str | tuple[str, ...]]

VERSIONS = ("2012-10-17", "2008-10-17")  # policy variables came with the newer
ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"}


class Malformed(ValueError):
    """Not a policy; the message says why."""


@dataclass(frozen=True)
class Choice:
    """An element or its Not-form: what is in the list, or everything but that."""

    entries: tuple[str, ...]
    negated: bool


@dataclass(frozen=True)
class Statement:
    """One statement; an element that it does not have is None."""

    denies: bool
    actions: Choice
    resources: Choice | None
    principals: Choice | None
    conditions: tuple[iam_conditions.Condition | iam_conditions.Null, ...]


@dataclass(frozen=True)
class Policy:
    """A parsed policy document."""

    name: str
    statements: tuple[Statement, ...]
    variables: bool  # whether ${…} is filled in


@dataclass(frozen=True)
class Principal:
    """Who asks, and every policy that speaks about them.

    *names* are the ARNs by which a resource's policy may name it: a session's own and its role's. *session* is None
    where the session was given no policy. An *unrestricted* one, the sandbox's administrator, may do everything in
    its own account; other accounts and the trust of roles it must ask for as everybody does.
    """

    arn: str
    account: str
    names: frozenset[str]
    identity: tuple[Policy, ...]
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    context: Context = field(default_factory=dict)
    unrestricted: bool = False


@dataclass(frozen=True)
class Ask:
    """One question: may *action* be done on *resource* (an ARN or ``*``), which *account* owns?"""

    action: str
    resource: str
    account: str
    context: Context = field(default_factory=dict)


class Decision(NamedTuple):
    """The answer, and the tail of AWS's sentence if it is no."""

    allowed: bool
    because: str


class Grant(IntEnum):
    """What a resource's policy gives, the more the higher."""

    NOTHING = 0
    DELEGATED = 1  # to an account, which may pass it on by an identity's policy
    LIMITED = 2  # to a role or to everybody: a boundary and a session policy must allow it too
    FULL = 3  # to this user or this session by name


def decide(
    who: Principal, ask: Ask, resource_policies: Sequence[Policy] = (), delegated_only: bool = False
) -> Decision:
    """Whether *who* may do what is asked; *resource_policies* hang on the resource.

    With *delegated_only* an identity's policy is never enough: so it is with a role's trust policy.
    """
    if who.unrestricted and who.account == ask.account and not delegated_only:
        return Decision(True, "")
    facts = _facts(who, ask)
    if denier := _denier(who, ask, facts, resource_policies):
        return Decision(False, f"with an explicit deny in {denier}")
    grant = max((_granted(policy, who, ask, facts) for policy in resource_policies), default=Grant.NOTHING)
    missing = _missing(who, ask, facts, grant, delegated_only)
    return Decision(False, f"because no {missing} allows the {ask.action} action") if missing else Decision(True, "")


def _denier(who: Principal, ask: Ask, facts: Facts, resource_policies: Sequence[Policy]) -> str:
    """The kind of policy that has an explicit deny, or ``""``."""
    by_kind: dict[str, Iterable[Policy]] = {
        "an identity-based policy": who.identity,
        "a resource-based policy": resource_policies,
        "a permissions boundary": [who.boundary] if who.boundary else [],
        "a session policy": who.session or [],
    }
    for kind, policies in by_kind.items():
        guards = policies is resource_policies
        for policy in policies:
            for statement in policy.statements:
                about = _names(statement, who) if guards else Grant.FULL
                if statement.denies and about and _applies(statement, policy, ask, facts, guards):
                    return kind
    return ""


def _missing(who: Principal, ask: Ask, facts: Facts, grant: Grant, delegated_only: bool) -> str:
    """The kind of policy whose allow is missing, or ``""``."""
    at_home = who.account == ask.account
    if at_home and grant is Grant.FULL:
        return ""
    if delegated_only and grant is Grant.NOTHING:
        return "resource-based policy"
    if not (at_home and grant is Grant.LIMITED) and not who.unrestricted and not _allowed(who.identity, ask, facts):
        return "identity-based policy"
    if who.boundary and not _allowed([who.boundary], ask, facts):
        return "permissions boundary"
    if who.session is not None and not _allowed(who.session, ask, facts):
        return "session policy"
    return "" if at_home or grant else "resource-based policy"


def _allowed(policies: Iterable[Policy], ask: Ask, facts: Facts) -> bool:
    return any(
        not statement.denies and _applies(statement, policy, ask, facts, guards=False)
        for policy in policies
        for statement in policy.statements
    )


def _granted(policy: Policy, who: Principal, ask: Ask, facts: Facts) -> Grant:
    return max(
        (
            _names(statement, who)
            for statement in policy.statements
            if not statement.denies and _applies(statement, policy, ask, facts, guards=True)
        ),
        default=Grant.NOTHING,
    )


def _applies(statement: Statement, policy: Policy, ask: Ask, facts: Facts, guards: bool) -> bool:
    """Whether the statement speaks of this action, resource and circumstances; *guards*: it hangs on the resource."""
    return (
        any(glob(each, any_case=True).fullmatch(ask.action) for each in statement.actions.entries)
        != statement.actions.negated
        and _speaks_of(statement.resources, ask.resource, facts if policy.variables else None, guards)
        and all(condition.holds(facts, policy.variables) for condition in statement.conditions)
    )


def _speaks_of(resources: Choice | None, arn: str, facts: Facts | None, guards: bool) -> bool:
    if resources is None:
        return guards  # what hangs on a resource need not name it
    patterns = (each if facts is None else expand(each, facts) for each in resources.entries)
    return any(each is not None and glob(each).fullmatch(arn) for each in patterns) != resources.negated


def _names(statement: Statement, who: Principal) -> Grant:
    """How the Principal element of a resource's policy names *who*.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    if statement.principals is None:
        return Grant.NOTHING
    grant = max((_named(entry, who) for entry in statement.principals.entries), default=Grant.NOTHING)
    if statement.principals.negated:
        return Grant.NOTHING if grant else Grant.LIMITED
    return grant


def _named(entry: str, who: Principal) -> Grant:
    if entry == who.arn:
        return Grant.FULL
    if entry == "*" or entry in who.names:
        return Grant.LIMITED
    return Grant.DELEGATED if entry in (who.account, f"arn:aws:iam::{who.account}:root") else Grant.NOTHING


def _facts(who: Principal, ask: Ask) -> Facts:
    derived = {"aws:PrincipalAccount": who.account, "aws:ResourceAccount": ask.account}
    # A session is known by its role's ARN here: the one of its names that is not its own.
    derived["aws:PrincipalArn"] = next(iter(sorted(who.names - {who.arn})), who.arn)
    known = {**derived, **who.context, **ask.context}
    return {key.lower(): (value,) if isinstance(value, str) else tuple(value) for key, value in known.items()}


# --- reading a document ---------------------------------------------------------------------------------------------


def parse(document: str | Mapping[str, Any], name: str = "") -> Policy:
    """The policy in *document* (JSON, or what JSON gives); *name* is for whoever shows it. Raises Malformed."""
    return _parsed(document, name) if isinstance(document, str) else _policy(document, name)


@lru_cache(maxsize=1024)
def _parsed(text: str, name: str) -> Policy:
    try:
        return _policy(json.loads(text), name)
    except (json.JSONDecodeError, RecursionError):
        raise Malformed("it is not JSON") from None


def _policy(content: Any, name: str) -> Policy:
    if not isinstance(content, Mapping):
        raise Malformed("it is not a JSON object")
    if unknown := set(content) - {"Version", "Id", "Statement"}:
        raise Malformed(f"unknown element {sorted(unknown)[0]}")
    version = content.get("Version", "2008-10-17")
    if version not in VERSIONS:
        raise Malformed(f"unknown version {version}")
    statements = content.get("Statement")
    statements = [statements] if isinstance(statements, Mapping) else statements
    if not isinstance(statements, list) or not statements:
        raise Malformed("it has no Statement")
    return Policy(name, tuple(_statement(each) for each in statements), version == VERSIONS[0])


def _statement(content: Any) -> Statement:
    if not isinstance(content, Mapping):
        raise Malformed("a Statement is not an object")
    if unknown := set(content) - ELEMENTS:
        raise Malformed(f"unknown element {sorted(unknown)[0]}")
    if content.get("Effect") not in ("Allow", "Deny"):
        raise Malformed("Effect must be Allow or Deny")
    actions = _choice(content, "Action")
    if actions is None:
        raise Malformed("Action is missing")
    try:
        conditions = iam_conditions.read(content.get("Condition", {}))
    except ValueError as why:
        raise Malformed(str(why)) from None
    denies = content["Effect"] == "Deny"
    return Statement(denies, actions, _choice(content, "Resource"), _choice(content, "Principal"), conditions)


def _choice(content: Mapping[str, Any], name: str) -> Choice | None:
    """An element that has a Not-form, or None where there is neither."""
    given = [each for each in (name, f"Not{name}") if each in content]
    if len(given) > 1:
        raise Malformed(f"{name} and Not{name} exclude each other")
    if not given:
        return None
    entries = content[given[0]]
    if name == "Principal" and isinstance(entries, Mapping):  # {"AWS": …, "Service": …}
        entries = [each for some in entries.values() for each in (some if isinstance(some, list) else [some])]
    entries = entries if isinstance(entries, list) else [entries]
    if not all(isinstance(each, str) for each in entries):
        raise Malformed(f"{given[0]} must be strings")
    return Choice(tuple(entries), given[0] != name)
