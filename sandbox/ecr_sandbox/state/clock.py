"""The sandbox's clock: this machine's, and as much later as a lesson wanted it to be.

What AWS does by its own calendar goes by it: the age of an image, the next scan, a lifecycle rule, the bill. What
must agree with a client's clock goes by the machine's: signatures, passwords, links.
"""

import json
import time
from collections.abc import Callable

from ecr_sandbox.http.middleware import Request
from werkzeug.wrappers import Response

from .store import Store

SCHEMA = "CREATE TABLE IF NOT EXISTS clock (only INTEGER PRIMARY KEY CHECK (only = 1), ahead REAL NOT NULL)"
FURTHEST = 100 * 366 * 24 * 3600  # seconds; what reads the times ends in the year 9999
PATH = "/_sandbox/clock"

_ahead = 0.0  # seconds
_moved: list[Callable[[], None]] = []


def install(store: Store) -> None:
    """Go on where the last run was."""
    global _ahead
    store.add(SCHEMA)
    row = store.read().execute("SELECT ahead FROM clock").fetchone()
    _ahead = row["ahead"] if row else 0.0


def now() -> float:
    """Unix time, in seconds, by the sandbox's clock."""
    return time.time() + _ahead


def on_move(act: Callable[[], None]) -> None:
    """Let *act* be called whenever the clock was moved on: what it waits for may be due."""
    _moved.append(act)


def forward(store: Store, seconds: float) -> None:
    """Move the clock on; it never goes back. Raises ValueError for less than nothing, or more than a lifetime."""
    global _ahead
    with store.lock:
        if not 0 <= seconds <= FURTHEST - _ahead:
            raise ValueError(f"The clock goes forward, and at most {FURTHEST} seconds in all.")
        with store.change() as db:
            db.execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (_ahead + seconds,))
        _ahead += seconds
    for act in _moved:
        act()


def answer(store: Store, request: Request) -> Response:
    """GET /_sandbox/clock: what time it is; POST with ``{"forward": seconds}`` moves it on first."""
    if request.method == "POST":
        try:
            forward(store, float(json.loads(request.get_data())["forward"]))
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            no = json.dumps({"message": f"The clock was not moved: {error}"})
            return Response(no, status=400, content_type="application/json")
    return Response(json.dumps({"now": now(), "ahead": _ahead}), content_type="application/json")
