"""The keys with which the console acts as a user: temporary ones, which the user does not see, as on AWS.

They are computed, not stored: they are valid while the user exists and this process runs.
"""

import hashlib
import hmac
import secrets

_SECRET = secrets.token_bytes(32)


def access_key(user_id: str) -> str:
    """The access key ID for the user with this unique id, ``AIDA…``: 20 characters, ``ASIA`` as all temporary keys.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html, "Unique identifiers"
    """
    return f"ASIA{user_id[-16:]}"


def secret_and_token(user_id: str) -> tuple[str, str]:
    """The secret access key and the session token that belong to it."""
    return _signed("secret", user_id), _signed("token", user_id)


def _signed(purpose: str, user_id: str) -> str:
    return hmac.new(_SECRET, f"{purpose} {user_id}".encode(), hashlib.sha256).hexdigest()
