"""AWS's policy evaluation: may a principal do an action on a resource? Pure functions without state.

Sources, all in https://docs.aws.amazon.com/IAM/latest/UserGuide/: ``reference_policies_evaluation-logic.html`` and
its pages on one account (``…_policy-eval-denyallow.html``) and on two (``…-cross-account.html``),
``reference_policies_elements_principal.html``, ``…_notprincipal.html``, ``troubleshoot_access-denied.html``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from .patterns import Facts
from .policy import Malformed, Policy, Statement, parse

__all__ = ["Decision", "Malformed", "Policy", "Principal", "RequestContext", "decide", "parse"]

# The kinds of policy, as AWS's sentences name them. AWS does not document which of several explicit denies the sentence
# names ("AWS includes only one of those policy types"); here it is the first in this order.
IDENTITY, RESOURCE, BOUNDARY, SESSION = KINDS = (
    "identity-based policy",
    "resource-based policy",
    "permissions boundary",
    "session policy",
)
EXPLICIT_DENY = "with an explicit deny"


@dataclass(frozen=True)
class Principal:
    """Who makes a request, and every policy that applies to them.

    *arn* is a user's, a role session's (``arn:aws:sts::…:assumed-role/ROLE/SESSION``) or an account's root.
    *names* are the ARNs by which a resource's policy can name them; those of a session include its role's. *session*
    is None if AssumeRole got no session policies. *context* has condition keys such as ``aws:username``.
    An *unrestricted* principal, an account's root, is allowed everything by its account, without a policy. A policy of
    a resource can deny it, and those of other accounts and the trust policies of roles must allow it.
    An AWS service (``lambda.amazonaws.com``) has its name in place of the ARN. *transitive_tags* are the tags of a
    session that the sessions of roles which it assumes get too.
    """

    arn: str
    account: str
    names: frozenset[str]
    identity: tuple[Policy, ...]
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    unrestricted: bool = False
    transitive_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_session(self) -> bool:
        return ":assumed-role/" in self.arn

    @property
    def is_service(self) -> bool:
        return not self.arn.startswith("arn:")


@dataclass(frozen=True)
class RequestContext:
    """One *action* on one *resource* (an ARN, or ``*``), which *account* owns."""

    action: str
    resource: str
    account: str
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


class Decision(NamedTuple):
    """Whether the request is allowed. *because* is the end of AWS's sentence, and empty if it is allowed."""

    allowed: bool
    because: str = ""

    @property
    def is_explicit(self) -> bool:
        """Whether a statement denies the request."""
        return self.because.startswith(EXPLICIT_DENY)


class Reach(IntEnum):
    """How closely a policy on a resource names the caller."""

    NOBODY = 0
    ACCOUNT = 1  # the account can delegate the permission
    ROLE = 2  # the session's role
    CALLER = 3  # the user, the session, or everybody


# In one account: the other kinds that must allow too if a resource's policy allows, in the order of AWS's flow chart.
STILL_NEEDED = {
    Reach.NOBODY: (IDENTITY, BOUNDARY, SESSION),
    Reach.ACCOUNT: (IDENTITY, BOUNDARY, SESSION),
    Reach.ROLE: (BOUNDARY, SESSION),
    Reach.CALLER: (),
}
ACROSS_ACCOUNTS = (IDENTITY, BOUNDARY, SESSION, RESOURCE)

Effects = set[str]  # "Allow" and "Deny": the effects of the statements that match the request


def decide(
    who: Principal, ask: RequestContext, resource_policies: Sequence[Policy] = (), delegated_only: bool = False
) -> Decision:
    """Whether *who* may do what *ask* describes, and if not, the end of AWS's sentence.

    *resource_policies* are those of the resource. With *delegated_only* they must allow in any case, as the trust
    policy of a role must. Never raises.
    """
    facts = _facts(who, ask)
    effects = {IDENTITY: {"Allow"} if who.unrestricted else _effects(who.identity, ask, facts)}
    effects[RESOURCE], reach = _effects_of_resource(resource_policies, who, ask, facts)
    if who.boundary is not None:
        effects[BOUNDARY] = _effects((who.boundary,), ask, facts)
    if who.session is not None:
        effects[SESSION] = _effects(who.session, ask, facts)

    for kind in KINDS:
        if "Deny" in effects.get(kind, ()):
            return Decision(False, f"{EXPLICIT_DENY} in {'an' if kind == IDENTITY else 'a'} {kind}")
    for kind in _needed(who.account == ask.account, reach, delegated_only):
        if kind in effects and "Allow" not in effects[kind]:
            return Decision(False, f"because no {kind} allows the {ask.action} action")
    return Decision(True)


def denied_by(who: Principal, ask: RequestContext, resource_policies: Sequence[Policy] = ()) -> str:
    """The statement that denies the request, in words; empty if there is none."""
    boundary = (who.boundary,) if who.boundary else ()
    kinds = zip(KINDS, (who.identity, resource_policies, boundary, who.session or ()), strict=True)
    for kind, policies in kinds:
        for policy in policies:
            if numbers := matching(who, ask, policy, "Deny", kind == RESOURCE):
                return f"statement {numbers[0] + 1} of the {kind} {policy.name}".strip()
    return ""


