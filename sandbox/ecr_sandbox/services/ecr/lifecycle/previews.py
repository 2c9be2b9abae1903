"""Previews: what a policy would do, evaluated in the background; one preview a repository.

The service model has the status ``EXPIRED``. When ECR sets it is not known, so no preview expires here.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ecr_sandbox import delays
from ecr_sandbox.state import clock
from ecr_sandbox.state.jobs import Jobs
from ecr_sandbox.state.store import Store

from . import images
from .errors import PreviewInProgress
from .evaluate import Image, Verdict, evaluate
from .images import Key
from .policy import TRANSITION, parse
from .schedule import HERE, job_fields

KIND = "lifecycle preview"
IN_PROGRESS, COMPLETE, FAILED = "IN_PROGRESS", "COMPLETE", "FAILED"
SCHEMA = """
CREATE TABLE IF NOT EXISTS lifecycle_previews (
    account TEXT, region TEXT, repository TEXT, policy TEXT NOT NULL, complete INTEGER NOT NULL,
    PRIMARY KEY (account, region, repository)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lifecycle_results (
    account TEXT, region TEXT, repository TEXT, number INTEGER, digest TEXT, tags TEXT, pushed_at INTEGER,
    storage_class TEXT, action TEXT, priority INTEGER,
    PRIMARY KEY (account, region, repository, number)
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Preview:
    """A preview of the policy *text*; *expiring* and *transitioning* are numbers of images."""

    text: str
    status: str
    expiring: int
    transitioning: int


@dataclass(frozen=True)
class Result:
    """The verdict on an image; *number* is its place, oldest first."""

    number: int
    digest: str
    tags: tuple[str, ...]
    pushed_at: int
    storage_class: str
    action: str
    priority: int


def start(store: Store, jobs: Jobs, key: Key, text: str) -> None:
    """Start a preview of the valid policy *text*; raises PreviewInProgress if one is running."""
    with store.change() as db:
        if (before := find(store, jobs, key)) and before.status == IN_PROGRESS:
            raise PreviewInProgress
        delete(store, key)
        db.execute("INSERT INTO lifecycle_previews VALUES (?, ?, ?, ?, 0)", (*key, text))
        jobs.add(KIND, clock.now() + delays.current.preview, **job_fields(key))


def run(store: Store, about: dict[str, Any]) -> None:
    """The job: evaluate the policy, and store the result."""
    key = (about["account"], about["region"], about["repository"])
    if (row := _row(store, key)) is None:
        return
    found = images.of(store, key)
    verdicts = evaluate(parse(row["policy"]), found, clock.now())
    with store.change() as db:
        if _row(store, key):  # otherwise the repository has been deleted
            db.execute(f"DELETE FROM lifecycle_results WHERE {HERE}", key)
            db.executemany(
                "INSERT INTO lifecycle_results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(*key, number, *each) for number, each in enumerate(_results(found, verdicts), 1)],
            )
            db.execute(f"UPDATE lifecycle_previews SET complete = 1 WHERE {HERE}", key)


def find(store: Store, jobs: Jobs, key: Key) -> Preview | None:
    """The preview of a repository, or None."""
    if (row := _row(store, key)) is None:
        return None
    status = COMPLETE if row["complete"] else IN_PROGRESS if job_fields(key) in jobs.waiting(KIND) else FAILED
    counted = (
        f"SELECT count(*) AS all_of_them, sum(action = '{TRANSITION}') AS moved FROM lifecycle_results WHERE {HERE}"
    )
    total, moved = store.read().execute(counted, key).fetchone()
    return Preview(row["policy"], status, total - (moved or 0), moved or 0)


def results(store: Store, key: Key, after: int, size: int, tagged: bool | None) -> Sequence[Result]:
    """Up to *size* results after that number; *tagged*: only those of images with tags, or without."""
    only = "" if tagged is None else "AND tags <> '[]'" if tagged else "AND tags = '[]'"
    rows = store.read().execute(
        f"SELECT * FROM lifecycle_results WHERE {HERE} AND number > ? {only} ORDER BY number LIMIT ?",
        (*key, after, size),
    )
    return [_result(row) for row in rows]


def delete(store: Store, key: Key) -> None:
    """Delete the preview of a repository."""
    with store.change() as db:
        for table in ("lifecycle_previews", "lifecycle_results"):
            db.execute(f"DELETE FROM {table} WHERE {HERE}", key)


def _row(store: Store, key: Key) -> sqlite3.Row | None:
    return store.read().execute(f"SELECT * FROM lifecycle_previews WHERE {HERE}", key).fetchone()


def _results(found: Iterable[Image], verdicts: dict[str, Verdict]) -> Iterable[tuple[Any, ...]]:
    known = {image.digest: image for image in found}
    for digest, verdict in verdicts.items():
        image = known[digest]
        about = digest, json.dumps(image.tags), image.pushed_at, image.storage_class
        yield (*about, verdict.action, verdict.priority)


def _result(row: sqlite3.Row) -> Result:
    names = ("number", "digest", "pushed_at", "storage_class", "action", "priority")
    return Result(tags=tuple(json.loads(row["tags"])), **{name: row[name] for name in names})
