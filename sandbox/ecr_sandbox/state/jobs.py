"""Background jobs: scans, replication, lifecycle rules, delivery of events.

A job is a row, written in the transaction of the change that causes it. Threads in the background run the jobs that are
due by the sandbox's clock. A job that was interrupted runs again from its beginning, so handlers must be idempotent.

A try is counted before it begins, and the job is due again later: a job that kills the process does not do so at each
start, and ends after a few tries. No kind of job can use all threads, so a slow one holds up no other kind.
"""

import json
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
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
WORKERS = 7
MOST_OF_A_KIND = 3  # jobs of one kind that run at the same time
MAX_TRIES = 5  # after that the job is dropped with a line in the log
PAUSE = 2.0  # seconds before the second try; doubled each time
MAX_SLEEP = 60.0  # seconds: the machine's clock may be set meanwhile


class Jobs:
    """The jobs in *store*."""

    def __init__(self, store: Store):
        self._store = store
        self._load: dict[str, Callable[[], Handler]] = {}
        self._handlers: dict[str, Handler] = {}
        self._give_ups: dict[str, Callable[[], Handler]] = {}
        self._most: dict[str, int] = {}
        self._running: dict[int, str] = {}  # id and kind
        self._changed = threading.Condition()
        self._ended = False
        store.add(SCHEMA)
        clock.on_move(self._wake)

    def on(
        self,
        kind: str,
        load: Callable[[], Handler],
        give_up: Callable[[], Handler] | None = None,
        most: int = MOST_OF_A_KIND,
    ) -> None:
        """Run jobs of this *kind* with the handler that *load* returns; it is called for the first job.

        At most *most* of them run at the same time. *give_up* returns the handler of a job that failed or was
        interrupted too often: its result is a failure.
        """
        self._load[kind], self._most[kind] = load, most
        if give_up:
            self._give_ups[kind] = give_up

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
        """Start no further job. The next run repeats a job that is interrupted; that does not count as a try."""
        with self._changed:
            self._ended = True
            running = list(self._running)
            self._changed.notify_all()
        with suppress(Exception), self._store.change() as db:  # the disk is full: they count
            again = [(clock.now(), number) for number in running]
            db.executemany("UPDATE jobs SET due = ?, tries = tries - 1 WHERE id = ? AND tries > 0", again)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            number, kind, what, tries = job
            try:
                if tries >= MAX_TRIES:
                    self._give_up(number, kind, what, f"was interrupted {tries} times")
                elif self._begin(number, tries):
                    self._run(number, kind, what, tries + 1)
            except Exception as error:  # the disk is full: what cannot be noted is not begun, or is repeated
                print(f"A job ({kind}) could not be recorded: {error}", file=sys.stderr)
                with self._changed:
                    self._changed.wait(PAUSE)
            with self._changed:
                self._running.pop(number, None)
                self._changed.notify_all()

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
                    self._running[row["id"]] = row["kind"]
                    return row["id"], row["kind"], json.loads(row["what"]), row["tries"]
                self._changed.wait(min(max(wait, 0.01), MAX_SLEEP))
        return None

    def _first(self) -> Any:
        busy, of_kind = sorted(self._running), Counter(self._running.values())
        known = sorted(kind for kind in self._load if of_kind[kind] < self._most[kind])
        marks = ", ".join("?" * len(busy)), ", ".join("?" * len(known))
        return (
            self._store.read()
            .execute(
                f"SELECT * FROM jobs WHERE id NOT IN ({marks[0]}) AND kind IN ({marks[1]}) ORDER BY due, id LIMIT 1",
                (*busy, *known),
            )
            .fetchone()
        )

    def _begin(self, number: int, tries: int) -> bool:
        """Count a try, and let the next one be due later; False if the job has been dropped."""
        with self._store.change(sync=False) as db:
            later = clock.now() + PAUSE * 2**tries
            values = (later, tries + 1, number)
            return db.execute("UPDATE jobs SET due = ?, tries = ? WHERE id = ?", values).rowcount > 0

    def _run(self, number: int, kind: str, what: dict[str, Any], tries: int) -> None:
        try:
            if kind not in self._handlers:
                self._handlers[kind] = self._load[kind]()
            self._handlers[kind](what)
        except Exception as error:
            message = " ".join(str(error).split()) or type(error).__name__
            if tries >= MAX_TRIES:
                self._give_up(number, kind, what, f"failed {tries} times: {message}")
            else:
                print(f"A job ({kind}) failed and will be tried again: {message}", file=sys.stderr)
        else:
            with self._store.change(sync=False) as db:
                db.execute("DELETE FROM jobs WHERE id = ?", (number,))

    def _give_up(self, number: int, kind: str, what: dict[str, Any], why: str) -> None:
        print(f"A job ({kind}) is not tried again: it {why}", file=sys.stderr)
        with self._store.change() as db:
            db.execute("DELETE FROM jobs WHERE id = ?", (number,))
            if kind in self._give_ups:
                try:
                    self._give_ups[kind]()(what)
                except Exception as error:  # the job ends nevertheless
                    print(f"The end of a job ({kind}) could not be recorded: {error}", file=sys.stderr)
