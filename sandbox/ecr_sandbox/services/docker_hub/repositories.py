"""Repositories of the stand-in: owners, who may pull and push, and how many may be private.

Sources: https://github.com/docker/docs/pull/19136 (collaborators may only pull and push);
https://docs.docker.com/docker-hub/usage/ (the Personal plan has one private repository);
https://github.com/docker/hub-feedback/issues/648 and …/2122 (a push above that number creates a locked one).
"""

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from sqlite3 import Connection

from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.images import Images
from ecr_sandbox.state.store import Store

from .accounts import Account, Accounts, Credential, now
from .errors import NO_PRIVATE_LEFT

SCHEMA = """
CREATE TABLE IF NOT EXISTS hub_repositories (
    namespace TEXT, name TEXT, description TEXT NOT NULL, full_description TEXT NOT NULL, is_private INTEGER NOT NULL,
    locked INTEGER NOT NULL, pull_count INTEGER NOT NULL, registered TEXT NOT NULL, updated TEXT NOT NULL,
    PRIMARY KEY (namespace, name)
);
CREATE TABLE IF NOT EXISTS hub_collaborators (
    namespace TEXT, name TEXT, username TEXT REFERENCES hub_accounts,
    PRIMARY KEY (namespace, name, username),
    FOREIGN KEY (namespace, name) REFERENCES hub_repositories ON DELETE CASCADE
)
"""
NAME = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
PRIVATE_ALLOWED = 1  # on the Personal plan
REGISTRY = "docker-hub"  # in place of the account, in the rows of images and blobs
PULL, PUSH = "pull", "push"
NOTHING: frozenset[str] = frozenset()


class Refused(Exception):
    """The operation is refused; the message says why."""


class Exists(Refused):
    """A repository of that name exists."""


class NoPrivateLeft(Refused):
    """The plan does not allow another private repository."""

    def __init__(self) -> None:
        super().__init__(NO_PRIVATE_LEFT)


@dataclass(frozen=True)
class Repository:
    """A row: one repository in the namespace of an account."""

    namespace: str
    name: str
    description: str
    full_description: str
    is_private: bool
    locked: bool
    pull_count: int
    registered: str
    updated: str

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.name}"


