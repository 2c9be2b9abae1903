"""The account's first user, whose key ``connect()`` sets: AWS's documented example key, good for nothing elsewhere."""

from moto.iam.models import iam_backends

from .. import settings
from .store import Store

NAME = "administrator"
USER_ID = "AIDACKCEVSQ6C2EXAMPLE"


def ensure(store: Store) -> None:
    """Let the administrator and the key exist in IAM, so that STS can say who is calling."""
    iam = iam_backends[settings.ACCOUNT]["aws"]
    with store.lock:
        if NAME in iam.users:
            return
        user = iam.create_user(settings.REGION, NAME)
        user.id = USER_ID
        key = user.create_access_key(prefix="AKIA")
        key.access_key_id, key.secret_access_key = settings.ACCESS_KEY, settings.SECRET_KEY
        iam.access_keys[settings.ACCESS_KEY] = key
