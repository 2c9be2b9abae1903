"""Door 7: the change is on disk before the answer leaves.

Images are rows already; what moto keeps in memory (repositories, users, roles) is written as one pickle a
service, account and region, in the same transaction.
"""

import copyreg
import hashlib
import pickle
import sqlite3
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import moto.backends
from werkzeug.wrappers import Response

from .aws import SERVICES, operation_of, reads_only, refuse, service_of
from .doors import Door, Handler, Request
from .registry import disk
from .store import Store
from .words import ServerException, storage_full

# They change rows only, in transactions of their own; no other call waits while they move bytes.
OF_ROWS = {"PutImage", "BatchDeleteImage", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"}

copyreg.pickle(type(threading.RLock()), lambda _: (threading.RLock, ()))


class Unreadable(Exception):
    """What an earlier run stored makes no sense to this one."""


def durable(store: Store) -> Door:
    """The door that writes to *store*."""
    return partial(_durable, store, {})


def restore(store: Store) -> None:
    """Give moto what the last run knew, and nothing else; raises Unreadable.

    To be called before moto answers anything.
    """
    for (service, account, region), _ in list(_backends(None)):
        del moto.backends.get_backend(service)[account][region]
    for row in store.read().execute("SELECT * FROM backends"):
        try:
            # The file is the sandbox's own, readable by its owner only.
            kept = pickle.loads(row["pickle"])
        except Exception as error:  # by another version of moto, say
            raise Unreadable(f"what it says of {row['service']}: {error}") from error
        moto.backends.get_backend(row["service"])[row["account"]][row["region"]] = kept


def _durable(store: Store, written: dict[tuple[str, str, str], str], request: Request, onward: Handler) -> Response:
    def undone() -> None:
        written.clear()
        restore(store)  # what is not on disk has not happened

    operation = operation_of(request)
    try:
        if operation in OF_ROWS:
            return onward(request)
        if reads_only(operation):
            with store.lock:  # moto's backends are not thread-safe
                return onward(request)
        with store.change(undone=undone) as db:
            answer = onward(request)
            _write(db, written, service_of(request))
            return answer
    except (sqlite3.OperationalError, OSError) as error:
        full = disk.is_full(store.path.parent, error)
        return refuse(request, storage_full() if full else ServerException(error))


def _write(db: sqlite3.Connection, written: dict[tuple[str, str, str], str], service: str) -> None:
    for key, backend in _backends(service if written else None):
        content = pickle.dumps(backend, 5)
        digest = hashlib.sha256(content).hexdigest()
        if written.get(key) != digest:
            db.execute("INSERT OR REPLACE INTO backends VALUES (?, ?, ?, ?)", (*key, content))
            written[key] = digest


def _backends(service: str | None) -> Iterator[tuple[tuple[str, str, str], Any]]:
    """What a call to *service* may have changed (None: whatever there is). Only ECR changes ECR, and nothing else."""
    for each in SERVICES:
        if service is None or (each == "ecr") == (service == "ecr"):
            for account, region, backend in moto.backends.get_backend(each).iter_backends():
                yield (each, account, region), backend