def matching(who: Principal, ask: RequestContext, policy: Policy, effect: str, of_resource: bool = False) -> list[int]:
    """The numbers, from 0, of the statements of *policy* with this *effect* that match the request."""
    facts, names = _facts(who, ask), _names(who)
    return [
        number
        for number, each in enumerate(policy.statements)
        if each.effect == effect
        and (_reach(each, names, who) if of_resource else each.resources is not None)
        and each.covers(ask.action, ask.resource, facts)
    ]


def missing_context(who: Principal, ask: RequestContext, policies: Iterable[Policy]) -> list[str]:
    """The condition keys without a value of statements in *policies* that would match the request otherwise."""
    facts = _facts(who, ask)
    found = [each.missing(ask.action, ask.resource, facts) for policy in policies for each in policy.statements]
    return list(dict.fromkeys(key for keys in found for key in keys))


def allowed_by_boundary(who: Principal, ask: RequestContext) -> bool | None:
    """Whether the permissions boundary allows the request; None without a boundary."""
    return None if who.boundary is None else _effects((who.boundary,), ask, _facts(who, ask)) == {"Allow"}


def _needed(same_account: bool, reach: Reach, delegated_only: bool) -> tuple[str, ...]:
    """The kinds of policy of which each that exists must allow; AWS's sentence names the first that does not."""
    if not same_account:
        return ACROSS_ACCOUNTS
    return (RESOURCE, *STILL_NEEDED[reach]) if delegated_only else STILL_NEEDED[reach]


def _facts(who: Principal, ask: RequestContext) -> Facts:
    """Every condition key of the request, in lower case. A request cannot override the keys about its principal.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html, "Availability"
    """
    derived: dict[str, str | tuple[str, ...]] = {
        "aws:PrincipalIsAWSService": "true" if who.is_service else "false",
        "aws:ResourceAccount": ask.account,
    }
    if who.is_service:
        derived |= {"aws:PrincipalServiceName": who.arn, "aws:PrincipalServiceNamesList": (who.arn,)}
    else:
        derived |= {"aws:PrincipalArn": _principal_arn(who), "aws:PrincipalAccount": who.account}
    return {key.lower(): value for known in (ask.context, who.context, derived) for key, value in known.items()}


def _principal_arn(who: Principal) -> str:
    """For a session the ARN of its role (global condition keys, "aws:PrincipalArn")."""
    if not who.is_session:
        return who.arn
    return min((name for name in who.names if ":role/" in name), default=who.arn)


def _effects(policies: Iterable[Policy], ask: RequestContext, facts: Facts) -> Effects:
    """The effects of the principal's policies. A statement without a resource has no effect there."""
    return {
        each.effect
        for policy in policies
        for each in policy.statements
        if each.resources is not None and each.covers(ask.action, ask.resource, facts)
    }


def _effects_of_resource(
    policies: Sequence[Policy], who: Principal, ask: RequestContext, facts: Facts
) -> tuple[Effects, Reach]:
    """The effects of the resource's policies on *who*, and how closely the allowing statements name them."""
    if not policies:
        return set(), Reach.NOBODY
    names = _names(who)
    found = [
        (each.effect, reach)
        for policy in policies
        for each in policy.statements
        if (reach := _reach(each, names, who)) and each.covers(ask.action, ask.resource, facts)
    ]
    return {effect for effect, _ in found}, max((r for effect, r in found if effect == "Allow"), default=Reach.NOBODY)


def _names(who: Principal) -> Mapping[tuple[str, str], Reach]:
    """How a Principal element can name *who*. The only wildcard is ``*``, which names everybody.

    ``*`` names the caller directly, so that boundary and session policies do not limit it: the user guide says so of
    ``aws:PrincipalArn`` with a wildcard in the Principal element ("IAM role principals").
    """
    less_closely = Reach.ROLE if who.is_session else Reach.CALLER
    user_id = str(who.context.get("aws:userid", ""))  # of a session: ROLE ID:SESSION
    return {
        ("AWS", who.account): Reach.ACCOUNT,
        ("AWS", f"arn:aws:iam::{who.account}:root"): Reach.ACCOUNT,
        ("AWS", user_id.partition(":")[0]): less_closely,
        **{("AWS" if name.startswith("arn:") else "Service", name): less_closely for name in who.names},
        ("AWS", who.arn): Reach.CALLER,
        ("AWS", user_id): Reach.CALLER,
        ("AWS", "*"): Reach.CALLER,
    }


def _reach(statement: Statement, names: Mapping[tuple[str, str], Reach], who: Principal) -> Reach:
    """How closely *statement* names *who*."""
    named = max((names.get(each, Reach.NOBODY) for each in statement.principals or ()), default=Reach.NOBODY)
    if not statement.but_principals:
        return named
    return Reach.NOBODY if _excepted(statement, named, who) else Reach.CALLER


def _excepted(statement: Statement, named: Reach, who: Principal) -> bool:
    """Whether NotPrincipal excludes *who*. A Deny excludes only principals that it names directly, not by their account
    or their role, and none with a permissions boundary ("Permissions boundaries", Important)."""
    if statement.effect == "Allow":
        return named > Reach.NOBODY
    return named is Reach.CALLER and who.boundary is None
