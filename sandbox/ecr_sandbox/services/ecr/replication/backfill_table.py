"""Replication backfills as rows of the store: the request, and the result of each image.

Source: API reference, StartReplicationBackfill, DescribeReplicationBackfillResults.
"""

import json
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS backfills (
    id TEXT PRIMARY KEY, account TEXT, region TEXT, to_account TEXT, to_region TEXT,
    status TEXT NOT NULL, started REAL NOT NULL, ended REAL
);
CREATE TABLE IF NOT EXISTS backfill_results (
    number INTEGER PRIMARY KEY, backfill TEXT NOT NULL REFERENCES backfills ON DELETE CASCADE,
    repository TEXT NOT NULL, digest TEXT NOT NULL, tag TEXT, status TEXT, failure_code TEXT, sub_codes TEXT
);
CREATE INDEX IF NOT EXISTS results_of_backfill ON backfill_results (backfill, number)
"""
JOB = "backfill"
KEPT = 90 * 24 * 60 * 60  # seconds after its end
PREPARING, IN_PROGRESS, COMPLETE, FAILED = "PREPARING", "IN_PROGRESS", "COMPLETE", "FAILED"
STOPPING, STOPPED = "STOPPING", "STOPPED"
RUNNING = (PREPARING, IN_PROGRESS, STOPPING)


@dataclass(frozen=True)
class Backfill:
    """One backfill; times in Unix seconds by the sandbox's clock."""

    id: str
    account: str
    region: str
    to_account: str
    to_region: str
    status: str
    started: float
    ended: float | None


class Backfills:
    """The backfills in *store*."""

    def __init__(self, store: Store):
        self._store = store

    def add(self, backfill: Backfill) -> None:
        with self._store.change() as db:
            row = tuple(vars(backfill).values())
            db.execute("INSERT INTO backfills VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def get(self, number: str) -> Backfill | None:
        row = self._store.read().execute("SELECT * FROM backfills WHERE id = ?", (number,)).fetchone()
        return Backfill(**dict(row)) if row else None

    def of_registry(self, account: str, region: str) -> list[Backfill]:
        """The backfills that run, or ended less than 90 days ago; newest first."""
        rows = self._store.read().execute(
            "SELECT * FROM backfills WHERE account = ? AND region = ? AND coalesce(ended, ?) >= ?"
            " ORDER BY started DESC, id",
            (account, region, clock.now(), clock.now() - KEPT),
        )
        return [Backfill(**dict(row)) for row in rows]

    def set_status(self, backfill: Backfill, status: str) -> None:
        """Set its *status*, and the end if it no longer runs."""
        with self._store.change() as db:
            ended = None if status in RUNNING else clock.now()
            db.execute("UPDATE backfills SET status = ?, ended = ? WHERE id = ?", (status, ended, backfill.id))

    def plan(self, backfill: Backfill, images: list[tuple[str, str, str | None]]) -> None:
        """Store the images to copy (repository, digest and tag), and set it in progress."""
        with self._store.change() as db:
            db.executemany(
                "INSERT INTO backfill_results (backfill, repository, digest, tag) VALUES (?, ?, ?, ?)",
                [(backfill.id, *image) for image in images],
            )
            self.set_status(backfill, IN_PROGRESS)

    def open(self, backfill: Backfill) -> Row | None:
        """The next image to copy."""
        return (
            self._store.read()
            .execute(
                "SELECT * FROM backfill_results WHERE backfill = ? AND status IS NULL ORDER BY number LIMIT 1",
                (backfill.id,),
            )
            .fetchone()
        )

    def done(self, number: int, status: str, failure_code: str | None, sub_codes: list[str] | None) -> None:
        """Store the result of an image; *sub_codes* is for an index only."""
        codes = None if sub_codes is None else json.dumps(sub_codes)
        with self._store.change() as db:
            values = (status, failure_code, codes, number)
            db.execute(
                "UPDATE backfill_results SET status = ?, failure_code = ?, sub_codes = ? WHERE number = ?", values
            )

    def progress(self, backfill: Backfill) -> dict[str, Any] | None:
        """``ReplicationBackfillProgress``, or None before the images are known."""
        rows = self._store.read().execute(
            "SELECT status, failure_code, count(*) AS n FROM backfill_results WHERE backfill = ? GROUP BY 1, 2",
            (backfill.id,),
        )
        counts = [dict(row) for row in rows]
        if not counts and backfill.status in (PREPARING, STOPPED):
            return None
        return {
            "totalReplicationCount": sum(each["n"] for each in counts),
            "completedReplicationCount": sum(each["n"] for each in counts if each["status"] == COMPLETE),
            "failedReplicationCount": sum(each["n"] for each in counts if each["status"] == FAILED),
            "failureCodes": sorted(each["failure_code"] for each in counts if each["failure_code"]),
        }

    def results(self, backfill: Backfill, status: str | None, after: int, size: int) -> list[Row]:
        """Up to *size* finished images with this *status* (None: any), after that number."""
        only = (status, status)
        return (
            self._store.read()
            .execute(
                "SELECT * FROM backfill_results WHERE backfill = ? AND number > ? AND status IS NOT NULL"
                " AND (? IS NULL OR status = ?) ORDER BY number LIMIT ?",
                (backfill.id, after, *only, size),
            )
            .fetchall()
        )
