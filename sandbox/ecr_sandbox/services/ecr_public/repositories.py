"""Public repositories: rows of the store.

Public repositories do not belong to a Region: ECR Public has one endpoint.
"""

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.ecr.exceptions import (
    RepositoryAlreadyExistsException,
    RepositoryNotEmptyException,
    RepositoryNotFoundException,
)

from ecr_sandbox import settings
from ecr_sandbox.http import addresses
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.image import Image
from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import Manifest
from ecr_sandbox.registry.references import Key
from ecr_sandbox.services.image_errors import check_layers, check_quotas
from ecr_sandbox.state.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS public_registries (account TEXT PRIMARY KEY, display_name TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS public_repositories (
    account TEXT, name TEXT, created_at REAL NOT NULL, catalog TEXT, policy TEXT, tags TEXT NOT NULL,
    PRIMARY KEY (account, name)
)
"""

PLACE = "public"  # in place of the Region in the rows of a private repository
DOCKER = "docker"  # the alias of AWS's mirror of Docker's official images; here also its account
ACCOUNTS = (settings.ACCOUNT, settings.OTHER_ACCOUNT, DOCKER)


@dataclass(frozen=True)
class Repository:
    """A public repository: its settings, and where its images and blobs are."""

    account: str
    name: str
    created_at: float
    catalog: Mapping[str, Any] | None
    policy: str | None
    tags: Mapping[str, str]

    @property
    def arn(self) -> str:
        """Without a Region, as on AWS."""
        return arn(self.account, self.name)

    @property
    def uri(self) -> str:
        """Its name for ``docker``; on AWS it starts with ``public.ecr.aws``."""
        return f"{addresses.current.public_host()}/{alias_of(self.account)}/{self.name}"

    @property
    def key(self) -> Key:
        """The key of its rows in the store."""
        return self.account, PLACE, self.name


class Repositories:
    """The repositories of every account."""

    def __init__(self, store: Store, blobs: ContentStore):
        self.store, self.blobs = store, blobs

    def all(self, account: str) -> list[Repository]:
        """The account's repositories by name."""
        rows = self.store.read().execute(
            "SELECT * FROM public_repositories WHERE account = ? ORDER BY name", (account,)
        )
        return [_from(row) for row in rows]

    def get(self, account: str, name: str) -> Repository | None:
        """The repository, or None."""
        query = "SELECT * FROM public_repositories WHERE account = ? AND name = ?"
        row = self.store.read().execute(query, (account, name)).fetchone()
        return _from(row) if row else None

    def find(self, account: str, name: str) -> Repository:
        """The repository; raises RepositoryNotFoundException."""
        found = self.get(account, name)
        if found is None:
            raise RepositoryNotFoundException(name, account)
        return found

    def create(
        self, account: str, name: str, catalog: Mapping[str, Any] | None = None, tags: Mapping[str, str] | None = None
    ) -> Repository:
        """A new, empty repository, and the account's registry if it is its first.

        Raises RepositoryAlreadyExistsException.
        """
        made = Repository(account, name, round(time.time(), 3), catalog, None, tags or {})
        with self.store.change() as db:
            try:
                db.execute("INSERT INTO public_repositories VALUES (?, ?, ?, ?, ?, ?)", _row(made))
            except sqlite3.IntegrityError:
                raise RepositoryAlreadyExistsException(name, account) from None
            db.execute("INSERT OR IGNORE INTO public_registries (account) VALUES (?)", (account,))
        return made

    def save(self, repository: Repository) -> None:
        """Store the settings of *repository*."""
        with self.store.change() as db:
            db.execute("REPLACE INTO public_repositories VALUES (?, ?, ?, ?, ?, ?)", _row(repository))

    def delete(self, repository: Repository, force: bool) -> None:
        """Delete it with its images; raises RepositoryNotEmptyException when it has some and *force* is not given."""
        images = self.images(repository)
        with self.store.change() as db:
            if images and not force:
                raise RepositoryNotEmptyException(repository.name, repository.account)
            images.delete()
            db.execute(
                "DELETE FROM public_repositories WHERE account = ? AND name = ?", (repository.account, repository.name)
            )
            self.blobs.forget(repository.key)

    def images(self, repository: Repository) -> Images:
        """Its images."""
        return Images(self.store, repository.account, PLACE, repository.name)

    def store_image(
        self, repository: Repository, text: str, media_type: str | None, tag: str | None, digest: str | None
    ) -> Image:
        """PutImage. A tag may always be moved.

        Raises ImageError, RepositoryNotFoundException.
        """
        manifest = Manifest.parse(text, media_type)
        check_layers(manifest)
        images = self.images(repository)
        with self.store.change():
            self.find(repository.account, repository.name)  # it may have been deleted meanwhile
            self.blobs.require_blobs(images, manifest, repository.name, repository.account)
            check_quotas(images, manifest.digest, tag)
            return images.put(manifest, tag, False, digest)

    def blob_size(self, repository: Repository, digest: str) -> int | None:
        """The size in bytes of a layer that the repository has, or None."""
        return self.blobs.size(repository.key, digest, lease=True)

    def display_name(self, account: str) -> str | None:
        """The display name of the account's registry, "" if it has none; None if the registry does not exist yet."""
        row = self.store.read().execute("SELECT * FROM public_registries WHERE account = ?", (account,)).fetchone()
        return row["display_name"] if row else None

    def name_registry(self, account: str, display_name: str) -> None:
        """Set the display name of the account's registry."""
        with self.store.change() as db:
            db.execute("REPLACE INTO public_registries VALUES (?, ?)", (account, display_name))


def opened(store: Store, blobs: ContentStore) -> Repositories:
    """The repositories in *store*; creates the tables."""
    tables = store.read().execute("SELECT 1 FROM sqlite_master WHERE name = 'public_repositories'").fetchone()
    if tables is None:  # checked each time, because their creation may have been rolled back
        store.add(SCHEMA)
    return Repositories(store, blobs)


def arn(account: str, name: str) -> str:
    """The ARN of a public repository, which need not exist."""
    return f"arn:aws:ecr-public::{account}:repository/{name}"


def alias_of(account: str) -> str:
    """The account's default alias: letters and digits in turn, as AWS's; always the same here."""
    if account == DOCKER:
        return DOCKER
    numbers = hashlib.sha256(account.encode()).digest()
    pairs = zip(numbers[0:8:2], numbers[1:8:2], strict=True)
    return "".join(f"{chr(ord('a') + letter % 26)}{digit % 10}" for letter, digit in pairs)


def account_of(alias: str) -> str | None:
    """The account with this alias, or None."""
    return next((account for account in ACCOUNTS if alias_of(account) == alias), None)


def _from(row: sqlite3.Row) -> Repository:
    catalog = json.loads(row["catalog"]) if row["catalog"] else None
    return Repository(row["account"], row["name"], row["created_at"], catalog, row["policy"], json.loads(row["tags"]))


def _row(repository: Repository) -> tuple[Any, ...]:
    catalog = json.dumps(repository.catalog) if repository.catalog is not None else None
    return (
        repository.account,
        repository.name,
        repository.created_at,
        catalog,
        repository.policy,
        json.dumps(dict(repository.tags)),
    )
