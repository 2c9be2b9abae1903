"""Persistence of moto's backends, which moto keeps in memory: repositories, users, roles, clusters, queues.

A backend is one pickle for each service, account and Region, written in the same transaction as the rows of the change.
A change that fails is undone in memory too: what differs from the stored backends is read again.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import moto.backends

from .pickles import digest_of, dump, load
from .store import Store

Key = tuple[str, str, str]  # service, account and Region of a backend


class Unreadable(Exception):
    """This version cannot read what an earlier one stored."""


class BackendPersistence:
    """moto's backends of *services* as rows of *store*; further services are added when they are used.

    *model_name* translates a service's signing name to the name that moto has for it.
    """

    def __init__(self, store: Store, services: Sequence[str], model_name: Callable[[str], str]):
        self._store, self._model_name = store, model_name
        self._services = list(services)
        self._written: dict[Key, bytes] = {}  # digests

    def restore(self) -> None:
        """Put the stored backends into moto, in the place of all others; raises Unreadable.

        Call it before moto answers anything.
        """
        self._written.clear()
        for service in self._services:
            self._restore(service)

    def save(self) -> None:
        """Store what differs from the stored backends. Call it for what is made at the start, before moto answers.

        What is in memory only would be lost when the first change fails.
        """
        with self._store.change() as db:
            self._write(db, self._services)

    def add(self, service: str, install: Callable[[], None], recover: Callable[[], None] | None = None) -> None:
        """Call *install*, then restore a further *service*, which has not answered anything yet. Raises Unreadable.

        *recover* may change what was restored, before anybody reads it.
        """
        with self._store.lock:
            if service in self._services:
                return
            install()
            self._restore(service)
            self._services.append(service)
            try:
                if recover:
                    with self.changing(service):
                        recover()
            except BaseException:  # the disk is full: the next call loads the service again
                self._services.remove(service)
                raise

    @contextmanager
    def changing(self, service: str) -> Iterator[None]:
        """A transaction around a change of *service*'s backends: stored whole, or undone. Raises NotAllowed."""
        before = dict(self._written)
        with self._store.change(undone=partial(self._undo, before)) as db:
            yield
            self._write(db, self._touched_by(service))

    def _undo(self, before: Mapping[Key, bytes]) -> None:
        """Read the backends again that differ from what was stored *before* a change."""
        self._written = dict(before)
        for service in self._services:
            if self._digests(service) != {key: digest for key, digest in before.items() if key[0] == service}:
                self._restore(service)

    def _digests(self, service: str) -> dict[Key, bytes] | None:
        """The digests of the backends in memory; None if a failed change left what cannot be stored."""
        with suppress(Exception):
            return {(service, *key): digest_of(dump(backend)) for key, backend in self._backends(service)}
        return None

    def _restore(self, service: str) -> None:
        """Authentication reads without the lock: it must find the old state or the new one, never an empty one."""
        stored = {}
        for row in self._store.read().execute("SELECT * FROM backends WHERE service = ?", (service,)):
            try:
                stored[row["account"], row["region"]] = load(row["pickle"], self._of_moto(service).backend)
            except Exception as error:  # written by another version of moto, for example
                raise Unreadable(f"what it says of {row['service']}: {error}") from error
        for (account, region), backend in stored.items():
            self._of_moto(service)[account][region] = backend
            self._written[service, account, region] = digest_of(dump(backend))
        for key, _ in list(self._backends(service)):
            if key not in stored:
                del self._of_moto(service)[key[0]][key[1]]

    def _touched_by(self, service: str) -> Collection[str]:
        """The services that a call to *service* may have changed: calls of ECR change ECR, other calls do not."""
        return ("ecr",) if service == "ecr" else [each for each in self._services if each != "ecr"]

    def _write(self, db: sqlite3.Connection, services: Collection[str]) -> None:
        for service in services:
            for (account, region), backend in self._backends(service):
                content, key = dump(backend), (service, account, region)
                digest = digest_of(content)
                if self._written.get(key) != digest:
                    load(content, self._of_moto(service).backend)  # what a start could not read is not acknowledged
                    db.execute("INSERT OR REPLACE INTO backends VALUES (?, ?, ?, ?)", (*key, content))
                    self._written[key] = digest

    def _backends(self, service: str) -> Iterator[tuple[tuple[str, str], Any]]:
        for account, region, backend in self._of_moto(service).iter_backends():
            yield (account, region), backend

    def _of_moto(self, service: str) -> Any:
        return moto.backends.get_backend(self._model_name(service))
