"""How much may be pulled: so many images a second, and by strangers so many bytes a month.

What AWS counts exactly is not public; here a pull begins when somebody asks for a manifest by its tag, be it HEAD (AWS
is known to refuse that too) or GET, and what the client then gets by digest belongs to it: the index, the image. So one
``docker pull`` is one pull, and three in a row are three, also when there is nothing new to get.
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
A_HAIR = 1e-9  # what floating point may lose
GOES_ON = 60  # seconds in which a pull must have got all its manifests


@dataclass(frozen=True)
class Quota:
    """Pulls a second by a stranger's address and by an account, and a stranger's bytes a month: AWS's."""

    anonymous: float = 1
    signed_in: float = 10
    bytes_a_month: int = 500 * 10**9


class Buckets:
    """A token bucket for each source: a second's worth of pulls, refilled at the source's rate."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock, self._lock = clock, threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}  # how much there was, and when

    def take(self, source: str, rate: float) -> bool:
        """Whether *source* may pull now, *rate* times a second; if so it has."""
        with self._lock:
            now, full = self._clock(), max(rate, 1)
            level, then = self._levels.get(source, (full, now))
            level = min(full, level + (now - then) * rate)
            may = level >= 1 - A_HAIR
            self._levels[source] = (max(level - 1, 0) if may else level, now)
            return may


class Limits:
    """The quota, and who has used how much of it; *clock* and *now* are the time."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        self._store, self._clock, self._now, self._buckets = store, clock, now, Buckets(clock)
        self._began: dict[tuple[str, str], float] = {}  # when who last began to pull what

    def quota(self) -> Quota:
        """The quota in force."""
        row = self._store.read().execute("SELECT anonymous, signed_in, bytes_a_month FROM public_quota").fetchone()
        return Quota(**dict(row)) if row else Quota()

    def set(self, quota: Quota) -> None:
        """Another quota from now on."""
        with self._store.change() as db:
            db.execute("REPLACE INTO public_quota VALUES (1, :anonymous, :signed_in, :bytes_a_month)", asdict(quota))

    def may_pull(self, address: str, account: str | None, repository: str, reference: str) -> bool:
        """Whether *account*, or a stranger at *address*, may now have this manifest; counts the pull that it begins."""
        who, now, quota = account or address, self._clock(), self.quota()
        began = self._began.get((who, repository))
        if ":" in reference and began is not None and now - began < GOES_ON:
            return True
        if not self._buckets.take(who, quota.signed_in if account else quota.anonymous):
            return False
        self._began[who, repository] = now
        return True

    def has_data_left(self, address: str) -> bool:
        """Whether strangers at *address* have not yet had this month's bytes."""
        return self.sent_to(address) < self.quota().bytes_a_month

    def sent_to(self, address: str) -> int:
        """The bytes that strangers at *address* have had this month."""
        query = "SELECT bytes FROM public_traffic WHERE address = ? AND month = ?"
        row = self._store.read().execute(query, (address, self._month())).fetchone()
        return row["bytes"] if row else 0

    def sent(self, address: str, n_bytes: int) -> None:
        """So many bytes went out to a stranger at *address*."""
        with self._store.change(sync=False) as db:
            db.execute(
                "INSERT INTO public_traffic VALUES (?, ?, ?)"
                " ON CONFLICT (address, month) DO UPDATE SET bytes = bytes + excluded.bytes",
                (address, self._month(), n_bytes),
            )

    def _month(self) -> str:
        return self._now().strftime("%Y-%m")
