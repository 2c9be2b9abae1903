"""Middleware 7: the change is on disk before the answer leaves.

Images are rows already; what moto keeps in memory (repositories, users, roles) is written as one pickle a
service, account and region, in the same transaction.
"""

import copyreg
import hashlib
import io
import pickle
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import moto.backends
from ecr_sandbox.aws.dispatch import SERVICES, name_of, operation_of, reads_only, refuse, service_of
from ecr_sandbox.http.middleware import Handler, Middleware, Request
from ecr_sandbox.registry import disk
from ecr_sandbox.services.ecr.errors import ServerException, storage_full
from werkzeug.wrappers import Response

from .store import Store

# They change rows only, in transactions of their own; no other call waits while they move bytes.
OF_ROWS = {"PutImage", "BatchDeleteImage", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"}
OF_ROWS |= {"BatchGetImage", "ValidatePullThroughCacheRule"}  # they may wait for another registry

copyreg.pickle(type(threading.RLock()), lambda _: (threading.RLock, ()))
copyreg.pickle(type(threading.Lock()), lambda _: (threading.Lock, ()))


# Until November 2026 our classes were in other modules, whose names stand in the pickles.
MOVED = {"helpers.sandbox.ecr.": "ecr_sandbox.services.ecr.", "helpers.sandbox.ecs.": "ecr_sandbox.services.ecs."}


class Unreadable(Exception):
    """What an earlier run stored makes no sense to this one."""


class Kept:
    """What moto keeps in memory, as rows of *store*; services other than the first three come when they are used."""

    def __init__(self, store: Store):
        self._store = store
        self._services = list(SERVICES)
        self._written: dict[tuple[str, str, str], str] = {}

    def restore(self) -> None:
        """Give moto what the last run knew, and nothing else; raises Unreadable.

        To be called before moto answers anything.
        """
        self._written.clear()  # what is not on disk has not happened
        for service in self._services:
            self._restore(service)

    def add(self, service: str, install: Callable[[], None], then: Callable[[], None] | None = None) -> None:
        """Keep a further *service*, once it is *installed*; it has not answered anything yet. Raises Unreadable.

        *then* may change what was restored, before anybody sees it.
        """
        with self._store.lock:
            if service in self._services:
                return
            install()
            self._restore(service)
            self._services.append(service)
            if then:
                with self.changing(service):
                    then()

    @contextmanager
    def changing(self, service: str) -> Iterator[None]:
        """Round a change of what moto keeps of *service*: whole and in the store, or not at all."""
        with self._store.change(undone=self.restore) as db:
            yield
            self._write(db, self._touched_by(service))

    def _restore(self, service: str) -> None:
        """The door of signatures looks without the lock: it must find what was or what is, never nothing."""
        kept = {}
        for row in self._store.read().execute("SELECT * FROM backends WHERE service = ?", (service,)):
            try:
                # The file is the sandbox's own, readable by its owner only.
                kept[row["account"], row["region"]] = _load(row["pickle"])
            except Exception as error:  # by another version of moto, say
                raise Unreadable(f"what it says of {row['service']}: {error}") from error
        for (account, region), backend in kept.items():
            _of_moto(service)[account][region] = backend
        for key, _ in list(_backends(service)):
            if key not in kept:
                del _of_moto(service)[key[0]][key[1]]

    def _touched_by(self, service: str) -> Collection[str]:
        """What a call to *service* may have changed: only ECR changes ECR, and nothing else."""
        if not self._written:
            return self._services
        return ("ecr",) if service == "ecr" else [each for each in self._services if each != "ecr"]

    def _write(self, db: sqlite3.Connection, services: Collection[str]) -> None:
        for service in services:
            for (account, region), backend in _backends(service):
                content, key = pickle.dumps(backend, 5), (service, account, region)
                digest = hashlib.sha256(content).hexdigest()
                if self._written.get(key) != digest:
                    db.execute("INSERT OR REPLACE INTO backends VALUES (?, ?, ?, ?)", (*key, content))
                    self._written[key] = digest


def _load(content: bytes) -> Any:
    return _Unpickler(io.BytesIO(content)).load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        for old, new in MOVED.items():
            if module.startswith(old):
                module = new + module.removeprefix(old)
        return super().find_class(module, name)


def durable(store: Store, kept: Kept) -> Middleware:
    """The door that writes to *store* what has changed of what is *kept*."""
    return partial(_durable, store, kept)


def _durable(store: Store, kept: Kept, request: Request, call_next: Handler) -> Response:
    operation = operation_of(request)
    try:
        if operation in OF_ROWS:
            return call_next(request)
        if reads_only(operation) and service_of(request) in SERVICES:  # others make defaults when they are looked at
            with store.lock:  # moto's backends are not thread-safe
                return call_next(request)
        with kept.changing(service_of(request)):
            return call_next(request)
    except (sqlite3.OperationalError, OSError) as error:
        full = disk.is_full(store.path.parent, error)
        return refuse(request, storage_full() if full else ServerException(error))


def _backends(service: str) -> Iterator[tuple[tuple[str, str], Any]]:
    for account, region, backend in _of_moto(service).iter_backends():
        yield (account, region), backend


def _of_moto(service: str) -> Any:
    return moto.backends.get_backend(name_of(service))
