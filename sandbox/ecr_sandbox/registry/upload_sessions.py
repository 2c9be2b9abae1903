"""Uploads of blobs, for the registry protocol and for ECR's layer operations alike.

An upload is a file that grows and a row that says how much of it was acknowledged, so it survives the end of this
process. After a kill in the middle of a part the file is longer than the row says: the next part cuts it there. Only a
power failure makes it shorter, and then the upload does not exist any more. The bytes are hashed as they come. After a
restart the file is read once more for that.
Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html
"""

import errno
import hashlib
import os
import sqlite3
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, BinaryIO

from ecr_sandbox.state import disk
from ecr_sandbox.state.store import Store

from .content_store import PIECE, ContentStore, write_all
from .references import HERE, Key

if TYPE_CHECKING:
    from hashlib import _Hash

SMALLEST_PART = 5 * 1024 * 1024  # bytes; ECR's service quotas, "Minimum layer part size"
TOO_SMALL = -1  # instead of the size of the last part: a part before it is too small, so the upload cannot be completed
FORGOTTEN_AFTER = 7 * 24 * 3600  # seconds from the start of an upload
HASHES = 256  # uploads whose hash is kept in memory between two parts

BUFFERS = 4  # a piece of a part must not change until this number of further pieces was asked for

Pieces = Iterable[bytes | memoryview]


class UnknownUpload(Exception):
    """The repository does not have this upload, or not any more."""


class NotConsecutive(Exception):
    """The part begins at byte *first* and not after *last_byte*, where the last one ended.

    *first* is None when another part is being uploaded.
    """

    def __init__(self, last_byte: int, first: int | None = None):
        super().__init__(f"the upload ends at byte {last_byte}")
        self.last_byte, self.first = last_byte, first


class PartTooSmall(Exception):
    """A part before the last one is too small."""


class EmptyUpload(Exception):
    """The upload *id* has no parts."""

    def __init__(self, id: str):
        super().__init__(id)
        self.id = id


class WrongDigest(Exception):
    """The bytes that were uploaded have another digest."""


@dataclass(frozen=True)
class Progress:
    """How far an upload is: the last byte of its first part (0 before), and its size in bytes."""

    first_part_end: int
    size: int

    @property
    def end(self) -> int:
        """The last byte of the upload; 0 also when there is none."""
        return max(self.size - 1, 0)


@dataclass(frozen=True)
class _Upload:
    """A row of the table, without the repository."""

    id: str
    size: int
    first_part: int
    last_part: int

    @property
    def progress(self) -> Progress:
        return Progress(max(self.first_part - 1, 0), self.size)


