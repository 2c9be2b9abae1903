"""The pull limit: the number of images in the last six hours, by address or by account.

The window slides: each pull counts for its whole length. A GET of an image's manifest is a pull, a HEAD is not; an
index does not count itself, but the images that are then pulled do.
Sources: https://docs.docker.com/docker-hub/usage/pulls/; https://github.com/docker/docs/pull/13499 (the source).
"""

import time
from dataclasses import asdict, dataclass

from ecr_sandbox.state.store import Store

from .accounts import Account

SCHEMA = """
CREATE TABLE IF NOT EXISTS hub_pull_limit (
    only INTEGER PRIMARY KEY CHECK (only = 1), anonymous INTEGER, personal INTEGER, window INTEGER
);
CREATE TABLE IF NOT EXISTS hub_pulls (id INTEGER PRIMARY KEY, source TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS hub_pulls_of_source ON hub_pulls (source, at)
"""


@dataclass(frozen=True)
class PullLimit:
    """The number of pulls in *window* seconds; Docker Hub's, unless a lesson sets fewer."""

    anonymous: int = 100
    personal: int = 200
    window: int = 6 * 60 * 60


@dataclass(frozen=True)
class Budget:
    """The limit of one *source*: *limit* images in *window* seconds."""

    source: str
    limit: int
    window: int


class LimitReached(Exception):
    """The source has used up its limit."""


class Pulls:
    """The pulls of each source: rows of the store."""

    def __init__(self, store: Store):
        self._store = store

    def settings(self) -> PullLimit:
        """The current limit."""
        row = self._store.read().execute("SELECT anonymous, personal, window FROM hub_pull_limit").fetchone()
        return PullLimit(**dict(row)) if row else PullLimit()

    def set(self, limit: PullLimit) -> None:
        """Change the limit, and reset all counts."""
        with self._store.change() as db:
            db.execute(
                "INSERT OR REPLACE INTO hub_pull_limit VALUES (1, :anonymous, :personal, :window)", asdict(limit)
            )
            db.execute("DELETE FROM hub_pulls")

    def budget(self, account: Account | None, address: str) -> Budget | None:
        """The budget that the client's pulls count for, or None if it has no limit."""
        if account and account.paid:
            return None
        settings = self.settings()
        if account:
            return Budget(account.id, settings.personal, settings.window)
        return Budget(address, settings.anonymous, settings.window)

    def left(self, budget: Budget) -> int:
        """The number of pulls that are left now."""
        return self._left(budget, time.time())

    def take(self, budget: Budget) -> int:
        """Count a pull and return its id, for ``give_back``; raises LimitReached."""
        with self._store.change(sync=False) as db:
            now = time.time()
            db.execute("DELETE FROM hub_pulls WHERE source = ? AND at <= ?", (budget.source, now - budget.window))
            if not self._left(budget, now):
                raise LimitReached
            cursor = db.execute("INSERT INTO hub_pulls (source, at) VALUES (?, ?)", (budget.source, now))
        assert cursor.lastrowid
        return cursor.lastrowid

    def give_back(self, pull: int) -> None:
        """Do not count this pull: nothing was pulled."""
        with self._store.change(sync=False) as db:
            db.execute("DELETE FROM hub_pulls WHERE id = ?", (pull,))

    def _left(self, budget: Budget, now: float) -> int:
        query = "SELECT count(*) FROM hub_pulls WHERE source = ? AND at > ?"
        [used] = self._store.read().execute(query, (budget.source, now - budget.window)).fetchone()
        return max(budget.limit - used, 0)
