"""Bearer tokens: the user and the granted access, signed. They are not stored.

Source: https://distribution.github.io/distribution/spec/auth/token/
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from ecr_sandbox.auth.token import kept_secret

REGISTRY_LIFETIME = 300  # seconds, as the Hub's
API_LIFETIME = 24 * 60 * 60  # seconds; the Hub's is shorter, but lessons have pauses


class InvalidToken(Exception):
    """The token was not signed here, or it has expired."""


@dataclass(frozen=True)
class Bearer:
    """The content of a registry token: *username* is None for an anonymous client; *access* is by repository."""

    id: str
    username: str | None
    scope: str | None  # of the personal access token, if one was used
    access: Mapping[str, frozenset[str]]


class Signer:
    """Signs and reads tokens with the secret in the file *path*; a token is valid for one use only."""

    def __init__(self, path: Path):
        self._secret = kept_secret(path)

    def mint(self, use: str, content: Mapping[str, Any]) -> str:
        """A token for *use* with *content*."""
        return self._serializer(use).dumps(dict(content))

    def read(self, use: str, token: str, lifetime: int | None = None) -> dict[str, Any]:
        """The content of *token*; raises InvalidToken, also if it is older than *lifetime* seconds."""
        try:
            return self._serializer(use).loads(token, max_age=lifetime)
        except BadSignature as error:  # SignatureExpired is one
            raise InvalidToken from error

    def _serializer(self, use: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._secret, salt=f"hub-{use}")


def mint_bearer(signer: Signer, username: str | None, scope: str | None, access: Mapping[str, frozenset[str]]) -> str:
    """A registry token, valid for five minutes."""
    granted = [
        {"type": "repository", "name": name, "actions": sorted(actions)} for name, actions in access.items() if actions
    ]
    content = {"jti": f"dckr_jti_{secrets.token_urlsafe(20)}", "sub": username, "scope": scope, "access": granted}
    return signer.mint("registry", content)


def read_bearer(signer: Signer, token: str) -> Bearer:
    """The content of a registry token; raises InvalidToken."""
    content = signer.read("registry", token, REGISTRY_LIFETIME)
    access = {each["name"]: frozenset(each["actions"]) for each in content["access"]}
    return Bearer(content["jti"], content["sub"], content["scope"], access)
