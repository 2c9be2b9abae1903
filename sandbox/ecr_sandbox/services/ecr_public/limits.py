"""The quotas of pulls: images a second, and for anonymous clients bytes a month.

What AWS counts exactly is not public. Here a pull starts with a request for a manifest by tag, HEAD (which AWS refuses,
too) or GET; the manifests that the client then gets by digest belong to it. So one ``docker pull`` is one pull, and
three in a row are three, also when nothing has changed.
Source: https://docs.aws.amazon.com/AmazonECR/latest/public/public-service-quotas.html; HEAD refused:
https://github.com/dependabot/dependabot-core/issues/11921
"""

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from ecr_sandbox.state.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS public_quota (
    only INTEGER PRIMARY KEY CHECK (only = 1), anonymous REAL, signed_in REAL, bytes_a_month INTEGER
);
CREATE TABLE IF NOT EXISTS public_traffic (
    address TEXT, month TEXT, bytes INTEGER NOT NULL, PRIMARY KEY (address, month)
)
"""
TOLERANCE = 1e-9  # tolerance of floating point
PULL_LASTS = 60  # seconds in which a pull gets all its manifests


@dataclass(frozen=True)
class Quota:
    """AWS's quotas: pulls a second by an anonymous client's address and by an account; its bytes a month."""

    anonymous: float = 1
    signed_in: float = 10
    bytes_a_month: int = 500 * 10**9


class Buckets:
    """A token bucket for each source: a second's worth of pulls, refilled at the source's rate."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock, self._lock = clock, threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}  # its level, and when

    def take(self, source: str, rate: float) -> bool:
        """Whether *source* may pull now, at *rate* pulls a second; counts the pull."""
        with self._lock:
            now, full = self._clock(), max(rate, 1)
            level, then = self._levels.get(source, (full, now))
            level = min(full, level + (now - then) * rate)
            may = level >= 1 - TOLERANCE
            self._levels[source] = (max(level - 1, 0) if may else level, now)
            return may


class Limits:
    """The quota, and how much of it each source has used; *clock* and *now* give the time."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        self._store, self._clock, self._now, self._buckets = store, clock, now, Buckets(clock)
        self._started: dict[tuple[str, str], float] = {}  # when a source last started to pull a repository

    def quota(self) -> Quota:
        """The current quota."""
        row = self._store.read().execute("SELECT anonymous, signed_in, bytes_a_month FROM public_quota").fetchone()
        return Quota(**dict(row)) if row else Quota()

    def set(self, quota: Quota) -> None:
        """Change the quota."""
        with self._store.change() as db:
            db.execute("REPLACE INTO public_quota VALUES (1, :anonymous, :signed_in, :bytes_a_month)", asdict(quota))

    def may_pull(self, address: str, account: str | None, repository: str, reference: str) -> bool:
        """Whether *account*, or an anonymous client at *address*, may get this manifest; counts the pull it starts."""
        who, now, quota = account or address, self._clock(), self.quota()
        started = self._started.get((who, repository))
        if ":" in reference and started is not None and now - started < PULL_LASTS:
            return True
        if not self._buckets.take(who, quota.signed_in if account else quota.anonymous):
            return False
        recent = {pull: begun for pull, begun in self._started.items() if now - begun < PULL_LASTS}
        self._started = {**recent, (who, repository): now}
        return True

    def has_data_left(self, address: str) -> bool:
        """Whether anonymous clients at *address* have bytes left this month."""
        return self.sent_to(address) < self.quota().bytes_a_month

    def sent_to(self, address: str) -> int:
        """The bytes that anonymous clients at *address* have got this month."""
        query = "SELECT bytes FROM public_traffic WHERE address = ? AND month = ?"
        row = self._store.read().execute(query, (address, self._month())).fetchone()
        return row["bytes"] if row else 0

    def sent(self, address: str, n_bytes: int) -> None:
        """Count *n_bytes* sent to an anonymous client at *address*."""
        with self._store.change(sync=False) as db:
            db.execute(
                "INSERT INTO public_traffic VALUES (?, ?, ?)"
                " ON CONFLICT (address, month) DO UPDATE SET bytes = bytes + excluded.bytes",
                (address, self._month(), n_bytes),
            )

    def _month(self) -> str:
        return self._now().strftime("%Y-%m")
