"""The administrator of each account. Their keys are AWS's documented example keys, which no real account has.

The second account exists for cross-account access.
"""

from moto.iam.models import User

from ecr_sandbox import settings
from ecr_sandbox.state.store import Store

from . import managed_policies, principals

NAME = "administrator"
USER_ID = "AIDACKCEVSQ6C2EXAMPLE"
OTHER_USER_ID = "AIDAIOSFODNN7EXAMPLE"
ADMINISTRATOR_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"


def ensure(store: Store) -> None:
    """Create both administrators, their keys and AWS's managed policies in IAM, unless they exist."""
    with store.lock:
        _ensure(settings.ACCOUNT, USER_ID, settings.ACCESS_KEY, settings.SECRET_KEY)
        _ensure(settings.OTHER_ACCOUNT, OTHER_USER_ID, settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY)


def _ensure(account: str, user_id: str, access_key: str, secret_key: str) -> None:
    iam = principals.account(account)
    managed_policies.ensure(iam)
    if NAME not in iam.users:
        user: User = iam.create_user(settings.REGION, NAME)
        user.id = user_id
    user = iam.users[NAME]
    if ADMINISTRATOR_ACCESS not in user.managed_policies:
        iam.managed_policies[ADMINISTRATOR_ACCESS].attach_to(user)
    if access_key not in iam.access_keys:
        key = user.create_access_key(prefix="AKIA")
        key.access_key_id, key.secret_access_key = access_key, secret_key
        iam.access_keys[access_key] = key
