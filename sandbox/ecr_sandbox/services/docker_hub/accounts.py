"""Accounts of the stand-in: a name, a password, a plan, and personal access tokens to use instead of the password.

Passwords are stored as slow, salted hashes. A token is long and random, so a plain hash is enough.
Sources: https://github.com/docker/docs/pull/21438 (Docker ID), https://docs.docker.com/security/access-tokens/reference/
"""

import hashlib
import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from sqlite3 import IntegrityError, Row
from typing import Any

from werkzeug.security import check_password_hash, generate_password_hash

from ecr_sandbox.state.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS hub_accounts (
    username TEXT PRIMARY KEY, id TEXT NOT NULL, password TEXT NOT NULL, plan TEXT NOT NULL,
    private_by_default INTEGER NOT NULL, joined TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS hub_access_tokens (
    uuid TEXT PRIMARY KEY, username TEXT NOT NULL REFERENCES hub_accounts, hash TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL, scope TEXT NOT NULL, is_active INTEGER NOT NULL,
    created_at TEXT NOT NULL, expires_at TEXT, last_used TEXT
)
"""
DOCKER_ID = re.compile(r"[a-z0-9]{4,30}")
RESERVED = {"library", "ratelimitpreview"}
PASSWORD_LENGTH = 9
HASH = "pbkdf2:sha256:200000"  # scrypt would take 32 MB for every docker command
PERSONAL = "personal"
PLANS = (PERSONAL, "pro", "team", "business")
SCOPES = ("repo:public_read", "repo:read", "repo:write", "repo:admin")  # each includes the ones before it
EVERYTHING = SCOPES[-1]


class Invalid(ValueError):
    """The request is not possible; the message says why."""


class WrongPassword(Exception):
    """The account does not exist, or the password or token is not (or no longer) valid for it."""


class ExpiredToken(Exception):
    """The personal access token has expired."""


@dataclass(frozen=True)
class Account:
    """A user with a Docker ID."""

    username: str
    id: str
    plan: str
    private_by_default: bool
    joined: str

    @property
    def paid(self) -> bool:
        return self.plan != PERSONAL


@dataclass(frozen=True)
class AccessToken:
    """A personal access token, without its secret."""

    uuid: str
    username: str
    label: str
    scope: str
    is_active: bool
    created_at: str
    expires_at: str | None
    last_used: str | None


@dataclass(frozen=True)
class Credential:
    """An authenticated account and its scope; *token* is None if the password was used."""

    account: Account
    scope: str = EVERYTHING
    token: str | None = None

    def covers(self, scope: str) -> bool:
        """Whether the credential includes *scope*."""
        return SCOPES.index(scope) <= SCOPES.index(self.scope)


class Accounts:
    """The accounts and access tokens: rows of the store."""

    def __init__(self, store: Store):
        self._store = store

    def sign_up(self, username: str, password: str, plan: str = PERSONAL, private_by_default: bool = False) -> Account:
        """Create an account; an existing one with the same password is returned. Raises Invalid."""
        _check(username, password, plan)
        if existing := self.find(username):
            if self._knows(username, password):
                return existing
            raise Invalid(f"The Docker ID {username} is taken.")
        row = (username, str(uuid.uuid4()), generate_password_hash(password, HASH), plan, private_by_default, now())
        try:
            with self._store.change() as db:
                db.execute("INSERT INTO hub_accounts VALUES (?, ?, ?, ?, ?, ?)", row)
        except IntegrityError:
            raise Invalid(f"The Docker ID {username} is taken.") from None
        return self._get(username)

    def change(self, username: str, plan: str | None = None, private_by_default: bool | None = None) -> Account:
        """Change the plan or the default privacy of new repositories; raises Invalid."""
        account = self._get(username)
        plan = account.plan if plan is None else plan
        if plan not in PLANS:
            raise Invalid(f"The plan must be one of {', '.join(PLANS)}.")
        private = account.private_by_default if private_by_default is None else private_by_default
        with self._store.change() as db:
            db.execute(
                "UPDATE hub_accounts SET plan = ?, private_by_default = ? WHERE username = ?", (plan, private, username)
            )
        return self._get(username)

    def delete(self, username: str) -> None:
        """Delete the account, if it exists, and its access tokens; delete its repositories before."""
        with self._store.change() as db:
            db.execute("DELETE FROM hub_access_tokens WHERE username = ?", (username,))
            db.execute("DELETE FROM hub_accounts WHERE username = ?", (username,))

    def find(self, username: str) -> Account | None:
        """The account, or None."""
        row = self._row(username)
        if row is None:
            return None
        return Account(row["username"], row["id"], row["plan"], bool(row["private_by_default"]), row["joined"])

    def check(self, username: str, secret: str) -> Credential:
        """The credential for a password or an access token; raises WrongPassword or ExpiredToken."""
        found = self._select("hash = ? AND username = ?", _hash(secret), username)
        if found:
            return self._used(found[0])
        if not self._knows(username, secret):
            raise WrongPassword
        return Credential(self._get(username))

    def renew(self, username: str, token: str | None) -> Credential:
        """A credential that was checked before, if it is still valid; raises WrongPassword or ExpiredToken."""
        account = self.find(username)
        if account is None:
            raise WrongPassword
        if token is None:
            return Credential(account)
        found = self.token(username, token)
        if found is None:
            raise WrongPassword
        return self._used(found)

    def create_token(
        self, username: str, label: str, scope: str, expires_at: str | None = None
    ) -> tuple[AccessToken, str]:
        """A new access token and its secret, which is never shown again; raises Invalid."""
        if scope not in SCOPES:
            raise Invalid(f"The scope must be one of {', '.join(SCOPES)}.")
        if not 1 <= len(label) <= 100:
            raise Invalid("The label must have 1 to 100 characters.")
        secret = f"dckr_pat_{secrets.token_urlsafe(20)}"
        row = (str(uuid.uuid4()), username, _hash(secret), label, scope, True, now(), _date(expires_at), None)
        with self._store.change() as db:
            db.execute("INSERT INTO hub_access_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        [token] = self._select("uuid = ?", row[0])
        return token, secret

    def tokens(self, username: str) -> list[AccessToken]:
        """Every access token of *username*, oldest first."""
        return self._select("username = ? ORDER BY rowid", username)

    def token(self, username: str, token: str) -> AccessToken | None:
        """The access token with this uuid, or None."""
        return next(iter(self._select("username = ? AND uuid = ?", username, token)), None)

    def change_token(self, token: AccessToken, label: str | None, is_active: bool | None) -> AccessToken:
        """Change the label, or activate or deactivate the token."""
        values = (
            token.label if label is None else label,
            token.is_active if is_active is None else is_active,
            token.uuid,
        )
        with self._store.change() as db:
            db.execute("UPDATE hub_access_tokens SET label = ?, is_active = ? WHERE uuid = ?", values)
        [changed] = self._select("uuid = ?", token.uuid)
        return changed

    def delete_token(self, token: AccessToken) -> None:
        """Delete the token."""
        with self._store.change() as db:
            db.execute("DELETE FROM hub_access_tokens WHERE uuid = ?", (token.uuid,))

    def _used(self, token: AccessToken) -> Credential:
        if not token.is_active:
            raise WrongPassword
        if token.expires_at and token.expires_at <= now():
            raise ExpiredToken
        with self._store.change(sync=False) as db:
            db.execute("UPDATE hub_access_tokens SET last_used = ? WHERE uuid = ?", (now(), token.uuid))
        return Credential(self._get(token.username), token.scope, token.uuid)

    def _get(self, username: str) -> Account:
        account = self.find(username)
        assert account
        return account

    def _knows(self, username: str, password: str) -> bool:
        row = self._row(username)
        return row is not None and check_password_hash(row["password"], password)

    def _row(self, username: str) -> Row | None:
        return self._store.read().execute("SELECT * FROM hub_accounts WHERE username = ?", (username,)).fetchone()

    def _select(self, where: str, *values: Any) -> list[AccessToken]:
        columns = "uuid, username, label, scope, is_active, created_at, expires_at, last_used"
        rows = self._store.read().execute(f"SELECT {columns} FROM hub_access_tokens WHERE {where}", values)
        return [AccessToken(**{**dict(row), "is_active": bool(row["is_active"])}) for row in rows]


def now() -> str:
    """The current time as the Hub's API writes it; such times sort alphabetically."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _date(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is not a date and time such as 2030-10-28T18:30:19Z.") from None
    return date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _check(username: str, password: str, plan: str) -> None:
    if not DOCKER_ID.fullmatch(username):
        raise Invalid("A Docker ID has 4 to 30 characters, numbers and lowercase letters only.")
    if username in RESERVED:
        raise Invalid(f"The Docker ID {username} is taken.")
    if len(password) < PASSWORD_LENGTH:
        raise Invalid(f"A password has at least {PASSWORD_LENGTH} characters.")
    if plan not in PLANS:
        raise Invalid(f"The plan must be one of {', '.join(PLANS)}.")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
