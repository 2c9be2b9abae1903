"""The pull limit: so many images in the last six hours, by address or by account.

The window slides: a pull counts for exactly its length and then no more. Getting an image's manifest is a pull; asking
whether it is there (HEAD) is none, and an index counts by the images that are then pulled from it.
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
    """How many pulls in *window* seconds; as Docker Hub has it, unless a lesson asks for less."""

    anonymous: int = 100
    personal: int = 200
    window: int = 6 * 60 * 60


@dataclass(frozen=True)
class Budget:
    """What one *source* may pull: *limit* images in *window* seconds."""

    source: str
    limit: int
    window: int


class NoneLeft(Exception):
    """The source has pulled as much as it may for now."""


class Pulls:
    """The rows of the store that say who pulled when."""

    def __init__(self, store: Store):
        self._store = store

    def settings(self) -> PullLimit:
        """The limit in force."""
        row = self._store.read().execute("SELECT anonymous, personal, window FROM hub_pull_limit").fetchone()
        return PullLimit(**dict(row)) if row else PullLimit()

    def set(self, limit: PullLimit) -> None:
        """Another limit, and nobody has pulled anything yet."""
        with self._store.change() as db:
            db.execute(
                "INSERT OR REPLACE INTO hub_pull_limit VALUES (1, :anonymous, :personal, :window)", asdict(limit)
            )
            db.execute("DELETE FROM hub_pulls")

    def budget(self, account: Account | None, address: str) -> Budget | None:
        """Whose pulls are counted and how many there may be; None when there is no limit."""
        if account and account.paid:
            return None
        settings = self.settings()
        if account:
            return Budget(account.id, settings.personal, settings.window)
        return Budget(address, settings.anonymous, settings.window)

    def left(self, budget: Budget) -> int:
        """How many pulls there may still be at this moment."""
        return self._left(budget, time.time())

    def take(self, budget: Budget) -> int:
        """Count a pull and return its number, to give it back if there was nothing to pull; raises NoneLeft."""
        with self._store.change(sync=False) as db:
            now = time.time()
            db.execute("DELETE FROM hub_pulls WHERE source = ? AND at <= ?", (budget.source, now - budget.window))
            if not self._left(budget, now):
                raise NoneLeft
            cursor = db.execute("INSERT INTO hub_pulls (source, at) VALUES (?, ?)", (budget.source, now))
        assert cursor.lastrowid
        return cursor.lastrowid

    def give_back(self, pull: int) -> None:
        """It was none after all."""
        with self._store.change(sync=False) as db:
            db.execute("DELETE FROM hub_pulls WHERE id = ?", (pull,))

    def _left(self, budget: Budget, now: float) -> int:
        query = "SELECT count(*) FROM hub_pulls WHERE source = ? AND at > ?"
        [used] = self._store.read().execute(query, (budget.source, now - budget.window)).fetchone()
        return max(budget.limit - used, 0)
