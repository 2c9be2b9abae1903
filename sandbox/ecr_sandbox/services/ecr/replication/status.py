"""The replication status of an image: one row for each image and destination."""

from typing import NamedTuple

from ecr_sandbox.state.store import Store

from .rules import Destination

SCHEMA = """
CREATE TABLE IF NOT EXISTS replications (
    image INTEGER NOT NULL REFERENCES images ON DELETE CASCADE, to_account TEXT, to_region TEXT,
    status TEXT NOT NULL, failure_code TEXT,
    PRIMARY KEY (image, to_account, to_region)
) WITHOUT ROWID
"""
IN_PROGRESS, COMPLETE, FAILED = "IN_PROGRESS", "COMPLETE", "FAILED"


class Status(NamedTuple):
    """The status of one copy; *failure_code* if it is FAILED."""

    to: Destination
    status: str
    failure_code: str | None


def set_status(store: Store, image: int, to: Destination, status: str, failure_code: str | None = None) -> None:
    """Set the status, unless the image has been deleted."""
    with store.change() as db:
        row = (to.account, to.region, status, failure_code, image)
        db.execute("INSERT OR REPLACE INTO replications SELECT id, ?, ?, ?, ? FROM images WHERE id = ?", row)


def of_image(store: Store, image: int) -> list[Status]:
    """The status for each destination of the image."""
    rows = store.read().execute("SELECT * FROM replications WHERE image = ? ORDER BY to_account, to_region", (image,))
    return [
        Status(Destination(row["to_account"], row["to_region"]), row["status"], row["failure_code"]) for row in rows
    ]
