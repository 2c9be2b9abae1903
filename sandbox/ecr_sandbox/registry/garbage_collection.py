"""``ecr-lab gc``: give back the space of layers that no image uses, while pushes and pulls go on.

What images use is known from their rows, of all registries. Every link of a repository to a layer that none of its
images uses is deleted, then the bytes that no link is left to. What a push under way may still need is spared:
``registry/promises.py`` says how that is known. A crash in between leaves less garbage, and nothing else.
"""

import json
import os
import shutil
import threading
import time
import uuid
from collections import defaultdict
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Request
from ecr_sandbox.state.store import Store

from .content_store import written_in
from .distribution import Distribution
from .storage_names import storage_name

IDLE = 300  # seconds without a request after which a push is taken for given up
FORGOTTEN = 24 * 60 * 60  # seconds after which an upload is
_one_at_a_time = threading.Lock()


@dataclass
class Swept:
    """What a sweep did: how many layers (and configs) and *uploads* are gone, the bytes *freed*, and those *kept*
    that no image uses, but a push may need."""

    layers: int = 0
    freed: int = 0
    kept: int = 0
    uploads: int = 0


def answer(store: Store, blobs: Distribution, request: Request) -> Response:
    """POST /_sandbox/gc: a sweep, and what it did as JSON; ``?idle=`` gives the seconds."""
    idle = request.args.get("idle", IDLE, type=float)
    kept = sorted(each.name for each in store.path.parent.glob(f"{store.path.name}.unreadable-*"))
    if kept:  # its images may need every layer
        return Response(json.dumps({"put_aside": kept}), content_type="application/json")
    return Response(json.dumps(asdict(sweep(store, blobs, idle))), content_type="application/json")


def sweep(store: Store, blobs: Distribution, idle: float = IDLE) -> Swept:
    """Free what no image uses and no push of the last *idle* seconds may need; with 0, what no request needs now."""
    with _one_at_a_time, blobs.promises.sweeping():
        with store.lock:  # no change is half done: it is seen, or it is spared because it began later
            used = _used(store)
        _settle(store)
        return _Sweep(blobs, used, idle).run()


def _settle(store: Store) -> None:
    """An image whose deletion is not on disk yet is back after a power cut: its bytes must not be gone by then."""
    with open(f"{store.path}-wal", "rb") as log:
        os.fsync(log)


def _used(store: Store) -> dict[str, set[str]]:
    """The digests of layers and configs that images use, by the repository's name in Distribution."""
    used: dict[str, set[str]] = defaultdict(set)
    for row in store.read().execute("SELECT account, region, repository, digest FROM blobs"):
        used[_home(row["account"], row["region"], row["repository"])].add(row["digest"])
    return used


def _home(account: str, region: str, repository: str) -> str:
    if region:
        return storage_name(account, region, repository)
    namespace, _, name = repository.partition("/")  # Docker Hub's have no Region but an owner
    return storage_name(account, namespace, name)


class _Sweep:
    """One sweep; *used* is what images use, by repository."""

    def __init__(self, blobs: Distribution, used: dict[str, set[str]], idle: float):
        self._tree, self._promises, self._idle = blobs.tree, blobs.promises, idle
        self._used = {name: self._kept_as(name, digests) for name, digests in used.items()}
        self._linked: set[str] = set()  # what no image uses, but a link is left to
        self._garbage = blobs.root / "garbage"
        self._done = Swept()

    def run(self) -> Swept:
        self._garbage.mkdir(exist_ok=True)
        for name in self._tree.all_repositories():
            self._sweep_links(name)
            self._sweep_uploads(name)
            self._take_away(name, "", self._tree.repository(name) / "_manifests")  # of versions that had need of them
        self._sweep_bytes()
        self._tree.forget_synced()
        shutil.rmtree(self._garbage, ignore_errors=True)  # that of a sweep that was killed, too
        return self._done

    def _kept_as(self, repository: str, digests: set[str]) -> set[str]:
        kept = set()
        for digest in digests:
            with suppress(OSError):  # there are no bytes to keep
                kept.add(self._tree.target(repository, digest))
        return kept

    def _sweep_links(self, repository: str) -> None:
        unused = set(self._tree.links(repository)) - self._used.get(repository, set())
        awaited = self._promises.awaited(repository, self._idle) if unused else set()
        self._linked |= unused & awaited
        for digest in unused - awaited:
            if not self._take_away(repository, digest, self._tree.link(repository, digest).parent):
                self._linked.add(digest)

    def _sweep_uploads(self, repository: str) -> None:
        patience = FORGOTTEN if self._idle else 0
        for upload in self._tree.uploads(repository):
            size = sum(map(_size, _below(upload)))
            if time.time() - written_in(upload) >= patience and self._take_away(repository, "", upload):
                self._done.uploads += 1
                self._done.freed += size

    def _sweep_bytes(self) -> None:
        needed = set().union(*self._used.values())
        for folder in [each for part in _below(self._tree.blobs) for each in _below(part)]:
            digest = f"sha256:{folder.name}"
            if digest in needed:
                continue
            size = _size(folder / "data")
            if digest in self._linked or not self._take_away("", digest, folder):
                self._done.kept += size
            else:
                self._done.layers += 1
                self._done.freed += size

    def _take_away(self, repository: str, digest: str, folder: Path) -> bool:
        """Take *folder* out of the registry, unless what it holds was asked for meanwhile.

        It is deleted later: that of a large file takes a while, and all requests would wait.
        """
        return self._promises.take_away(repository, digest, lambda: self._move(folder))

    def _move(self, folder: Path) -> None:
        with suppress(FileNotFoundError):
            folder.rename(self._garbage / uuid.uuid4().hex)


def _below(folder: Path) -> list[Path]:
    with suppress(OSError):
        return list(folder.iterdir())
    return []


def _size(file: Path) -> int:
    with suppress(OSError):
        return file.stat().st_size
    return 0
