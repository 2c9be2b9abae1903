"""The sandbox's clock: the machine's clock, plus the time by which a client moved it forward.

What AWS does by its own calendar uses this clock: the age of an image, the next scan, a lifecycle rule, the bill. What
must agree with a client's clock uses the machine's: signatures, passwords, presigned URLs.
"""

import time
from collections.abc import Callable

from .store import Store

SCHEMA = "CREATE TABLE IF NOT EXISTS clock (only INTEGER PRIMARY KEY CHECK (only = 1), ahead REAL NOT NULL)"
MAX_AHEAD = 100 * 366 * 24 * 3600  # seconds; Python's times end in the year 9999

_ahead = 0.0  # seconds
_moved: list[Callable[[], None]] = []


def install(store: Store) -> None:
    """Continue where the last run stopped."""
    global _ahead
    store.add(SCHEMA)
    row = store.read().execute("SELECT ahead FROM clock").fetchone()
    _ahead = row["ahead"] if row else 0.0


def now() -> float:
    """Unix time, in seconds, by the sandbox's clock."""
    return time.time() + _ahead


def ahead() -> float:
    """The seconds by which this clock is ahead of the machine's."""
    return _ahead


def on_move(act: Callable[[], None]) -> None:
    """Call *act* after each move of the clock."""
    _moved.append(act)


def forward(store: Store, seconds: float) -> None:
    """Move the clock forward; raises ValueError for negative *seconds*, or more than MAX_AHEAD in all."""
    global _ahead
    with store.lock:
        if not 0 <= seconds <= MAX_AHEAD - _ahead:
            raise ValueError(f"The clock can only move forward, by at most {MAX_AHEAD} seconds in all.")
        with store.change() as db:
            db.execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (_ahead + seconds,))
        _ahead += seconds
    for act in _moved:
        act()
