"""The SQLite file with all of the sandbox's state; a change is on disk before it is acknowledged.

Transactions run one after the other, but one fsync serves all that wait for it: while one thread syncs, others write,
and the next sync covers all of them. A crash loses no change that was acknowledged.
Source: https://www.sqlite.org/wal.html, "Performance Considerations".
"""

import errno
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from . import write_ahead_log
from .columns import require_columns
from .in_place import InPlace
from .schema import bring_up_to_date

START_SECONDS, LOCK_SECONDS = 5, 30  # how long another program may lock the file, at a start and later


class Store:
    """The state file: one writer at a time, any number of readers.

    ``change()`` is the only way to write. Its lock also protects moto's backends, which are not thread-safe.
    Nothing is acknowledged when the files that *in_place* watches are gone.
    """

    def __init__(self, path: Path):
        self.path = path
        self.lock = threading.RLock()
        self._depth = 0
        self._owner: int | None = None
        self._after_sync: list[Callable[[], None]] = []
        self._after_commit: list[Callable[[], object]] = []
        self._local = threading.local()
        self._parts: list[str] = []
        self._made: list[str] = []  # of the parts: those of the current transaction
        self._lost: list[str] = []  # those of a transaction that was rolled back
        self._writer = _open(path)
        self._disk = _Disk(path)
        self._committed = threading.Condition()
        self._n_committed = 0
        self.in_place = InPlace()
        self._watch()

    def add(self, schema: str) -> None:
        """Create the tables of *schema* (``CREATE TABLE IF NOT EXISTS …``), also for a service that is loaded later."""
        self._parts.append(schema)
        self._make(schema)

    @contextmanager
    def change(self, sync: bool = True, undone: Callable[[], None] = lambda: None) -> Iterator[sqlite3.Connection]:
        """A transaction: committed and on disk when this ends, rolled back on any error. Nested calls join it.

        Without *sync* it survives the end of this process but not a power cut: for changes that no client relies on.
        *undone* is called after a rollback, before the lock is released. Raises StateGone.
        """
        with self.lock:
            if self._depth:
                yield self._writer
                return
            self._make_lost()
            before = self._writer.total_changes
            try:
                with self._transaction():
                    yield self._writer
            except BaseException:
                undone()
                self._lost += self._made
                self._made.clear()
                self._make_lost()
                raise
            self._made.clear()
            callbacks = list(dict.fromkeys(self._after_commit))
            self._after_commit.clear()
            if self._writer.total_changes == before:
                return
            written = self._disk.written()
            if self._after_sync:  # they must not run without the change, nor may another change come between
                self._disk.sync(written)
                while self._after_sync:
                    self._after_sync.pop()()
        for act in callbacks:
            act()
        if sync:
            self._disk.sync(written)
            self.in_place.check()
        with self._committed:
            self._n_committed += 1
            self._committed.notify_all()

    def wait_for_change(self, seen: int, seconds: float) -> int:
        """Return when the number of changes is not *seen*, or after so many *seconds*; the number of changes."""
        with self._committed:
            self._committed.wait_for(lambda: self._n_committed != seen, seconds)
            return self._n_committed

    def afterwards(self, act: Callable[[], None]) -> None:
        """Call *act* when the current transaction is on disk."""
        self._after_sync.append(act)

    def once_committed(self, act: Callable[[], object]) -> None:
        """Call *act*, once, when others can read the current transaction; it may not be on disk yet."""
        self._after_commit.append(act)

    def read(self) -> sqlite3.Connection:
        """A connection to read with: inside ``change()`` it reads that change, elsewhere only what is committed."""
        if self._owner == threading.get_ident():
            return self._writer
        if not hasattr(self._local, "reader"):
            self._local.reader = _connect(self.path, "rw")
        return self._local.reader

    def settle(self) -> None:
        """Return when every change so far is on disk. To be called with the lock."""
        self._disk.sync(self._disk.written())

    def put_aside(self, reason: str) -> None:
        """Rename a state file that this version cannot read, print that, and start empty."""
        self.close()
        _put_aside(self.path, reason)
        self._local = threading.local()
        self._writer = _open(self.path)
        self._disk = _Disk(self.path)
        self._watch()
        for schema in self._parts:
            self._make(schema)

    def close(self) -> None:
        """Close the writer; a reader is closed when its thread ends."""
        with self.lock:
            self.in_place.end()
            if self._disk.is_whole():  # the log may have been deleted: this process is the last that can read it
                with suppress(sqlite3.Error):
                    self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._writer.close()
            self._disk.close()

    def _watch(self) -> None:
        """SQLite has three files; a reader that does not find the same index as the writer would damage the state."""
        self.in_place.watch(*(self.path.with_name(self.path.name + part) for part in _parts(self.path)))

    def _make(self, schema: str) -> None:
        with self.change() as db:
            self._made.append(schema)
            self._execute(schema)
            require_columns(db, self.path, schema)

    def _make_lost(self) -> None:
        """Create tables again: a call loads its service in its own transaction, which may be rolled back."""
        with suppress(sqlite3.Error):  # the disk is full: the next change tries it again
            if self._lost:
                with self._transaction():
                    for schema in self._lost:
                        self._execute(schema)
                self._lost.clear()

    def _execute(self, schema: str) -> None:
        for statement in schema.split(";"):
            self._writer.execute(statement)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._writer.execute("BEGIN IMMEDIATE")
        self._depth, self._owner = 1, threading.get_ident()
        try:
            yield
            self.in_place.check()
            self._writer.commit()
        except BaseException:
            self._after_sync.clear()
            self._after_commit.clear()
            self._writer.rollback()
            raise
        finally:
            self._depth, self._owner = 0, None


