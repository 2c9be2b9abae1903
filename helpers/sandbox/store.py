"""One SQLite file holds everything the sandbox knows; a change is on disk before it is acknowledged."""

import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS backends (
    service TEXT, account TEXT, region TEXT, pickle BLOB NOT NULL,
    PRIMARY KEY (service, account, region)
);
CREATE TABLE IF NOT EXISTS images (
    id INTEGER PRIMARY KEY,
    account TEXT, region TEXT, repository TEXT, digest TEXT,
    manifest TEXT NOT NULL, media_type TEXT NOT NULL, artifact_type TEXT, size INTEGER NOT NULL,
    pushed_at INTEGER NOT NULL,
    UNIQUE (account, region, repository, digest)
);
CREATE TABLE IF NOT EXISTS tags (
    account TEXT, region TEXT, repository TEXT, tag TEXT, image INTEGER NOT NULL REFERENCES images ON DELETE CASCADE,
    PRIMARY KEY (account, region, repository, tag)
);
CREATE INDEX IF NOT EXISTS tags_of_image ON tags (image);
"""


class Store:
    """The state file: one writer at a time, any number of readers.

    ``change()`` is the only way to write. It holds the lock that also keeps moto's backends,
    which are not thread-safe, to one thread.
    """

    def __init__(self, path: Path):
        self.path = path
        self.lock = threading.RLock()
        self._depth = 0
        self._owner: int | None = None
        self._afterwards: list[Callable[[], None]] = []
        self._local = threading.local()
        self._writer = _open(path)

    def add(self, schema: str) -> None:
        """Make the tables of *schema* (``CREATE TABLE IF NOT EXISTS …``), for a part that is loaded later."""
        with self.change() as db:
            for statement in schema.split(";"):
                db.execute(statement)

    @contextmanager
    def change(self, sync: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction: committed (and synced to disk) at the end, undone on any error. Nested calls join.

        Without *sync* it survives the death of this process but not a power cut: for what nobody was promised.
        """
        with self.lock:
            if self._depth == 0:
                self._writer.execute(f"PRAGMA synchronous={'FULL' if sync else 'NORMAL'}")
                self._writer.execute("BEGIN IMMEDIATE")
            self._depth += 1
            self._owner = threading.get_ident()
            try:
                yield self._writer
            except BaseException:
                if self._depth == 1:
                    self._afterwards.clear()
                    self._writer.rollback()
                raise
            else:
                if self._depth == 1:
                    self._writer.commit()
                    while self._afterwards:
                        self._afterwards.pop()()
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._owner = None

    def afterwards(self, act: Callable[[], None]) -> None:
        """Do *act* once the change that is under way is on disk."""
        self._afterwards.append(act)

    def read(self) -> sqlite3.Connection:
        """A connection to read with: inside ``change()`` it sees that change, elsewhere only what is committed."""
        if self._owner == threading.get_ident():
            return self._writer
        if not hasattr(self._local, "reader"):
            self._local.reader = _connect(self.path)
        return self._local.reader

    def close(self) -> None:
        """Close the writer; readers end with their threads."""
        self._writer.close()


def _open(path: Path) -> sqlite3.Connection:
    """Open the state file; one that cannot be read is put aside, never overwritten."""
    try:
        return _prepared(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # disk full, no permission: not the file's fault
            raise
        number = 1
        while (aside := path.with_name(f"{path.name}.unreadable-{number}")).exists():
            number += 1
        path.rename(aside)
        for leftover in ("-wal", "-shm"):
            path.with_name(path.name + leftover).unlink(missing_ok=True)
        print(f"The state file could not be read ({error}). It is kept as {aside}; starting empty.", file=sys.stderr)
        return _prepared(path)


def _prepared(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(SCHEMA)
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection
