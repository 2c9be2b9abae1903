"""Pulls by the minute, for CloudWatch; the bill counts them by the hour (``meter.py``)."""

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
    """How often was pulled from which repository, in which minute."""

    def __init__(self, store: Store, clock: Callable[[], float] = clock.now):
        self._store, self._clock = store, clock
        store.add(SCHEMA)

    def one_more(self, account: str, region: str, repository: str) -> None:
        """Somebody was given a manifest. To be called in a change."""
        here, minute = (account, region, repository), int(self._clock()) // MINUTE
        with self._store.change() as db:
            db.execute(
                "INSERT INTO pulls_by_minute VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET amount = amount + 1",
                (*here, minute),
            )
            old = "account = ? AND region = ? AND repository = ? AND minute < ?"
            db.execute(f"DELETE FROM pulls_by_minute WHERE {old}", (*here, minute - KEPT))

    def of_registry(self, account: str, region: str) -> list[tuple[str, int, int]]:
        """Repository, minute (since 1970) and number of pulls, of each minute in which there were some."""
        sought = "SELECT repository, minute, amount FROM pulls_by_minute WHERE account = ? AND region = ?"
        return [tuple(row) for row in self._store.read().execute(sought, (account, region))]
