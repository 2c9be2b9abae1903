"""May this principal do that? AWS's evaluation of policies, as pure functions: nothing is read, nothing is kept.

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

# The kinds of policy, as AWS's sentences call them. Which of several explicit denies a refusal names is not
# documented ("AWS includes only one of those policy types"): the first in this order.
IDENTITY, RESOURCE, BOUNDARY, SESSION = KINDS = (
    "identity-based policy",
    "resource-based policy",
    "permissions boundary",
    "session policy",
)


@dataclass(frozen=True)
class Principal:
    """Who asks, and every policy that goes with them.

    *arn* is a user's, a role session's (``arn:aws:sts::…:assumed-role/ROLE/SESSION``) or an account's root.
    *names* are the ARNs by which a resource's policy may name them: a session has its role's too. *session* is
    None if AssumeRole was given no session policies. *context* holds condition keys such as ``aws:username``.
    An *unrestricted* one, the sandbox's administrator or an account's root, may do everything in its own account;
    that is the sandbox's choice, for on AWS a resource's policy can deny an account's root. Other accounts and the
    trust of roles it must ask for as everybody does.
    """

    arn: str
    account: str
    names: frozenset[str]
    identity: tuple[Policy, ...]
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    unrestricted: bool = False

    @property
    def is_session(self) -> bool:
        return ":assumed-role/" in self.arn


@dataclass(frozen=True)
class RequestContext:
    """One question: *action* on *resource* (an ARN, or ``*``), which *account* owns."""

    action: str
    resource: str
    account: str
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


class Decision(NamedTuple):
    """The answer; *because* is the end of AWS's sentence, and empty when allowed."""

    allowed: bool
    because: str = ""


class Reach(IntEnum):
    """How closely a policy on a resource names the caller."""

    NOBODY = 0
    ACCOUNT = 1  # the account may pass the permission on
    ROLE = 2  # the session's role
    CALLER = 3  # the user, the session, or everybody


# In one account: which kinds must allow as well, in the order of AWS's flow chart, when a resource's policy allows.
STILL_NEEDED = {
    Reach.NOBODY: (IDENTITY, BOUNDARY, SESSION),
    Reach.ACCOUNT: (IDENTITY, BOUNDARY, SESSION),
    Reach.ROLE: (BOUNDARY, SESSION),
    Reach.CALLER: (),
}
ACROSS_ACCOUNTS = (IDENTITY, BOUNDARY, SESSION, RESOURCE)

Said = set[str]  # the effects, "Allow" and "Deny", of the statements that cover the question


def decide(
    who: Principal, ask: RequestContext, resource_policies: Sequence[Policy] = (), delegated_only: bool = False
) -> Decision:
    """Whether *who* may do what *ask* says, and if not, the end of AWS's sentence about it.

    *resource_policies* are those of the resource. With *delegated_only* they must always allow, as a role's trust
    policy must. Never raises.
    """
    if who.unrestricted and who.account == ask.account and not delegated_only:
        return Decision(True)
    facts = _facts(who, ask)
    said = {IDENTITY: {"Allow"} if who.unrestricted else _said(who.identity, ask, facts)}
    said[RESOURCE], reach = _said_of_resource(resource_policies, who, ask, facts)
    if who.boundary is not None:
        said[BOUNDARY] = _said((who.boundary,), ask, facts)
    if who.session is not None:
        said[SESSION] = _said(who.session, ask, facts)

    for kind in KINDS:
        if "Deny" in said.get(kind, ()):
            return Decision(False, f"with an explicit deny in {'an' if kind == IDENTITY else 'a'} {kind}")
    for kind in _needed(who.account == ask.account, reach, delegated_only):
        if kind in said and "Allow" not in said[kind]:
            return Decision(False, f"because no {kind} allows the {ask.action} action")
    return Decision(True)


def _needed(same_account: bool, reach: Reach, delegated_only: bool) -> tuple[str, ...]:
    """The kinds of policy of which each that is there must allow; the first that does not is the one to blame."""
    if not same_account:
        return ACROSS_ACCOUNTS
    return (RESOURCE, *STILL_NEEDED[reach]) if delegated_only else STILL_NEEDED[reach]


def _facts(who: Principal, ask: RequestContext) -> Facts:
    """Every condition key of the request, in lower case. Nothing in a request can say who sent it."""
    derived = {
        "aws:PrincipalArn": _principal_arn(who),
        "aws:PrincipalAccount": who.account,
        "aws:ResourceAccount": ask.account,
    }
    return {key.lower(): value for known in (ask.context, who.context, derived) for key, value in known.items()}


def _principal_arn(who: Principal) -> str:
    """For a session the ARN of its role (global condition keys, "aws:PrincipalArn")."""
    if not who.is_session:
        return who.arn
    return min((name for name in who.names if ":role/" in name), default=who.arn)


def _said(policies: Iterable[Policy], ask: RequestContext, facts: Facts) -> Said:
    """What the caller's policies say. A statement among them that names no resource says nothing."""
    return {
        each.effect
        for policy in policies
        for each in policy.statements
        if each.resources is not None and each.covers(ask.action, ask.resource, facts)
    }


def _said_of_resource(
    policies: Sequence[Policy], who: Principal, ask: RequestContext, facts: Facts
) -> tuple[Said, Reach]:
    """What the resource's policies say about *who*, and how closely those that allow name them."""
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
    """What a Principal element may call *who*. Of wildcards there is ``*`` alone, which names everybody.

    That everybody includes the caller directly, past boundary and session policies, is said of ``aws:PrincipalArn``
    with a wildcard in the Principal element ("IAM role principals").
    """
    less_closely = Reach.ROLE if who.is_session else Reach.CALLER
    unique_id = str(who.context.get("aws:userid", "")).partition(":")[0]  # of a session: its role's
    return {
        ("AWS", who.account): Reach.ACCOUNT,
        ("AWS", f"arn:aws:iam::{who.account}:root"): Reach.ACCOUNT,
        ("AWS", unique_id): less_closely,
        **{("AWS" if name.startswith("arn:") else "Service", name): less_closely for name in who.names},
        ("AWS", who.arn): Reach.CALLER,
        ("AWS", "*"): Reach.CALLER,
    }


def _reach(statement: Statement, names: Mapping[tuple[str, str], Reach], who: Principal) -> Reach:
    """How closely *statement* means *who*."""
    named = max((names.get(each, Reach.NOBODY) for each in statement.principals or ()), default=Reach.NOBODY)
    if not statement.but_principals:
        return named
    return Reach.NOBODY if _excepted(statement, named, who) else Reach.CALLER


def _excepted(statement: Statement, named: Reach, who: Principal) -> bool:
    """Whether NotPrincipal leaves *who* out. A denial spares only those it names themselves, neither their account
    nor their role, and nobody who has a permissions boundary ("Permissions boundaries", Important)."""
    if statement.effect == "Allow":
        return named > Reach.NOBODY
    return named is Reach.CALLER and who.boundary is None
