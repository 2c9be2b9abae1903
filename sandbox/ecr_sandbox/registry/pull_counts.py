"""Pulls by the minute, for CloudWatch. ``usage.py`` counts them by the hour, for the bill."""

from collections.abc import Callable

from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS pulls_by_minute (
    account TEXT, region TEXT, repository TEXT, minute INTEGER, amount INTEGER NOT NULL,
    PRIMARY KEY (account, region, repository, minute)
) WITHOUT ROWID
"""
MINUTE = 60  # seconds
KEPT = 455 * 24 * 60  # minutes; CloudWatch user guide, "Metrics retention"


class Pulls:
    """The number of pulls from each repository, in each minute."""

    def __init__(self, store: Store, clock: Callable[[], float] = clock.now):
        self._store, self._clock = store, clock
        store.add(SCHEMA)

    def one_more(self, account: str, region: str, repository: str) -> None:
        """Count a pull, in the change that is under way."""
        here, minute = (account, region, repository), int(self._clock()) // MINUTE
        with self._store.change() as db:
            db.execute(
                "INSERT INTO pulls_by_minute VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET amount = amount + 1",
                (*here, minute),
            )
            old = "account = ? AND region = ? AND repository = ? AND minute < ?"
            db.execute(f"DELETE FROM pulls_by_minute WHERE {old}", (*here, minute - KEPT))

    def of_registry(self, account: str, region: str) -> list[tuple[str, int, int]]:
        """Repository, minute (since 1970) and number of pulls, of each minute with pulls."""
        sought = "SELECT repository, minute, amount FROM pulls_by_minute WHERE account = ? AND region = ?"
        return [tuple(row) for row in self._store.read().execute(sought, (account, region))]
