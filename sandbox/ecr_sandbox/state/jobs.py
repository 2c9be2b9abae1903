"""Work that a change leaves behind: to scan an image, to copy it, to let old ones expire.

A job is a row that is written with the change itself, so neither is there without the other. Threads in the
background do the jobs that are due by the sandbox's clock. A job that was interrupted is done again from its
beginning: what it does must be right when done twice.
"""

import json
import sys
import threading
from collections.abc import Callable
from typing import Any

from . import clock
from .store import Store

Handler = Callable[[dict[str, Any]], None]

# No number is given twice: the end of a job that was dropped meanwhile must not be that of another.
SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, what TEXT NOT NULL, due REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS jobs_in_order ON jobs (due, id)
"""
WORKERS = 2
TRIES = 5  # and then it is given up, and that is said in the log
PAUSE = 2.0  # seconds before the second try; doubled each time
LONGEST_SLEEP = 60.0  # seconds: the machine's clock may be set meanwhile


class Jobs:
    """The jobs in *store*."""

    def __init__(self, store: Store):
        self._store = store
        self._load: dict[str, Callable[[], Handler]] = {}
        self._handlers: dict[str, Handler] = {}
        self._under_way: set[int] = set()
        self._news = threading.Condition()
        self._ended = False
        store.add(SCHEMA)
        clock.on_move(self._wake)

    def on(self, kind: str, load: Callable[[], Handler]) -> None:
        """Let jobs of this *kind* be done by what *load* gives; it is called when there is the first one."""
        self._load[kind] = load

    def add(self, kind: str, due: float | None = None, **what: Any) -> None:
        """A job for *due* (Unix time by the sandbox's clock; default: now), with the change that is under way."""
        with self._store.change() as db:
            values = (kind, json.dumps(what, sort_keys=True), clock.now() if due is None else due)
            db.execute("INSERT INTO jobs (kind, what, due) VALUES (?, ?, ?)", values)
            self._store.once_committed(self._wake)

    def waiting(self, kind: str) -> list[dict[str, Any]]:
        """What the jobs of this *kind* are about that are not done yet."""
        rows = self._store.read().execute("SELECT what FROM jobs WHERE kind = ? ORDER BY id", (kind,))
        return [json.loads(row["what"]) for row in rows]

    def drop(self, kind: str, **what: Any) -> None:
        """There is no need of these jobs any more."""
        with self._store.change() as db:
            db.execute("DELETE FROM jobs WHERE kind = ? AND what = ?", (kind, json.dumps(what, sort_keys=True)))

    def start(self) -> None:
        """Begin; also with what an earlier run left."""
        for number in range(WORKERS):
            threading.Thread(target=self._work, name=f"jobs-{number}", daemon=True).start()

    def stop(self) -> None:
        """Begin no further job; one that is under way is done again by the next run."""
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _wake(self) -> None:
        with self._news:
            self._news.notify_all()

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
        """The next job that is due, waiting for it; None at the end."""
        with self._news:
            while not self._ended:
                row = self._first()
                wait = row["due"] - clock.now() if row else LONGEST_SLEEP
                if row and wait <= 0:
                    self._under_way.add(row["id"])
                    return row["id"], row["kind"], json.loads(row["what"]), row["tries"]
                self._news.wait(min(max(wait, 0.01), LONGEST_SLEEP))
        return None

    def _first(self) -> Any:
        busy, known = sorted(self._under_way), sorted(self._load)
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
        """When to try again, or None."""
        told = " ".join(str(error).split()) or type(error).__name__
        if tries >= TRIES:
            print(f"A job ({kind}) failed {tries} times and was given up: {told}", file=sys.stderr)
            return None
        print(f"A job ({kind}) failed and will be tried again: {told}", file=sys.stderr)
        return clock.now() + PAUSE * 2 ** (tries - 1)

    def _settle(self, number: int, again: float | None, tries: int) -> None:
        """Done, or to be done *again* at that time."""
        try:
            with self._store.change(sync=False) as db:
                if again is None:
                    db.execute("DELETE FROM jobs WHERE id = ?", (number,))
                else:
                    db.execute("UPDATE jobs SET due = ?, tries = ? WHERE id = ?", (again, tries, number))
        except Exception as error:  # a full disk: it stays under way, and the next run does it again
            print(f"The end of a job could not be noted: {error}", file=sys.stderr)
            return
        with self._news:
            self._under_way.discard(number)
            self._news.notify_all()
