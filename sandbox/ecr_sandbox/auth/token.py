"""The docker password that ``aws ecr get-login-password`` prints: signed, not stored.

It says whose it is and when it was made, so it needs no table, survives a restart, and a key that is
revoked later stops working at once.
Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
"""

import base64
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ecr_sandbox.state.atomic_files import secret
from itsdangerous import BadSignature, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

LIFETIME = 12 * 60 * 60  # seconds
USER = "AWS"


@dataclass(frozen=True)
class Caller:
    """Who a token stands for."""

    access_key: str
    account: str
    region: str


class InvalidToken(Exception):
    """The password was not made by this registry."""


class ExpiredToken(Exception):
    """The password is too old."""


class Tokens:
    """Makes and reads passwords with the secret kept in the file *path*."""

    def __init__(self, path: Path, use: str = "ecr-authorization-token", lifetime: int = LIFETIME):
        self._path, self._use, self._lifetime = path, use, lifetime
        self._secret = kept_secret(path)
        self._serializer = self._serializer_at(None)

    def elsewhere(self, use: str, lifetime: int = LIFETIME) -> "Tokens":
        """Tokens for another *use*, good for *lifetime* seconds: neither's are worth anything to the other."""
        return Tokens(self._path, use, lifetime)

    def mint(self, caller: Caller, made: int | None = None) -> tuple[str, int]:
        """A password for *caller* and the Unix second at which it ends; *made* is when (default: now)."""
        made = int(time.time()) if made is None else made
        return self._serializer_at(made).dumps(asdict(caller)), made + self._lifetime

    def read(self, password: str) -> Caller:
        """Whose *password* it is; raises InvalidToken or ExpiredToken."""
        try:
            return Caller(**self._serializer.loads(password, max_age=self._lifetime))
        except SignatureExpired as error:
            raise ExpiredToken from error
        except (BadSignature, TypeError) as error:
            raise InvalidToken from error

    def _serializer_at(self, second: int | None) -> URLSafeTimedSerializer:
        class Signer(TimestampSigner):
            def get_timestamp(self) -> int:
                return super().get_timestamp() if second is None else second

        return URLSafeTimedSerializer(self._secret, salt=self._use, signer=Signer)


def authorization(password: str) -> str:
    """The ``authorizationToken`` of the API: base64 of ``AWS:password``, just as Basic authentication sends it."""
    return base64.b64encode(f"{USER}:{password}".encode()).decode()


def kept_secret(path: Path) -> bytes:
    """The secret in the file *path*, which is made if it is not there yet."""
    return secret(path, lambda: secrets.token_hex(32)).encode()