class UploadSessions:
    """The uploads of a registry whose parts have at least *smallest_part* bytes, except the last part.

    With 0 they have any size, and a blob may be empty. When a client hangs up or the disk fails, OSError is raised, the
    upload is gone, and its space is free again.
    """

    def __init__(self, store: Store, content: ContentStore, smallest_part: int = SMALLEST_PART):
        self._store, self._content, self._smallest = store, content, smallest_part
        self._hashes = _Hashes()

    def start(self, key: Key) -> str:
        """Start an upload to the repository *key*; its id, a UUID."""
        upload, now = str(uuid.uuid4()), int(time.time())
        with self._store.change(sync=False) as db:
            expired = "DELETE FROM uploads WHERE started_at < ? RETURNING id"
            old = [row["id"] for row in db.execute(expired, (now - FORGOTTEN_AFTER,)).fetchall()]
            db.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, 0, 0, 0, ?)", (upload, *key, now))
            self._file(upload).touch(0o600, exist_ok=False)
        for each in old:
            self._content.discard_upload(each)
        return upload

    def append(self, key: Key, upload: str, part: Pieces, first: int | None = None) -> Progress:
        """Add a *part*, which begins at byte *first* (None: where the last one ended).

        A part may be too small: it can be the last one. Raises UnknownUpload, NotConsecutive.
        """
        with self._alone(key, upload) as before:
            _check_place(before, first)
            with self._opened(before) as file:
                hashed = self._hash_of(before, file)
                size = _copy(part, file, hashed)
            last_part = TOO_SMALL if size and self._ends_too_small(before) else size or before.last_part
            grown = _Upload(upload, before.size + size, before.first_part or size, last_part)
            self._acknowledge(grown)
            self._hashes.keep(upload, grown.size, hashed)
            return grown.progress

    def finish(self, key: Key, upload: str, digest: str, part: Pieces = (), first: int | None = None) -> None:
        """Complete an upload, after a last *part* unless that is empty; the repository has the blob *digest* then.

        Raises UnknownUpload, NotConsecutive, PartTooSmall, EmptyUpload; and WrongDigest, which deletes the upload.
        """
        with self._alone(key, upload) as before:
            last = _without_empty(part)
            if last is not None:
                _check_place(before, first)
            elif before.size == 0 and self._smallest:
                raise EmptyUpload(upload)
            if before.last_part == TOO_SMALL or (last is not None and self._ends_too_small(before)):
                raise PartTooSmall
            with self._opened(before) as file:
                hashed = self._hash_of(before, file)
                _copy(last or (), file, hashed)
                if digest != f"sha256:{hashed.hexdigest()}":
                    self._drop(upload)
                    raise WrongDigest
                os.fsync(file)
            self._content.keep(key, digest, self._file(upload))

    def progress(self, key: Key, upload: str) -> Progress:
        """How far an upload is; raises UnknownUpload."""
        return self._known(key, upload).progress

    def cancel(self, key: Key, upload: str) -> None:
        """Delete an upload; raises UnknownUpload, NotConsecutive."""
        with self._alone(key, upload):
            self._drop(upload)

    def _ends_too_small(self, upload: _Upload) -> bool:
        """Whether a further part would make one before the last too small."""
        return upload.size > 0 and upload.last_part < self._smallest

    @contextmanager
    def _alone(self, key: Key, upload: str) -> Iterator[_Upload]:
        """An upload, for one request at a time; it is deleted when that fails."""
        known = self._known(key, upload)
        with self._content.claimed(upload) as free:
            if not free:
                raise NotConsecutive(known.size - 1)
            try:
                yield self._row(key, upload)  # another request may have changed it in between
            except UnknownUpload:
                self._drop(upload)
                raise self._unknown() from None
            except OSError as error:
                full = disk.is_full(self._content.folder, error)  # asked before the space is free again
                self._drop(upload)
                if full:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
                raise

    @contextmanager
    def _opened(self, upload: _Upload) -> Iterator[BinaryIO]:
        """The file of an upload, at its acknowledged end; raises UnknownUpload."""
        try:
            file = self._file(upload.id).open("r+b", buffering=0)
        except FileNotFoundError:
            raise UnknownUpload from None
        with file:
            if file.seek(0, os.SEEK_END) < upload.size:
                raise UnknownUpload
            file.truncate(upload.size)
            file.seek(upload.size)
            yield file

    def _hash_of(self, upload: _Upload, file: BinaryIO) -> "_Hash":
        """The hash of what is in *file*, which is read for that unless the hash is in memory."""
        if hashed := self._hashes.take(upload.id, upload.size):
            return hashed
        hashed, buffer = hashlib.sha256(), memoryview(bytearray(PIECE))
        file.seek(0)
        while size := file.readinto(buffer):  # type: ignore[attr-defined]
            hashed.update(buffer[:size])
        return hashed

    def _known(self, key: Key, upload: str) -> _Upload:
        try:
            return self._row(key, upload)
        except UnknownUpload:
            raise self._unknown() from None

    def _unknown(self) -> Exception:
        """SDKs repeat a part that failed on a full disk: its upload is gone, the reason is not."""
        if disk.has_room(self._content.folder):
            return UnknownUpload()
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _row(self, key: Key, upload: str) -> _Upload:
        sought = f"SELECT id, size, first_part, last_part FROM uploads WHERE id = ? AND {HERE}"
        found = self._store.read().execute(sought, (upload, *key)).fetchone()
        if found is None:
            raise UnknownUpload
        return _Upload(*found)

    def _acknowledge(self, upload: _Upload) -> None:
        """Note the size of an upload; raises UnknownUpload when its repository was deleted meanwhile."""
        with self._store.change(sync=False) as db:
            done = db.execute(
                "UPDATE uploads SET size = ?, first_part = ?, last_part = ? WHERE id = ?",
                (upload.size, upload.first_part, upload.last_part, upload.id),
            )
        if not done.rowcount:
            raise UnknownUpload

    def _drop(self, upload: str) -> None:
        self._file(upload).unlink(missing_ok=True)  # first: on a full disk the row needs this space
        # If the row stays on a full disk, a client that asks for the upload learns that it does not exist.
        with suppress(sqlite3.OperationalError), self._store.change(sync=False) as db:
            db.execute("DELETE FROM uploads WHERE id = ?", (upload,))

    def _file(self, upload: str) -> Path:
        return self._content.uploads / upload


class _Hashes:
    """The hashes of uploads between two parts, of those that were used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[int, _Hash]] = OrderedDict()

    def keep(self, upload: str, size: int, hashed: "_Hash") -> None:
        with self._lock:
            self._kept[upload] = size, hashed
            while len(self._kept) > HASHES:
                self._kept.popitem(last=False)

    def take(self, upload: str, size: int) -> "_Hash | None":
        """The hash of the first *size* bytes of an upload, or None; a new one for no bytes."""
        with self._lock:
            known, hashed = self._kept.pop(upload, (0, hashlib.sha256()))
        return hashed if known == size else None


def _copy(part: Pieces, file: BinaryIO, hashed: "_Hash") -> int:
    """Write a part to *file* and into its hash; the number of bytes."""
    size = 0
    with _HashingThread(hashed) as thread:
        for piece in part:
            thread.update(piece)
            write_all(file, piece)
            size += len(piece)
    return size


class _HashingThread:
    """Updates a hash next to the thread that receives and writes; all three release Python's lock.

    A part of one short piece needs no thread.
    """

    def __init__(self, hashed: "_Hash"):
        self._hashed = hashed
        self._waiting: Queue[bytes | memoryview | None] = Queue(BUFFERS - 2)  # one is hashed, one is received
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "_HashingThread":
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread:
            self._waiting.put(None)
            self._thread.join()

    def update(self, piece: bytes | memoryview) -> None:
        """Hash *piece*, perhaps later."""
        if self._thread is None:
            if len(piece) < PIECE:
                self._hashed.update(piece)
                return
            self._thread = threading.Thread(target=self._run, name="hash")
            self._thread.start()
        self._waiting.put(piece)

    def _run(self) -> None:
        while (piece := self._waiting.get()) is not None:
            self._hashed.update(piece)


def _check_place(upload: _Upload, first: int | None) -> None:
    if first not in (None, upload.size):
        raise NotConsecutive(upload.size - 1, first)


def _without_empty(part: Pieces) -> Pieces | None:
    """The same part, or None when it has no bytes."""
    pieces = iter(part)
    first = next(pieces, b"")
    return chain([first], pieces) if first else None
