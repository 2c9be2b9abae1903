"""Background jobs: scans, replication, lifecycle rules, delivery of events.

A job is a row, written in the transaction of the change that causes it. Threads in the background run the jobs that are
due by the sandbox's clock. A job that was interrupted runs again from its beginning, so handlers must be idempotent.
"""

import json
import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any

from . import clock
from .store import Store

Handler = Callable[[dict[str, Any]], None]

# AUTOINCREMENT: ids are not used again, so the end of a job that was dropped meanwhile does not delete another job.
SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, what TEXT NOT NULL, due REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS jobs_in_order ON jobs (due, id)
"""
WORKERS = 2
MAX_TRIES = 5  # after that the job is dropped with a line in the log
PAUSE = 2.0  # seconds before the second try; doubled each time
MAX_SLEEP = 60.0  # seconds: the machine's clock may be set meanwhile


class Jobs:
    """The jobs in *store*."""

    def __init__(self, store: Store):
        self._store = store
        self._load: dict[str, Callable[[], Handler]] = {}
        self._handlers: dict[str, Handler] = {}
        self._running: set[int] = set()
        self._changed = threading.Condition()
        self._ended = False
        store.add(SCHEMA)
        clock.on_move(self._wake)

    def on(self, kind: str, load: Callable[[], Handler]) -> None:
        """Run jobs of this *kind* with the handler that *load* returns; it is called for the first job."""
        self._load[kind] = load

    def add(self, kind: str, due: float | None = None, **what: Any) -> None:
        """Add a job, due at *due* (Unix time by the sandbox's clock; default: now), in the current transaction."""
        with self._store.change() as db:
            values = (kind, json.dumps(what, sort_keys=True), clock.now() if due is None else due)
            db.execute("INSERT INTO jobs (kind, what, due) VALUES (?, ?, ?)", values)
            self._store.once_committed(self._wake)

    def waiting(self, kind: str) -> list[dict[str, Any]]:
        """The arguments of the jobs of this *kind* that are not done."""
        rows = self._store.read().execute("SELECT what FROM jobs WHERE kind = ? ORDER BY id", (kind,))
        return [json.loads(row["what"]) for row in rows]

    def drop(self, kind: str, **what: Any) -> None:
        """Delete these jobs."""
        with self._store.change() as db:
            db.execute("DELETE FROM jobs WHERE kind = ? AND what = ?", (kind, json.dumps(what, sort_keys=True)))

    def start(self) -> None:
        """Start to run jobs, including those that an earlier run left."""
        for number in range(WORKERS):
            threading.Thread(target=self._work, name=f"jobs-{number}", daemon=True).start()

    def stop(self) -> None:
        """Start no further job. The next run repeats a job that is interrupted."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            number, kind, what, tries = job
            try:
                self._handler(kind)(what)
                again = None
            except Exception as error:
                again = self._after_failure(kind, tries + 1, error)
            self._settle(number, again, tries + 1)

    def _next(self) -> tuple[int, str, dict[str, Any], int] | None:
        """Wait for the next job that is due; None after stop()."""
        with self._changed:
            while not self._ended:
                try:
                    row = self._first()
                except sqlite3.Error:  # the state cannot be read now, or it is gone
                    row = None
                wait = row["due"] - clock.now() if row else MAX_SLEEP
                if row and wait <= 0:
                    self._running.add(row["id"])
                    return row["id"], row["kind"], json.loads(row["what"]), row["tries"]
                self._changed.wait(min(max(wait, 0.01), MAX_SLEEP))
        return None

    def _first(self) -> Any:
        busy, known = sorted(self._running), sorted(self._load)
        marks = ", ".join("?" * len(busy)), ", ".join("?" * len(known))
        return (
            self._store.read()
            .execute(
                f"SELECT * FROM jobs WHERE id NOT IN ({marks[0]}) AND kind IN ({marks[1]}) ORDER BY due, id LIMIT 1",
                (*busy, *known),
            )
            .fetchone()
        )

    def _handler(self, kind: str) -> Handler:
        if kind not in self._handlers:
            self._handlers[kind] = self._load[kind]()
        return self._handlers[kind]

    def _after_failure(self, kind: str, tries: int, error: Exception) -> float | None:
        """The time of the next try, or None."""
        message = " ".join(str(error).split()) or type(error).__name__
        if tries >= MAX_TRIES:
            print(f"A job ({kind}) failed {tries} times and was given up: {message}", file=sys.stderr)
            return None
        print(f"A job ({kind}) failed and will be tried again: {message}", file=sys.stderr)
        return clock.now() + PAUSE * 2 ** (tries - 1)

    def _settle(self, number: int, again: float | None, tries: int) -> None:
        """Delete the job, or schedule it *again* at that time."""
        try:
            with self._store.change(sync=False) as db:
                if again is None:
                    db.execute("DELETE FROM jobs WHERE id = ?", (number,))
                else:
                    db.execute("UPDATE jobs SET due = ?, tries = ? WHERE id = ?", (again, tries, number))
        except Exception as error:  # the disk is full: the next run repeats the job
            print(f"The end of a job could not be noted: {error}", file=sys.stderr)
            return
        with self._changed:
            self._running.discard(number)
            self._changed.notify_all()