class Repositories:
    """The repositories and their collaborators: rows of the store."""

    def __init__(self, store: Store, blobs: ContentStore, accounts: Accounts):
        self._store, self._blobs, self._accounts = store, blobs, accounts

    def change(self) -> AbstractContextManager[Connection]:
        """Several changes in one transaction."""
        return self._store.change()

    def allowed(self, who: Credential | None, full_name: str, asked: Iterable[str]) -> frozenset[str]:
        """Those of the *asked* actions that *who* may do; None is an anonymous client.

        The owner of a namespace may push to a repository that does not exist: the push creates it.
        """
        asked = frozenset(asked) & {PULL, PUSH}
        repository = self.find(full_name)
        if repository is None:
            mine = who and self._is_name(full_name) and who.account.username == full_name.partition("/")[0]
            return asked if mine and PUSH in asked else NOTHING
        if repository.locked:
            return NOTHING
        if who and self.is_member(who.account, repository):
            return asked
        return NOTHING if repository.is_private else asked & {PULL}

    def covered(self, who: Credential | None, full_name: str, actions: Iterable[str]) -> bool:
        """Whether the scope of *who*'s access token includes *actions*, which are allowed with the password."""
        if who is None:
            return True
        repository = self.find(full_name)
        reads = "repo:read" if repository and repository.is_private else "repo:public_read"
        return all(who.covers("repo:write" if action == PUSH else reads) for action in actions)

    def find(self, full_name: str) -> Repository | None:
        """The repository, or None."""
        namespace, _, name = full_name.partition("/")
        return next(iter(self._select("namespace = ? AND name = ?", namespace, name)), None)

    def of(self, namespace: str) -> list[Repository]:
        """Every repository of *namespace*, by name."""
        return self._select("namespace = ? ORDER BY name", namespace)

    def create(
        self, owner: Account, name: str, is_private: bool, description: str = "", full_description: str = ""
    ) -> Repository:
        """Create a repository, as the website and the API do; raises Exists, NoPrivateLeft or Refused."""
        with self._store.change():
            if self.find(f"{owner.username}/{name}"):
                raise Exists("Repository with this name and namespace already exists")
            if is_private and not self._private_left(owner):
                raise NoPrivateLeft
            return self._insert(owner.username, name, is_private, False, description, full_description)

    def create_by_push(self, full_name: str) -> Repository:
        """Create a repository, as a first push does: above the plan's number of private ones it is locked."""
        namespace, _, name = full_name.partition("/")
        with self._store.change():
            owner = self._accounts.find(namespace)
            assert owner  # only the owner may push
            private = owner.private_by_default
            return self._insert(namespace, name, private, private and not self._private_left(owner))

    def create_official(self, namespace: str, name: str, description: str) -> Repository:
        """Create a repository of no account, such as ``library/python``."""
        with self._store.change():
            return self.find(f"{namespace}/{name}") or self._insert(namespace, name, False, False, description)

    def set_privacy(self, repository: Repository, is_private: bool) -> Repository:
        """Make it private or public; a locked one that becomes public is unlocked. Raises NoPrivateLeft."""
        with self._store.change() as db:
            owner = self._accounts.find(repository.namespace)
            assert owner
            if is_private and not repository.is_private and not self._private_left(owner):
                raise NoPrivateLeft
            locked = repository.locked and is_private
            db.execute(
                "UPDATE hub_repositories SET is_private = ?, locked = ?, updated = ? WHERE namespace = ? AND name = ?",
                (is_private, locked, now(), repository.namespace, repository.name),
            )
        return self._get(repository.full_name)

    def unlock(self, owner: Account) -> None:
        """Unlock the repositories of *owner* if the plan is a paid one."""
        if owner.paid:
            with self._store.change() as db:
                db.execute("UPDATE hub_repositories SET locked = 0 WHERE namespace = ?", (owner.username,))

    def delete(self, repository: Repository) -> None:
        """Delete the repository, its images and their blobs."""
        with self._store.change() as db:
            key = (repository.namespace, repository.name)
            db.execute("DELETE FROM hub_repositories WHERE namespace = ? AND name = ?", key)
            images = self.images(repository.full_name)
            images.delete()
            self._blobs.forget(images.key)

    def clear(self, username: str) -> None:
        """Delete every repository of *username*, and remove *username* from the collaborators of all others."""
        with self._store.change() as db:
            for repository in self.of(username):
                self.delete(repository)
            db.execute("DELETE FROM hub_collaborators WHERE username = ?", (username,))

    def pushed(self, full_name: str) -> None:
        """Record the time of a push."""
        self._update(full_name, "updated = ?", now())

    def pulled(self, full_name: str) -> None:
        """Count a pull."""
        self._update(full_name, "pull_count = pull_count + 1")

    def collaborators(self, repository: Repository) -> list[str]:
        """The collaborators, by name."""
        rows = self._store.read().execute(
            "SELECT username FROM hub_collaborators WHERE namespace = ? AND name = ? ORDER BY username",
            (repository.namespace, repository.name),
        )
        return [row["username"] for row in rows]

    def add_collaborator(self, repository: Repository, account: Account) -> None:
        """Allow *account* to pull and push."""
        with self._store.change() as db:
            db.execute(
                "INSERT OR IGNORE INTO hub_collaborators VALUES (?, ?, ?)",
                (repository.namespace, repository.name, account.username),
            )

    def remove_collaborator(self, repository: Repository, username: str) -> None:
        """Remove *username* from the collaborators."""
        with self._store.change() as db:
            db.execute(
                "DELETE FROM hub_collaborators WHERE namespace = ? AND name = ? AND username = ?",
                (repository.namespace, repository.name, username),
            )

    def images(self, full_name: str) -> Images:
        """The images of one repository."""
        return Images(self._store, REGISTRY, "", full_name)

    def is_member(self, account: Account, repository: Repository) -> bool:
        """Whether *account* may pull and push: the owner and the collaborators."""
        return account.username == repository.namespace or account.username in self.collaborators(repository)

    def _private_left(self, owner: Account) -> bool:
        return owner.paid or sum(each.is_private for each in self.of(owner.username)) < PRIVATE_ALLOWED

    def _is_name(self, full_name: str) -> bool:
        namespace, _, name = full_name.partition("/")
        return bool(NAME.fullmatch(namespace)) and is_name(name)

    def _insert(
        self,
        namespace: str,
        name: str,
        is_private: bool,
        locked: bool,
        description: str = "",
        full_description: str = "",
    ) -> Repository:
        if not is_name(name):
            raise Refused(
                "A repository name has 2 to 255 characters: lowercase letters, numbers, and ._- between them."
            )
        row = (namespace, name, description, full_description, is_private, locked, 0, now(), now())
        with self._store.change() as db:
            db.execute("INSERT INTO hub_repositories VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        return self._get(f"{namespace}/{name}")

    def _get(self, full_name: str) -> Repository:
        repository = self.find(full_name)
        assert repository
        return repository

    def _update(self, full_name: str, assignment: str, *values: str) -> None:
        namespace, _, name = full_name.partition("/")
        with self._store.change(sync=False) as db:
            db.execute(
                f"UPDATE hub_repositories SET {assignment} WHERE namespace = ? AND name = ?", (*values, namespace, name)
            )

    def _select(self, where: str, *values: str) -> list[Repository]:
        rows = self._store.read().execute(f"SELECT * FROM hub_repositories WHERE {where}", values)
        return [
            Repository(**{**dict(row), "is_private": bool(row["is_private"]), "locked": bool(row["locked"])})
            for row in rows
        ]


def is_name(name: str) -> bool:
    """Whether a repository can have this name; https://docs.docker.com/docker-hub/repos/create/"""
    return 2 <= len(name) <= 255 and NAME.fullmatch(name) is not None
