"""Layers on their way in, for the wire and for ECR's layer operations alike; the bytes stream on to Distribution.

An upload is known to clients by its id alone. What Distribution wants to hear instead, a signed address that
changes with every part, is a row of the store: so an upload survives the end of this process.
Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html
"""

import errno
import http.client
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from urllib.parse import quote, urlencode

from ecr_sandbox.state.store import Store

from . import disk
from .distribution import Distribution

SCHEMA = """
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, repository TEXT NOT NULL, location TEXT NOT NULL, size INTEGER NOT NULL,
    first_part INTEGER NOT NULL, last_part INTEGER NOT NULL, started_at INTEGER NOT NULL
)
"""
SMALLEST_PART = 5 * 1024 * 1024  # bytes; ECR's service quotas, "Minimum layer part size"
SETTLED_AFTER = 1  # seconds
FORGOTTEN_AFTER = 7 * 24 * 3600  # seconds; Distribution itself throws old uploads away then

Content = bytes | Iterable[bytes]


class UnknownUpload(Exception):
    """There is no such upload in this repository, or no longer."""


class NotConsecutive(Exception):
    """The part does not begin where the last one ended, at *last_byte*; or another one is on its way."""

    def __init__(self, last_byte: int):
        super().__init__(f"the upload ends at byte {last_byte}")
        self.last_byte = last_byte


class PartTooSmall(Exception):
    """The part before was below the minimum of *smallest* bytes, which only the last one may be."""

    def __init__(self, size: int, smallest: int):
        super().__init__(f"a part of {size} bytes is smaller than {smallest}")
        self.size, self.smallest = size, smallest


class EmptyUpload(Exception):
    """Nothing was sent."""


class WrongDigest(Exception):
    """The bytes that came are not those of the digest."""


@dataclass(frozen=True)
class Progress:
    """How far an upload is: the last byte of its first part (0 before), and its bytes."""

    first_part_end: int
    size: int

    @property
    def end(self) -> int:
        """The last byte there is, 0 when there is none."""
        return max(self.size - 1, 0)


@dataclass(frozen=True)
class _Row:
    id: str
    repository: str
    location: str
    size: int
    first_part: int
    last_part: int

    @property
    def progress(self) -> Progress:
        return Progress(max(self.first_part - 1, 0), self.size)


