"""The registry password that ``aws ecr get-login-password`` prints: signed, not stored.

It contains the access key, the account, the Region and the time at which it was made. So it needs no table and
survives a restart. After a key is revoked, its passwords do not work any more.
Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
"""

import base64
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from ecr_sandbox.state.atomic_files import secret

LIFETIME = 12 * 60 * 60  # seconds
USER = "AWS"


@dataclass(frozen=True)
class Caller:
    """The access key, account and Region that a password is made for."""

    access_key: str
    account: str
    region: str


class InvalidToken(Exception):
    """This registry did not make the password."""


class ExpiredToken(Exception):
    """The password has expired."""


class Tokens:
    """Makes and reads passwords with the secret in the file *path*."""

    def __init__(self, path: Path, use: str = "ecr-authorization-token", lifetime: int = LIFETIME):
        self._path, self._use, self._lifetime = path, use, lifetime
        self._secret = kept_secret(path)
        self._serializer = self._serializer_at(None)

    def elsewhere(self, use: str, lifetime: int = LIFETIME) -> "Tokens":
        """Tokens for another *use* that expire after *lifetime* seconds. They are not valid here, nor these there."""
        return Tokens(self._path, use, lifetime)

    def mint(self, caller: Caller, made: int | None = None) -> tuple[str, int]:
        """A password for *caller*, made at the Unix second *made* (default: now), and the second it expires at."""
        made = int(time.time()) if made is None else made
        return self._serializer_at(made).dumps(asdict(caller)), made + self._lifetime

    def read(self, password: str) -> Caller:
        """Who *password* was made for; raises InvalidToken or ExpiredToken."""
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
    """The ``authorizationToken`` of the API: base64 of ``AWS:password``, as Basic authentication sends it."""
    return base64.b64encode(f"{USER}:{password}".encode()).decode()


def kept_secret(path: Path) -> bytes:
    """The secret in the file *path*, which is created if it does not exist."""
    return secret(path, lambda: secrets.token_hex(32)).encode()
