"""Principals: who an access key belongs to, and which policies apply, read from moto's IAM and STS on every call.

Only parsed policies are cached. So a policy that is detached, or a key that is deleted, has its effect on the next
request. On AWS that takes seconds.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from moto.core.utils import utcnow
from moto.iam.models import Group, IAMBackend, ManagedPolicy, Role, User, iam_backends
from moto.sts.models import AssumedRole, sts_backends

from ecr_sandbox import settings
from ecr_sandbox.auth import errors
from ecr_sandbox.http.middleware import Request

from . import console_keys, evaluate, past, session_tags

ADMINISTRATORS = {settings.ACCESS_KEY: settings.ACCOUNT, settings.OTHER_ACCESS_KEY: settings.OTHER_ACCOUNT}
SERVICE_SESSION = "ecr"  # the name of ECR's session of a role
# Used for a policy that does not exist any more: it allows nothing and denies nothing.
NOTHING = evaluate.parse(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "none:Nothing", "Resource": "*"}}
)
# Used for a policy that cannot be read: it could contain a Deny.
UNREADABLE = evaluate.parse({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}})


def of(access_key: str) -> evaluate.Principal:
    """The principal of *access_key*; raises ApiError for a key that is unknown, inactive or expired."""
    found = _owner(access_key)
    return _user(found) if isinstance(found, User) else _session(found)


def of_request(request: Request) -> evaluate.Principal:
    """The principal of *request*, which auth has authenticated."""
    assert isinstance(request.principal, evaluate.Principal)
    return request.principal


def service(name: str, number: str) -> evaluate.Principal:
    """An AWS service that acts for the account *number*; only a resource's policy can allow it anything."""
    return evaluate.Principal(name, number, frozenset({name}), ())


def root(number: str) -> evaluate.Principal:
    """An account's root: the account allows it everything."""
    arn = f"arn:aws:iam::{number}:root"
    context = {"aws:userid": number, "aws:PrincipalType": "Account"}
    return evaluate.Principal(arn, number, frozenset({arn}), (), context=context, unrestricted=True)


def of_role(arn: str) -> evaluate.Principal | None:
    """A service that has assumed the role *arn*; None if the role does not exist."""
    if (found := role(arn)) is None:
        return None
    session = f"arn:aws:sts::{found.account_id}:assumed-role/{found.name}/{SERVICE_SESSION}"
    return evaluate.Principal(
        arn=session,
        account=found.account_id,
        names=frozenset({session, arn}),
        identity=tuple(_policies(found)),
        boundary=boundary(found.account_id, found.permissions_boundary),
        context={
            "aws:userid": f"{found.id}:{SERVICE_SESSION}",
            "aws:PrincipalType": "AssumedRole",
            "aws:PrincipalArn": arn,
            "aws:PrincipalAccount": found.account_id,
        },
    )


def holders(arn: str) -> list[User | Group | Role]:
    """The user *arn* and its groups, or the group or role *arn*; empty if there is none."""
    number = arn.split(":")[4]
    iam = _seen(number)
    if found := next((each for each in list(iam.users.values()) if each.arn == arn), None):
        return [found, *_groups(found)]
    others = (*list(iam.groups.values()), *list(iam.roles.values()))
    return [each for each in others if each.arn == arn]


def documents(holder: User | Group | Role) -> Iterator[tuple[str, str, bool]]:
    """``(name, text, whether it is inline)`` of each policy of *holder*."""
    for name, text in list(holder.policies.items()):
        yield name, text, True
    for policy in list(holder.managed_policies.values()):
        yield policy.name, _text(policy), False


def entity(found: User | Group | Role) -> evaluate.Principal:
    """A user, group or role as the caller, with its policies."""
    if isinstance(found, User):
        return _user(found)
    tags = {tag["Key"]: tag["Value"] for tag in getattr(found, "tags", None) or []}
    return evaluate.Principal(
        arn=found.arn,
        account=found.arn.split(":")[4],
        names=frozenset({found.arn}),
        identity=tuple(_policies(found)),
        boundary=boundary(found.account_id, found.permissions_boundary) if isinstance(found, Role) else None,
        context=_principal_tags(tags),
    )


