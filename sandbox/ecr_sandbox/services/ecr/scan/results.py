"""The results of scans: one row for each image and type of scan; it is deleted with the image."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ecr_sandbox.state.store import Store

from .rules import BASIC, CONTINUOUS, ELIGIBLE

SCHEMA = """
CREATE TABLE IF NOT EXISTS scans (
    image INTEGER NOT NULL REFERENCES images ON DELETE CASCADE, type TEXT NOT NULL,
    frequency TEXT NOT NULL, started REAL NOT NULL, status TEXT NOT NULL, description TEXT,
    completed REAL, dated REAL, mark TEXT, platform TEXT, findings TEXT,
    PRIMARY KEY (image, type)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inventories (
    image INTEGER PRIMARY KEY REFERENCES images ON DELETE CASCADE, content TEXT NOT NULL
)
"""
# AWS's statuses.
IN_PROGRESS, COMPLETE, ACTIVE, FAILED = "IN_PROGRESS", "COMPLETE", "ACTIVE", "FAILED"
UNSUPPORTED, EXPIRED = "UNSUPPORTED_IMAGE", "SCAN_ELIGIBILITY_EXPIRED"


@dataclass(frozen=True)
class Finding:
    """A vulnerability in one package of an image, in a form for both types of scans."""

    id: str
    related: tuple[str, ...]
    summary: str
    severity: str
    vendor_severity: str
    vector: str
    score: float | None
    url: str
    published: float | None
    modified: float | None
    ecosystem: str
    package: str
    version: str
    fixed: str
    path: str
    layer: str
    arch: str
    first_seen: float


@dataclass(frozen=True)
class Scan:
    """A scan of an image: times are Unix times by the sandbox's clock, *dated* is the date of the advisories."""

    image: int
    type: str
    frequency: str
    started: float
    status: str
    description: str | None
    completed: float | None
    dated: float | None
    mark: str | None
    platform: str | None
    findings: tuple[Finding, ...]

    @property
    def severities(self) -> dict[str, int]:
        """The number of findings of each severity."""
        counts: dict[str, int] = {}
        for each in self.findings:
            counts[each.severity] = counts.get(each.severity, 0) + 1
        return counts


def begin(db: sqlite3.Connection, image: int, scan_type: str, frequency: str, now: float) -> None:
    """Start a scan; the findings of an earlier one stay until it ends."""
    db.execute(
        "INSERT INTO scans (image, type, frequency, started, status) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
        "SET frequency = excluded.frequency, started = excluded.started, status = excluded.status, description = NULL",
        (image, scan_type, frequency, now, IN_PROGRESS),
    )


def end(db: sqlite3.Connection, image: int, scan_type: str, outcome: dict[str, Any]) -> None:
    """Store the columns of *outcome*; ``findings`` is a list of Finding."""
    values = {
        name: json.dumps([asdict(each) for each in value]) if name == "findings" else value
        for name, value in outcome.items()
    }
    columns = ", ".join(f"{name} = ?" for name in values)
    db.execute(f"UPDATE scans SET {columns} WHERE image = ? AND type = ?", (*values.values(), image, scan_type))


def of_image(store: Store, image: int, scan_type: str) -> Scan | None:
    """The last scan of this type of an image, or None."""
    sought = (image, scan_type)
    row = store.read().execute("SELECT * FROM scans WHERE image = ? AND type = ?", sought).fetchone()
    return _scan(row) if row else None


def to_be_repeated(store: Store, mark: str, now: float) -> Iterable[tuple[int, str]]:
    """The continuously scanned images whose advisories were not *mark*: id and type."""
    rows = store.read().execute(
        "SELECT image, type FROM scans JOIN images ON images.id = image "
        "WHERE frequency = ? AND scans.status = ? AND mark != ? AND pushed_at > ? AND storage_class != 'ARCHIVE'",
        (CONTINUOUS, ACTIVE, mark, now - ELIGIBLE),
    )
    return [(row["image"], row["type"]) for row in rows.fetchall()]


def packages(store: Store) -> set[tuple[str, str]]:
    """Ecosystem and name (of the source) of every package that a scan has seen."""
    rows = store.read().execute(
        "SELECT DISTINCT json_extract(value, '$.ecosystem') AS ecosystem, json_extract(value, '$.source') AS name "
        "FROM inventories, json_each(content, '$.packages')"
    )
    return {(row["ecosystem"], row["name"]) for row in rows.fetchall()}


def settled(scan_type: str, frequency: str) -> tuple[str, str]:
    """The status of a successful scan, and its description.

    Sources: AWS CLI, example of describe-image-scan-findings; API reference, DescribeImageScanFindings, for the
    continuous one, which stays ACTIVE. COMPLETE for enhanced scans on push is our choice.
    """
    if scan_type != BASIC and frequency == CONTINUOUS:
        return ACTIVE, "Continuous scan is selected for image."
    return COMPLETE, "The scan was completed successfully."


def _scan(row: sqlite3.Row) -> Scan:
    found = (Finding(**{**each, "related": tuple(each["related"])}) for each in json.loads(row["findings"] or "[]"))
    return Scan(**{**dict(row), "findings": tuple(found)})
