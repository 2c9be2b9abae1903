"""When a policy is acted on: within 24 hours of its coming (user guide, "Creating a lifecycle policy"), then every day.

By the sandbox's clock: when a lesson moves it on, what has become due is done at once.
"""

from typing import Any

from ecr_sandbox.state import clock
from ecr_sandbox.state.jobs import Jobs
from ecr_sandbox.state.store import Store

from .evaluate import DAY
from .images import Key

KIND = "lifecycle"
SCHEMA = """
CREATE TABLE IF NOT EXISTS lifecycle_runs (
    account TEXT, region TEXT, repository TEXT, since REAL NOT NULL, last REAL,
    PRIMARY KEY (account, region, repository)
) WITHOUT ROWID
"""
HERE = "account = ? AND region = ? AND repository = ?"


def begin(store: Store, jobs: Jobs, key: Key) -> None:
    """The repository has a policy; one that replaces another waits no longer than that one would have."""
    with store.change() as db:
        if what(key) not in jobs.waiting(KIND):
            db.execute("INSERT OR REPLACE INTO lifecycle_runs VALUES (?, ?, ?, ?, NULL)", (*key, clock.now()))
            jobs.add(KIND, due=clock.now() + DAY, **what(key))


def end(store: Store, jobs: Jobs, key: Key) -> None:
    """It has none any more."""
    with store.change() as db:
        jobs.drop(KIND, **what(key))
        db.execute(f"DELETE FROM lifecycle_runs WHERE {HERE}", key)


def done(store: Store, jobs: Jobs, key: Key, at: float) -> None:
    """What was due *at* that Unix time is done, and is due again in a day. To be called in the change that did it."""
    with store.change() as db:
        db.execute(f"UPDATE lifecycle_runs SET last = ? WHERE {HERE}", (at, *key))
        jobs.drop(KIND, **what(key))
        jobs.add(KIND, due=at + DAY, **what(key))


def last(store: Store, key: Key) -> float:
    """When the policy was last evaluated; 0 if it never was, as AWS has it (CLI reference, delete-lifecycle-policy)."""
    row = store.read().execute(f"SELECT last FROM lifecycle_runs WHERE {HERE}", key).fetchone()
    return (row["last"] if row else None) or 0


def days_due(store: Store, key: Key) -> int:
    """How many days' runs have become due, at least one: more than one after the clock was moved on."""
    row = store.read().execute(f"SELECT coalesce(last, since) AS at FROM lifecycle_runs WHERE {HERE}", key).fetchone()
    return max(int((clock.now() - row["at"]) // DAY), 1) if row else 1


def what(key: Key) -> dict[str, Any]:
    """What a job is about."""
    return dict(zip(("account", "region", "repository"), key, strict=True))
