"""When a policy runs: within 24 hours of its creation (user guide, "Creating a lifecycle policy"), then every day.

It follows the sandbox's clock: when a lesson advances it, due runs start immediately.
"""

from typing import Any

from ecr_sandbox.registry.references import HERE, Key
from ecr_sandbox.state import clock
from ecr_sandbox.state.jobs import Jobs
from ecr_sandbox.state.store import Store

from .evaluate import DAY

KIND = "lifecycle"
SCHEMA = """
CREATE TABLE IF NOT EXISTS lifecycle_runs (
    account TEXT, region TEXT, repository TEXT, since REAL NOT NULL, last REAL,
    PRIMARY KEY (account, region, repository)
) WITHOUT ROWID
"""


def begin(store: Store, jobs: Jobs, key: Key) -> None:
    """Schedule the policy of a repository; one that replaces another runs when that one would have."""
    with store.change() as db:
        if job_fields(key) not in jobs.waiting(KIND):
            db.execute("INSERT OR REPLACE INTO lifecycle_runs VALUES (?, ?, ?, ?, NULL)", (*key, clock.now()))
            jobs.add(KIND, due=clock.now() + DAY, **job_fields(key))


def end(store: Store, jobs: Jobs, key: Key) -> None:
    """Cancel the runs: the policy was deleted."""
    with store.change() as db:
        jobs.drop(KIND, **job_fields(key))
        db.execute(f"DELETE FROM lifecycle_runs WHERE {HERE}", key)


def done(store: Store, jobs: Jobs, key: Key, at: float) -> None:
    """Record a run *at* that Unix time; the next is due in a day. Call it within the run's change."""
    with store.change() as db:
        db.execute(f"UPDATE lifecycle_runs SET last = ? WHERE {HERE}", (at, *key))
        jobs.drop(KIND, **job_fields(key))
        jobs.add(KIND, due=at + DAY, **job_fields(key))


def last(store: Store, key: Key) -> float:
    """When the policy was last evaluated; 0 for never, as on AWS (CLI reference, delete-lifecycle-policy)."""
    row = store.read().execute(f"SELECT last FROM lifecycle_runs WHERE {HERE}", key).fetchone()
    return (row["last"] if row else None) or 0


def days_due(store: Store, key: Key) -> int:
    """The number of daily runs that are due, at least one; more if the clock was advanced."""
    row = store.read().execute(f"SELECT coalesce(last, since) AS at FROM lifecycle_runs WHERE {HERE}", key).fetchone()
    return max(int((clock.now() - row["at"]) // DAY), 1) if row else 1


def job_fields(key: Key) -> dict[str, Any]:
    """The fields of a job."""
    return dict(zip(("account", "region", "repository"), key, strict=True))