class _Disk:
    """Syncs the write-ahead log of the state file *path*, once for all changes in it."""

    def __init__(self, path: Path):
        self._lock = threading.Lock()
        self._written = self._synced = self._size = 0
        self._log = os.open(f"{path}-wal", os.O_RDWR)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)  # so that the log's name survives a power cut
        os.close(folder)

    def written(self) -> int:
        """Count one more change in the log, and return its number. One thread at a time may call it."""
        self._written += 1
        self._size = os.fstat(self._log).st_size
        return self._written

    def sync(self, number: int) -> None:
        """Return when the change *number* is on disk; raises OSError."""
        with self._lock:
            if self._synced < number:
                including = self._written
                os.fsync(self._log)
                self._synced = including

    def is_whole(self) -> bool:
        """Whether the log is as large as it was, also if its name is gone."""
        return os.fstat(self._log).st_size >= self._size

    def close(self) -> None:
        os.close(self._log)


def is_missing(path: Path) -> bool:
    """Whether there is no state in the file *path*: it does not exist, or has no tables. A damaged one has a state."""
    if list(path.parent.glob(f"{path.name}.unreadable-*")):
        return False  # a start was killed after it had renamed the file
    try:
        if not path.exists() or path.stat().st_size == 0:
            return True
        with closing(_read_only(path)) as connection:
            return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
    except (sqlite3.DatabaseError, OSError):
        return False


def _open(path: Path) -> sqlite3.Connection:
    """Open the state file. One that cannot be read is renamed, never overwritten. Raises ValueError."""
    try:
        _check(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # a full disk, no permission: the file is not damaged
            raise
        _put_aside(path, str(error))
    return _prepared(path)


def _check(path: Path) -> None:
    """Raise sqlite3.DatabaseError if the file *path* or its log is damaged; both stay as they are.

    The connection is read-only: any other would merge the log into the file when it is closed.
    """
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and not path.exists():
        raise sqlite3.DatabaseError("only its log is there")
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not path.exists():
        return
    with closing(_read_only(path)) as connection:
        [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()  # of rows and their indexes, too
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _read_only(path: Path) -> sqlite3.Connection:
    log = path.with_name(f"{path.name}-wal")
    how = "mode=ro" if log.exists() else "mode=ro&immutable=1"  # without a log no other connection is open
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)


def _put_aside(path: Path, reason: str) -> None:
    aside = _free_name(path)
    for part in _parts(path):  # the log may have what the main file lost
        path.with_name(path.name + part).rename(aside.with_name(aside.name + part))
    print(f"The state file could not be read ({reason}). It is kept as {aside}; starting empty.", file=sys.stderr)


def _free_name(path: Path) -> Path:
    number = 1
    while _parts(aside := path.with_name(f"{path.name}.unreadable-{number}")):
        number += 1
    return aside


def _parts(path: Path) -> list[str]:
    """The suffixes of the state file's parts that exist: the file, its log, the log's index."""
    return [part for part in ("", "-wal", "-shm") if path.with_name(path.name + part).exists()]


def _prepared(path: Path) -> sqlite3.Connection:
    log, aside = path.with_name(f"{path.name}-wal"), _free_name(path)
    expected = write_ahead_log.committed(log)
    connection = _connect(path, "rwc")
    connection.execute(f"PRAGMA busy_timeout={START_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode=WAL")
    write_ahead_log.keep_if_damaged(log, aside.with_name(f"{aside.name}-wal"), expected, connection)
    try:
        bring_up_to_date(connection, path)
    except ValueError:
        connection.close()
        raise
    connection.execute(f"PRAGMA busy_timeout={LOCK_SECONDS * 1000}")
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """*mode* is ``rw``, or ``rwc`` to create the file. Source: https://www.sqlite.org/uri.html."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=LOCK_SECONDS)
    connection.row_factory = sqlite3.Row
    # In WAL mode NORMAL never damages the file, and _Disk decides when a commit reaches the disk.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection
