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
from moto.core.exceptions import ServiceException
from werkzeug.wrappers import Response

from .aws import SERVICES, operation_of, reads_only, refuse_json
from .doors import Door, Handler, Request
from .store import Store
from .words import DISK_FULL

copyreg.pickle(type(threading.RLock()), lambda _: (threading.RLock, ()))


def durable(store: Store) -> Door:
    """The door that writes to *store*."""
    return partial(_durable, store, {})


def restore(store: Store) -> None:
    """Give moto what the last run knew. To be called before moto answers anything."""
    for row in store.read().execute("SELECT * FROM backends"):
        # The file is the sandbox's own, readable by its owner only.
        moto.backends.get_backend(row["service"])[row["account"]][row["region"]] = pickle.loads(row["pickle"])


def _durable(store: Store, written: dict[tuple[str, str, str], str], request: Request, onward: Handler) -> Response:
    with store.lock:  # moto's backends are not thread-safe
        if reads_only(operation_of(request)):
            return onward(request)
        try:
            with store.change() as db:
                answer = onward(request)
                _write(db, written)
            return answer
        except Exception as error:
            written.clear()
            restore(store)  # what is not on disk has not happened
            if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
                return refuse_json(ServiceException("SandboxStorageFullException", DISK_FULL.message))
            raise


def _write(db: sqlite3.Connection, written: dict[tuple[str, str, str], str]) -> None:
    for key, backend in _backends():
        content = pickle.dumps(backend, 5)
        digest = hashlib.sha256(content).hexdigest()
        if written.get(key) != digest:
            db.execute("INSERT OR REPLACE INTO backends VALUES (?, ?, ?, ?)", (*key, content))
            written[key] = digest


def _backends() -> Iterator[tuple[tuple[str, str, str], Any]]:
    for service in SERVICES:
        for account, region, backend in moto.backends.get_backend(service).iter_backends():
            yield (service, account, region), backend
