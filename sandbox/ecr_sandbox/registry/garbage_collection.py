"""``ecr-sandbox gc``: free the space of blobs that no image uses, while pushes and pulls continue.

Rows say what images use, of all registries, and what a push under way may still need (``leases.py``). The rows that are
left over are deleted first. When that is on disk, the files that no row names any more go to the trash, still under the
lock of all changes, so that no row for them can appear in between. They are deleted after that. A crash leaves garbage
to the next collection, and nothing else.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ecr_sandbox.state.store import Store

from . import leases
from .content_store import ContentStore

IDLE = 300  # seconds without an upload or a lease after which a push counts as given up
FORGOTTEN = 24 * 60 * 60  # seconds without a byte after which an upload does
_one_at_a_time = threading.Lock()


@dataclass
class Collected:
    """What a collection did: how many blobs (*layers*) and *uploads* are gone, the bytes that this *freed*, and the
    bytes it *kept* that no image uses, but a push may need."""

    layers: int = 0
    freed: int = 0
    kept: int = 0
    uploads: int = 0


def collect(store: Store, content: ContentStore, idle: float = IDLE) -> Collected:
    """Free what no image uses and no push of the last *idle* seconds may need; with 0, what no request needs now."""
    with _one_at_a_time:
        done = Collected()
        blobs = {f"sha256:{name}": about.st_size for name, about in _files(content.blobs)}
        _collect_blobs(store, content, idle, blobs, done)
        _collect_uploads(store, content, idle, done)
        content.empty_trash()
        return done


def _collect_blobs(store: Store, content: ContentStore, idle: float, blobs: dict[str, int], done: Collected) -> None:
    """Of the *blobs*, which are digests and sizes, discard those that no row names; new ones are not among them."""
    since = time.time() - idle
    with store.lock:
        with store.change() as db:
            growing = {name for name, about in _files(content.uploads) if about.st_mtime > since}
            leases.drop_unused(db, since, content.repositories_of(growing | content.being_written()))
            used = {row["digest"] for row in db.execute("SELECT DISTINCT digest FROM blobs")}
            named = {row["digest"] for row in db.execute("SELECT DISTINCT digest FROM repository_blobs")}
        store.settle()  # an image whose deletion is not on disk may be back after a power failure, and needs its blobs
        for digest, size in blobs.items():
            if digest in used:
                continue
            if digest in named or not content.discard_blob(digest):
                done.kept += size
            else:
                done.layers += 1
                done.freed += size


def _collect_uploads(store: Store, content: ContentStore, idle: float, done: Collected) -> None:
    oldest = time.time() - (FORGOTTEN if idle else 0)
    written = content.being_written()
    expired = {
        name: about.st_size
        for name, about in _files(content.uploads)
        if about.st_mtime <= oldest and name not in written
    }
    with store.change() as db:
        db.executemany("DELETE FROM uploads WHERE id = ?", [(name,) for name in expired])
    for name, size in expired.items():
        if content.discard_upload(name):
            done.uploads += 1
            done.freed += size


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Name and facts of each file that is there."""
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # finished or given up a moment ago
                yield entry.name, entry.stat()
