"""The administrator of each account. Their keys are AWS's documented example keys, which no real account has.

The second account exists for cross-account access. An administrator is a user with ``AdministratorAccess``, whom
denials, boundaries and a detached policy affect as they do any user.
"""

from moto.iam.models import IAMBackend, User

from ecr_sandbox import settings
from ecr_sandbox.state.store import Store

from . import authorization, managed_policies, principals
from .evaluate import Principal
from .requests import AuthorizationRequest

NAME = "administrator"
USER_ID = "AIDACKCEVSQ6C2EXAMPLE"
OTHER_USER_ID = "AIDAIOSFODNN7EXAMPLE"
ADMINISTRATOR_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"
# A user who may do these to themselves can undo everything that limits them.
RECOVERY = ("AttachUserPolicy", "DetachUserPolicy", "DeleteUserPolicy", "DeleteUserPermissionsBoundary")


def ensure(store: Store) -> None:
    """Create both administrators, their keys and AWS's managed policies in IAM, unless they exist.

    An administrator who can no longer change their own permissions gets them back, and loses everything that limits
    them. On AWS the account's root user can do that; here it happens at each start.
    """
    with store.lock:
        _ensure(settings.ACCOUNT, USER_ID, settings.ACCESS_KEY, settings.SECRET_KEY)
        _ensure(settings.OTHER_ACCOUNT, OTHER_USER_ID, settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY)


def _ensure(account: str, user_id: str, access_key: str, secret_key: str) -> None:
    iam = principals.account(account)
    managed_policies.ensure(iam)
    if access_key not in iam.access_keys:
        _create_key(iam, user_id, access_key, secret_key)
    iam.access_keys[access_key].status = "Active"
    owner = principals.owner_of_key(account, access_key)
    if owner and not _can_recover(principals.of(access_key)):
        _recover(iam, owner)


def _create_key(iam: IAMBackend, user_id: str, access_key: str, secret_key: str) -> None:
    if NAME not in iam.users:
        user: User = iam.create_user(settings.REGION, NAME)
        user.id = user_id
    key = iam.users[NAME].create_access_key(prefix="AKIA")
    key.access_key_id, key.secret_access_key = access_key, secret_key
    iam.access_keys[access_key] = key


def _can_recover(who: Principal) -> bool:
    facts = authorization.at_this_machine(settings.REGION)
    needed = (AuthorizationRequest(f"iam:{action}", who.arn, who.account) for action in RECOVERY)
    return all(authorization.denied_sentence(who, each, facts) is None for each in needed)


def _recover(iam: IAMBackend, user: User) -> None:
    for group in [group for group in iam.groups.values() if user in group.users]:
        iam.remove_user_from_group(group.name, user.name)
    for policy in list(user.managed_policies.values()):
        policy.detach_from(user)
    user.policies.clear()
    user.permissions_boundary = None
    iam.managed_policies[ADMINISTRATOR_ACCESS].attach_to(user)