def secret_of(access_key: str) -> tuple[str, str | None]:
    """The secret, and the session token if it is a session's key; raises ApiError as ``of`` does."""
    found = _owner(access_key)
    if isinstance(found, User):
        if access_key == console_keys.access_key(found.id):
            return console_keys.secret_and_token(found.id)
        return found.get_access_key_by_id(access_key).secret_access_key, None
    return found.secret_access_key, found.session_token


def console_key(arn: str) -> tuple[str, str, str]:
    """Access key, secret and token with which the console acts as the user *arn*; raises ApiError if there is none."""
    owner = next((each for each in _users() if each.arn == arn), None)
    if owner is None:
        raise errors.unknown_key()
    return (console_keys.access_key(owner.id), *console_keys.secret_and_token(owner.id))


def account(number: str) -> IAMBackend:
    """One account's IAM."""
    return iam_backends[number]["aws"]


def user(number: str, name: str) -> User | None:
    """The user *name* of an account, or None."""
    return account(number).users.get(name)


def owner_of_key(number: str, access_key: str) -> User | None:
    """The user of an account who owns *access_key*, or None."""
    return _with_key(account(number), access_key)


def role(arn: str) -> Role | None:
    """The role *arn*, as authorization sees it, or None."""
    number = arn.split(":")[4] if arn.count(":") >= 5 else ""
    if number not in ADMINISTRATORS.values():
        return None
    return next((each for each in list(_seen(number).roles.values()) if each.arn == arn), None)


def managed(number: str, arn: str) -> ManagedPolicy | None:
    """The managed policy *arn*, AWS's or of the account *number*, or None."""
    return account(number).managed_policies.get(arn)


def unique_id(arn: str) -> str | None:
    """The unique id of the user or role *arn*, for a session ``ROLE ID:SESSION``; None if there is none."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[4] not in ADMINISTRATORS.values():
        return None
    kind, _, path = parts[5].partition("/")
    if kind == "assumed-role":
        name, _, session = path.partition("/")
        role_id = next((each.id for each in list(account(parts[4]).roles.values()) if each.name == name), None)
        return f"{role_id}:{session}" if role_id else None
    found = user(parts[4], path.rpartition("/")[2]) if kind == "user" else role(arn)
    return str(found.id) if found and found.arn == arn else None


def arn_of(identifier: str) -> str | None:
    """The ARN of the user, role or session with this unique id; None if there is none."""
    head, _, session = identifier.partition(":")
    for number in ADMINISTRATORS.values():
        if found := account(number).roles.get(head):
            return f"arn:aws:sts::{number}:assumed-role/{found.name}/{session}" if session else str(found.arn)
        if not session and (owner := next((u for u in list(account(number).users.values()) if u.id == head), None)):
            return str(owner.arn)
    return None


def trust_policy(role: Role) -> evaluate.Policy:
    """The trust policy of *role*, as it is stored."""
    return parsed(vars(role)["assume_role_policy_document"], "trust policy")


@lru_cache(maxsize=1024)
def parsed(text: str, name: str = "", *, complete_arns: bool = False) -> evaluate.Policy:
    """The policy *text*, see ``evaluate.parse``. One that cannot be read denies everything: it could contain a Deny."""
    try:
        return evaluate.parse(text, name, complete_arns=complete_arns)
    except evaluate.Malformed as reason:
        print(f"A stored policy ({name}) cannot be read and denies everything: {reason}", file=sys.stderr)
        return UNREADABLE


def _seen(number: str) -> Any:
    """One account's IAM as authorization sees it; see ``past.py``."""
    return past.seen(account(number))


def _with_key(iam: Any, access_key: str) -> User | None:
    return next((each for each in list(iam.users.values()) if each.has_access_key(access_key)), None)


def _owner(access_key: str) -> User | AssumedRole:
    for number in ADMINISTRATORS.values():
        now, seen = account(number), _seen(number)
        if access_key not in now.access_keys and access_key not in seen.access_keys:
            continue
        session = sts_backends[number]["aws"].get_assumed_role_from_access_key(access_key)
        iam = now if session else seen  # a session's key is valid immediately
        key = iam.access_keys.get(access_key)
        if key is None or key.status != "Active":
            continue
        if session is None:
            owner = iam.users.get(key.user_name or "") or _with_key(iam, access_key)
            if owner is not None and owner.has_access_key(access_key):
                return owner
        elif session.expiration <= utcnow():
            raise errors.expired_session()
        else:
            return session
    if owner := next((each for each in _users() if access_key == console_keys.access_key(each.id)), None):
        return owner
    raise errors.unknown_key()


def _users() -> Iterator[User]:
    """The users of every account."""
    return (each for number in ADMINISTRATORS.values() for each in list(_seen(number).users.values()))


def _user(user: User) -> evaluate.Principal:
    iam = _seen(user.account_id)
    tags = dict(iam.tagger.tags.get(user.arn, {}))  # a copy: another thread may change them
    return evaluate.Principal(
        arn=user.arn,
        account=user.account_id,
        names=frozenset({user.arn}),
        identity=tuple(policy for holder in (user, *_groups(user)) for policy in _policies(holder)),
        boundary=boundary(user.account_id, getattr(user, "permissions_boundary", None)),
        context={
            "aws:username": user.name,
            "aws:userid": user.id,
            "aws:PrincipalType": "User",
            "aws:PrincipalArn": user.arn,
            "aws:PrincipalAccount": user.account_id,
            **_principal_tags(tags),
        },
    )


def _session(session: AssumedRole) -> evaluate.Principal:
    assumed = role(session.role_arn)
    if assumed is not None and assumed.id != getattr(session, "role_id", assumed.id):
        assumed = None  # it was deleted, and another has its name now
    role_id = getattr(session, "role_id", assumed.id if assumed else "")
    tags = {tag["Key"]: tag["Value"] for tag in (assumed.tags or [] if assumed else [])}
    tags |= getattr(session, "tags", {})
    return evaluate.Principal(
        arn=session.arn,
        account=session.account_id,
        names=frozenset({session.arn, session.role_arn}),
        identity=tuple(_policies(assumed)) if assumed else (),
        boundary=boundary(session.account_id, assumed.permissions_boundary if assumed else None),
        session=_session_policies(session),
        transitive_tags=session_tags.transitive(session),
        context={
            "aws:userid": f"{role_id}:{session.session_name}",
            "aws:PrincipalType": "AssumedRole",
            "aws:PrincipalArn": session.role_arn,
            "aws:PrincipalAccount": session.account_id,
            "aws:TokenIssueTime": _iso(getattr(session, "issued", session.expiration)),
            "aws:MultiFactorAuthPresent": "false",
            **({"aws:SourceIdentity": identity} if (identity := getattr(session, "source_identity", "")) else {}),
            **_principal_tags(tags),
        },
    )


def _policies(holder: User | Group | Role) -> Iterator[evaluate.Policy]:
    return (parsed(text, name, complete_arns=True) for name, text, _ in documents(holder))


def _session_policies(session: AssumedRole) -> tuple[evaluate.Policy, ...] | None:
    arns: Iterable[str] = getattr(session, "policy_arns", ())
    policies = [_managed(found) for arn in arns if (found := managed(session.account_id, arn))]
    if session.policy:
        policies.append(parsed(session.policy, "session policy"))
    return tuple(policies) or ((NOTHING,) if arns else None)


def boundary(number: str, given: Mapping[str, str] | None) -> evaluate.Policy | None:
    """The permissions boundary that *given* names, as IAM describes it; a policy that does not exist allows nothing."""
    if not given:
        return None
    found = _seen(number).managed_policies.get(given["PermissionsBoundaryArn"])
    return _managed(found) if found else NOTHING


def _managed(policy: ManagedPolicy) -> evaluate.Policy:
    return parsed(_text(policy), policy.name, complete_arns=True)


def _text(policy: ManagedPolicy) -> str:
    return str(next(each.document for each in policy.versions if each.version_id == policy.default_version_id))


def _groups(user: User) -> list[Group]:
    return [group for group in list(_seen(user.account_id).groups.values()) if user in group.users]


def _principal_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    return {f"aws:PrincipalTag/{key}": str(value) for key, value in tags.items()}


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