class Uploads:
    """The uploads of a registry whose parts have at least *smallest_part* bytes, but for the last one.

    With 0 they have any size, and a layer may be empty. *stored_as* is always the repository's name in Distribution.
    Everything here raises OSError when the client has hung up or Distribution fails: then the upload is gone,
    and its space is given back.
    """

    def __init__(self, store: Store, blobs: Distribution, smallest_part: int = SMALLEST_PART):
        self._store, self._blobs, self._smallest = store, blobs, smallest_part
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._dropped: list[tuple[float, str, str]] = []
        store.add(SCHEMA)

    def start(self, stored_as: str) -> str:
        """Begin one; its id, a UUID."""
        self._drop_again()
        answer = self._ask("POST", f"/v2/{stored_as}/blobs/uploads/")
        upload, location, now = answer.headers["Docker-Upload-UUID"], answer.headers["Location"], int(time.time())
        with self._store.change(sync=False) as db:
            db.execute("DELETE FROM uploads WHERE started_at < ?", (now - FORGOTTEN_AFTER,))
            db.execute("INSERT INTO uploads VALUES (?, ?, ?, 0, 0, 0, ?)", (upload, stored_as, location, now))
        return upload

    def mount(self, stored_as: str, digest: str, source: str) -> bool:
        """Let the repository have the layer *digest* of *source*, without an upload; whether that could be done."""
        answer = self._ask("POST", f"/v2/{stored_as}/blobs/uploads/?{urlencode({'mount': digest, 'from': source})}")
        if answer.status != 201:  # Distribution has begun an upload instead
            self._blobs.forget_upload(stored_as, answer.headers["Docker-Upload-UUID"])
        return answer.status == 201

    def append(
        self, stored_as: str, upload: str, content: Content, length: int | None = None, first: int | None = None
    ) -> Progress:
        """Add a part of *length* bytes (None: unknown), which begins at byte *first* (None: where the last one ended).

        Raises UnknownUpload, NotConsecutive, PartTooSmall.
        """
        with self._alone(stored_as, upload) as row:
            self._check_place(row, first)
            part = _Counted(content)
            answer = self._ask("PATCH", row.location, part, length)
            if answer.status != 202:  # killed half-way through a part, it has bytes that nobody counted
                self._drop(stored_as, upload)
                raise UnknownUpload
            return self._grown(row, part.size, answer.headers["Location"]).progress

    def finish(
        self,
        stored_as: str,
        upload: str,
        digest: str,
        content: Content | None = None,
        length: int | None = None,
        first: int | None = None,
    ) -> None:
        """Close it, after a last part if there is *content*; from now on the repository has the layer *digest*.

        Raises UnknownUpload, NotConsecutive, PartTooSmall, EmptyUpload, WrongDigest. Afterwards it is gone in any case
        but the first four.
        """
        with self._alone(stored_as, upload) as row:
            content = _peeked(content)
            if content is not None:
                self._check_place(row, first)
            elif row.size == 0 and self._smallest:
                raise EmptyUpload
            joint = "&" if "?" in row.location else "?"
            answer = self._ask("PUT", f"{row.location}{joint}digest={quote(digest, safe=':')}", content, length)
            self._forget(upload)
            if answer.status != 201:
                self._blobs.forget_upload(stored_as, upload)
                raise WrongDigest

    def progress(self, stored_as: str, upload: str) -> Progress:
        """How far it is; raises UnknownUpload."""
        return self._row(stored_as, upload).progress

    def cancel(self, stored_as: str, upload: str) -> None:
        """Give it up, and its space back; raises UnknownUpload, NotConsecutive."""
        with self._alone(stored_as, upload):
            self._drop(stored_as, upload)

    def _check_place(self, row: _Row, first: int | None) -> None:
        if first not in (None, row.size):
            raise NotConsecutive(row.size - 1)
        if row.size and row.last_part < self._smallest:
            raise PartTooSmall(row.last_part, self._smallest)

    def _ask(self, method: str, path: str, content: Content | None = None, length: int | None = None) -> "_Answer":
        """Stream *content* on; nothing of it is held in memory. Raises UnknownUpload, OSError."""
        headers = {"Content-Type": "application/octet-stream"}
        if isinstance(content, bytes):
            length = len(content)
        body = None if content is None else iter([content] if isinstance(content, bytes) else content)
        chunked = content is not None and length is None
        headers |= {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(length or 0)}
        with self._blobs.request(method, path, headers, body, chunked) as answer:
            reason = answer.read().decode(errors="replace")
        if answer.status >= 500:
            raise OSError(reason)
        if answer.status == 404:
            raise UnknownUpload
        return _Answer(answer.status, answer.headers)

    @contextmanager
    def _alone(self, stored_as: str, upload: str) -> Iterator[_Row]:
        """The upload, for one request at a time; given up when that fails."""
        row = self._row(stored_as, upload)
        with self._lock:
            if upload in self._busy:
                raise NotConsecutive(row.size - 1)
            self._busy.add(upload)
        try:
            yield self._row(stored_as, upload)  # another may have come before
        except UnknownUpload:
            self._forget(upload)
            raise
        except OSError as error:
            full = disk.is_full(self._blobs.root, error)  # asked before the space is given back
            self._drop(stored_as, upload)
            if full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise
        finally:
            with self._lock:
                self._busy.discard(upload)

    def _row(self, stored_as: str, upload: str) -> _Row:
        columns = "id, repository, location, size, first_part, last_part"
        query = f"SELECT {columns} FROM uploads WHERE id = ? AND repository = ?"
        found = self._store.read().execute(query, (upload, stored_as)).fetchone()
        if found is None:
            raise UnknownUpload
        return _Row(*found)

    def _grown(self, row: _Row, by: int, location: str) -> _Row:
        grown = _Row(row.id, row.repository, location, row.size + by, row.first_part or by, by or row.last_part)
        with self._store.change(sync=False) as db:
            db.execute(
                "UPDATE uploads SET location = ?, size = ?, first_part = ?, last_part = ? WHERE id = ?",
                (grown.location, grown.size, grown.first_part, grown.last_part, row.id),
            )
        return grown

    def _forget(self, upload: str) -> None:
        # On a full disk the row stays: whoever asks for the upload then hears that there is none.
        with suppress(sqlite3.OperationalError), self._store.change(sync=False) as db:
            db.execute("DELETE FROM uploads WHERE id = ?", (upload,))

    def _drop(self, stored_as: str, upload: str) -> None:
        self._blobs.forget_upload(stored_as, upload)  # first: on a full disk the row needs this space
        self._forget(upload)
        with self._lock:
            self._dropped.append((time.monotonic(), stored_as, upload))

    def _drop_again(self) -> None:
        """Distribution may still have been writing: its last word about a dropped upload makes the folder anew."""
        with self._lock:
            settled = [each for each in self._dropped if each[0] < time.monotonic() - SETTLED_AFTER]
            self._dropped = [each for each in self._dropped if each not in settled]
        for _, stored_as, upload in settled:
            self._blobs.forget_upload(stored_as, upload)


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: http.client.HTTPMessage


class _Counted:
    """Hands *content* on once, and knows afterwards how long it was."""

    def __init__(self, content: Content):
        self._content = [content] if isinstance(content, bytes) else content
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._content:
            self.size += len(chunk)
            yield chunk


def _peeked(content: Content | None) -> Content | None:
    """The same content, or None when there is not a byte in it."""
    if content is None or isinstance(content, bytes):
        return content or None
    chunks = iter(content)
    first = next(chunks, b"")
    return chain([first], chunks) if first else None
