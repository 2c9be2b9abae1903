"""The meter: bytes stored over time, bytes sent, pulls and scans, by account, Region and repository.

The stored bytes are the configs and layers of a repository's images, compressed. A layer counts once, however many
images share it. Manifests do not count. A GB is 2**30 bytes, and a GB-month is one GB that is stored for every second
of its calendar month, as AWS bills it (S3 FAQ, "How am I charged for my use of Amazon S3?").

A change of the stored bytes is written in the transaction of the push or deletion that made it. Pulls and bytes sent
are counted in a commit that is not synced: they survive the end of this process, but a power failure may lose the last
seconds, and no pull waits for the disk.

Archived bytes are a part of the stored bytes: archiving an image changes only this part, deleting it changes both.

The tables stay small: one row for a second in which a repository's size changed, and three for an hour with pulls.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields

from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store

from .usage_periods import HOUR, begin, pieces, seconds_in_month

GB = 2**30
WAYS = ("internet", "region")
KEYS = ("region", "repository", "to", "hour", "day", "month")
KEPT, ARCHIVED = "meter_kept", "meter_archived"

SCHEMA = """
CREATE TABLE IF NOT EXISTS meter_kept (
    account TEXT, region TEXT, repository TEXT, at INTEGER, bytes INTEGER NOT NULL,
    PRIMARY KEY (account, region, repository, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meter_archived (
    account TEXT, region TEXT, repository TEXT, at INTEGER, bytes INTEGER NOT NULL,
    PRIMARY KEY (account, region, repository, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meter_counts (
    account TEXT, region TEXT, repository TEXT, hour INTEGER, what TEXT, amount INTEGER NOT NULL,
    PRIMARY KEY (account, region, repository, hour, what)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Usage:
    """What was used: stored bytes times seconds, bytes sent to the internet and inside the Region, pulls, and so on.

    ``archived_gb_months`` are a part of ``gb_months``. ``retrieved`` and ``replicated`` are bytes. ``scans`` are the
    first enhanced scans of images, ``rescans`` the further ones.
    """

    byte_seconds: int = 0
    gb_months: float = 0.0
    internet: int = 0
    region: int = 0
    pulls: int = 0
    archived_gb_months: float = 0.0
    retrieved: int = 0
    replicated: int = 0
    scans: int = 0
    rescans: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


class Meter:
    """Counts what the registry stores and sends, in tables of the store."""

    def __init__(self, store: Store, clock: Callable[[], float] = clock.now):
        self._store, self.clock = store, clock
        store.add(SCHEMA)

    def changed(self, account: str, region: str, repository: str, more_bytes: int) -> None:
        """A repository stores *more_bytes* than before. To be called in the change that put or deleted an image."""
        self._add(KEPT, (account, region, repository), more_bytes)

    def stored(self, account: str, region: str, repository: str, total_bytes: int) -> None:
        """A repository stores *total_bytes* from now on; within one second the last call counts."""
        if total_bytes < 0:
            raise ValueError(f"{total_bytes} bytes cannot be stored")
        self._step(KEPT, (account, region, repository), total_bytes)

    def archived(self, account: str, region: str, repository: str, more_bytes: int) -> None:
        """*more_bytes* of a repository than before are in archive storage; fewer, if less than 0.

        To be called in the change that archived an image, or deleted an archived one (which calls ``changed`` too).
        """
        self._add(ARCHIVED, (account, region, repository), more_bytes)

    def restored(self, account: str, region: str, repository: str, n_bytes: int) -> None:
        """Bytes are restored from archive storage, which is charged. To be called in the change that does it."""
        if n_bytes < 0:
            raise ValueError(f"{n_bytes} bytes cannot be restored")
        with self._store.change():
            self.archived(account, region, repository, -n_bytes)
            self._count(account, region, repository, "retrieved", n_bytes)

    def replicated(self, account: str, region: str, repository: str, n_bytes: int, to_region: str) -> None:
        """Bytes of a repository were replicated to *to_region*, in any account: the source pays."""
        if n_bytes < 0:
            raise ValueError(f"{n_bytes} bytes cannot be replicated")
        self._count(account, region, repository, f"replicated {to_region}", n_bytes)

    def scanned(self, account: str, region: str, repository: str, first: bool) -> None:
        """An image had an *enhanced* scan, its *first* or a further one. Basic scans are free and not counted."""
        self._count(account, region, repository, "scans" if first else "rescans", 1)

    def pulled(self, account: str, region: str, repository: str) -> None:
        """A client pulled a manifest."""
        self._count(account, region, repository, "pulls", 1)

    def sent(self, account: str, region: str, repository: str, n_bytes: int, where: str = "internet") -> None:
        """Bytes were sent to the ``internet`` or inside the ``region``; ValueError for anything else."""
        if where not in WAYS or n_bytes < 0:
            raise ValueError(f"{n_bytes} bytes cannot be sent to {where!r}")
        self._count(account, region, repository, where, n_bytes)

    def usage(self, start: float, end: float, account: str, by: Sequence[str] = ()) -> dict[tuple, Usage]:
        """What *account* used from *start* to *end* (Unix times), up to now, summed by any of ``KEYS``.

        A time key is the Unix time at which that hour, day or month (UTC) began. What is counted belongs to the
        beginning of its hour. ``to`` is the Region that bytes were replicated to, and "" for all else.
        ValueError for a key that is not there.
        """
        if unknown := set(by) - set(KEYS):
            raise ValueError(f"usage is not known by {', '.join(sorted(unknown))}")
        cut = next((unit for unit in ("hour", "day") if unit in by), "month")
        total: defaultdict[tuple, Usage] = defaultdict(Usage)
        for table in (KEPT, ARCHIVED):
            for place, since, until, size in self._steps(table, int(start), int(min(end, self.clock())), account):
                for first, last in pieces(since, until, cut):
                    total[_key(by, place, first)] += _kept(table, size * (last - first), first)
        for place, hour, what, amount in self._counts(start, end, account):
            name, _, to = what.partition(" ")
            total[_key(by, place, hour * HOUR, to)] += Usage(**{name: amount})
        return dict(total)

    def _add(self, table: str, key: tuple[str, str, str], more_bytes: int) -> None:
        with self._store.change():
            last = self._last(table, key)
            self._step(table, key, max((last["bytes"] if last else 0) + more_bytes, 0))

    def _step(self, table: str, key: tuple[str, str, str], total_bytes: int) -> None:
        with self._store.change() as db:
            last = self._last(table, key)
            if (last["bytes"] if last else 0) == total_bytes:
                return
            now = max(int(self.clock()), last["at"] if last else 0)  # the clock may have been set back
            db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?)", (*key, now, total_bytes))

    def _last(self, table: str, key: tuple[str, str, str]) -> sqlite3.Row | None:
        sought = "account = ? AND region = ? AND repository = ? ORDER BY at DESC LIMIT 1"
        return self._store.read().execute(f"SELECT at, bytes FROM {table} WHERE {sought}", key).fetchone()

    def _count(self, account: str, region: str, repository: str, what: str, amount: int) -> None:
        row = (account, region, repository, int(self.clock()) // HOUR, what, amount)
        # On a full disk a pull succeeds and is not counted.
        with suppress(sqlite3.OperationalError), self._store.change(sync=False) as db:
            db.execute(
                "INSERT INTO meter_counts VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET amount = amount + excluded.amount",
                row,
            )

    def _steps(self, table: str, start: int, end: int, account: str) -> Iterator[tuple[tuple[str, str], int, int, int]]:
        """Region and repository, start, end and bytes of each step that overlaps the time."""
        rows = self._store.read().execute(
            "SELECT region, repository, at, bytes, lead(at, 1, ?) OVER (PARTITION BY region, repository ORDER BY at)"
            f" AS until FROM {table} WHERE account = ? AND at < ?",
            (end, account, end),
        )
        for row in rows.fetchall():
            since, until = max(row["at"], start), min(row["until"], end)
            if since < until and row["bytes"]:
                yield (row["region"], row["repository"]), since, until, row["bytes"]

    def _counts(self, start: float, end: float, account: str) -> Iterator[tuple[tuple[str, str], int, str, int]]:
        rows = self._store.read().execute(
            "SELECT region, repository, hour, what, amount FROM meter_counts"
            " WHERE account = ? AND hour * 3600 >= ? AND hour * 3600 < ?",
            (account, start, end),
        )
        for row in rows.fetchall():
            yield (row["region"], row["repository"]), row["hour"], row["what"], row["amount"]


def _kept(table: str, byte_seconds: int, at: int) -> Usage:
    gb_months = byte_seconds / (GB * seconds_in_month(at))
    return Usage(byte_seconds, gb_months) if table == KEPT else Usage(archived_gb_months=gb_months)


def _key(by: Sequence[str], place: tuple[str, str], at: int, to: str = "") -> tuple:
    region, repository = place
    names = {"region": region, "repository": repository, "to": to}
    return tuple(names[each] if each in names else begin(at, each) for each in by)
