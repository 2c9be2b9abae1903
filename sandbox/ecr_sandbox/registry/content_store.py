"""Where the bytes are: each blob is a file named by its digest, and rows say which repository has which blob.

The state folder holds ``blobs/sha256/<hex>`` as in an OCI image layout, ``uploads/`` with the files that still grow,
and ``trash/`` with what garbage collection is about to delete. A blob is put in place in this order, so that neither a
kill nor a power failure leaves a row without its bytes: sync the file, rename it, sync the folder, commit the row.
Source: OCI image-spec, "Image Layout"; rename(2); fsync(2).
"""

import hashlib
import os
import shutil
import threading
import uuid
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from ecr_sandbox.state.atomic_files import sync_folder
from ecr_sandbox.state.store import Store

from . import leases
from .errors import LayersMissing
from .images import Images
from .manifest_format import Manifest
from .references import HERE, Key

SCHEMA = """
CREATE TABLE IF NOT EXISTS repository_blobs (
    account TEXT, region TEXT, repository TEXT, digest TEXT, leases INTEGER NOT NULL, leased_at REAL NOT NULL,
    PRIMARY KEY (account, region, repository, digest)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, account TEXT, region TEXT, repository TEXT,
    size INTEGER NOT NULL, first_part INTEGER NOT NULL, last_part INTEGER NOT NULL, started_at INTEGER NOT NULL
) WITHOUT ROWID;
"""
PIECE = 256 * 1024  # bytes that are read and written at a time; larger writes are slower, as measured


class ContentStore:
    """The blobs of all registries, in the sandbox's state folder *folder*."""

    def __init__(self, folder: Path, store: Store):
        self.folder = folder
        self.blobs, self.uploads, self.trash = folder / "blobs/sha256", folder / "uploads", folder / "trash"
        self._store = store
        self._lock = threading.Lock()
        self._claimed: set[str] = set()  # files in uploads/ that a request writes
        self._finishing: Counter[str] = Counter()  # digests whose file may be there before the row
        for each in (self.blobs, self.uploads, self.trash):
            each.mkdir(parents=True, exist_ok=True)
        store.in_place.watch(self.blobs, self.uploads)
        store.add(SCHEMA)

    def path(self, digest: str) -> Path:
        """The file of the blob *digest*, if there is one."""
        return self.blobs / digest.partition(":")[2]

    def size(self, key: Key, digest: str, lease: bool = False) -> int | None:
        """How many bytes the blob *digest* of a repository has, or None; with *lease* the client may count on it.

        A blob whose file is gone does not exist: the client uploads it again.
        """
        if not self._has(key, digest):
            return None
        try:
            about = self.path(digest).lstat()
        except FileNotFoundError:
            return None
        size = about.st_size if S_ISREG(about.st_mode) else None
        return size if not lease or leases.renew(self._store, key, digest) else None

    def open(self, key: Key, digest: str) -> BinaryIO:
        """The bytes of the blob *digest* of a repository; raises FileNotFoundError.

        A state folder from another person may have a link in place of a blob, to a file of the user: it is no blob.
        """
        if self.size(key, digest) is None:
            raise FileNotFoundError(digest)
        return open(os.open(self.path(digest), os.O_RDONLY | os.O_NOFOLLOW), "rb", buffering=0)

    def mount(self, key: Key, digest: str, source: Key) -> bool:
        """Let a repository have the blob *digest* that the repository *source* has; whether that was possible."""
        with self._store.change() as db:
            if self.size(source, digest) is None:
                return False
            leases.grant(db, key, digest)
            return True

    def add(self, key: Key, digest: str, content: BinaryIO) -> None:
        """Let a repository have *content* as the blob *digest*; raises OSError, also when it has another digest."""
        file, hashed = self.uploads / uuid.uuid4().hex, hashlib.sha256()
        with self.claimed(file.name):
            try:
                with file.open("xb", buffering=0) as out:
                    while piece := content.read(PIECE):
                        hashed.update(piece)
                        write_all(out, piece)
                    if digest != f"sha256:{hashed.hexdigest()}":
                        raise OSError(f"the content of {digest} has another digest")
                    os.fsync(out)
                self.keep(key, digest, file)
            finally:
                file.unlink(missing_ok=True)

    def keep(self, key: Key, digest: str, file: Path) -> None:
        """Let a repository have *file*, an upload that is synced, as the blob *digest*; on disk when this returns."""
        with self._lock:
            self._finishing[digest] += 1
        try:
            file.rename(self.path(digest))  # also over a file that is there: a damaged one is then whole again
            sync_folder(self.blobs)
            with self._store.change() as db:
                leases.grant(db, key, digest)
                db.execute("DELETE FROM uploads WHERE id = ?", (file.name,))
        finally:
            with self._lock:
                self._finishing[digest] -= 1
                self._finishing += Counter()  # without what is 0

    def require_blobs(self, images: Images, manifest: Manifest, name: str, registry: str) -> None:
        """Check that the repository has all blobs of *manifest*, and take back the leases of the push.

        To be called in the change that stores the image among the *images* of the repository. Raises
        LayersMissing, which speaks of the repository *name* of *registry*.
        """
        digests = {digest for digest, _ in manifest.blobs}
        missing = [each for each, _ in manifest.blobs if not images.use(each) and self.size(images.key, each) is None]
        if missing:
            raise LayersMissing(missing, name, registry)
        with self._store.change() as db:
            leases.redeem(db, images.key, digests)

    def forget(self, key: Key) -> None:
        """Forget what a repository has, in the change that deletes it; the blobs stay until garbage collection."""
        with self._store.change() as db:
            db.execute(f"DELETE FROM repository_blobs WHERE {HERE}", key)
            gone = db.execute(f"DELETE FROM uploads WHERE {HERE} RETURNING id", key).fetchall()
            for row in gone:
                self._store.once_committed(partial(self.discard_upload, row["id"]))

    @contextmanager
    def claimed(self, upload: str) -> Iterator[bool]:
        """Around the writing of the file *upload*: whether no other request writes it, so that this one may."""
        with self._lock:
            free = upload not in self._claimed
            self._claimed.add(upload)
        try:
            yield free
        finally:
            if free:
                with self._lock:
                    self._claimed.discard(upload)

    def being_written(self) -> set[str]:
        """The names of the uploads that a request writes now."""
        with self._lock:
            return set(self._claimed)

    def discard_upload(self, upload: str) -> bool:
        """Delete the file *upload* unless a request writes it; whether it is gone."""
        with self.claimed(upload) as free:
            if free:
                (self.uploads / upload).unlink(missing_ok=True)
            return free

    def discard_blob(self, digest: str) -> bool:
        """Move a blob that no row names to the trash, unless an upload of it is being finished; whether it is gone."""
        with self._lock:
            if self._finishing[digest]:
                return False
            with suppress(FileNotFoundError):
                self.path(digest).rename(self.trash / uuid.uuid4().hex)
            return True

    def empty_trash(self) -> None:
        """Delete what was discarded. A large file takes a while: hold no lock meanwhile."""
        shutil.rmtree(self.trash)
        self.trash.mkdir()

    def repositories_of(self, uploads: Collection[str]) -> set[Key]:
        """The repositories that these uploads belong to."""
        rows = self._store.read().execute("SELECT id, account, region, repository FROM uploads")
        return {tuple(row)[1:] for row in rows if row["id"] in uploads}

    def _has(self, key: Key, digest: str) -> bool:
        sought = f"SELECT 1 FROM repository_blobs WHERE {HERE} AND digest = ?"
        return self._store.read().execute(sought, (*key, digest)).fetchone() is not None


def write_all(file: BinaryIO, piece: bytes | memoryview) -> None:
    """Write all of *piece* to an unbuffered *file*, which may take it in parts."""
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]
