"""When an upstream registry was last asked about a tag: rows of the store."""

from ecr_sandbox.services.ecr.backend import Backend
from ecr_sandbox.state import clock

from . import rules

SCHEMA = """
CREATE TABLE IF NOT EXISTS pull_through_checks (
    account TEXT, region TEXT, repository TEXT, tag TEXT, at REAL NOT NULL,
    PRIMARY KEY (account, region, repository, tag)
) WITHOUT ROWID
"""


def is_due(state: Backend, name: str, tag: str | None) -> bool:
    """Whether to ask upstream again; the image of a digest does not change."""
    if tag is None:
        return False
    key = (state.account_id, state.region_name, name, tag)
    condition = "account = ? AND region = ? AND repository = ? AND tag = ?"
    row = Backend.store.read().execute(f"SELECT at FROM pull_through_checks WHERE {condition}", key).fetchone()
    return rules.is_due(row["at"] if row else None, clock.now())


def done(state: Backend, name: str, tag: str) -> None:
    """Record that upstream was asked now."""
    with Backend.store.change() as db:
        row = (state.account_id, state.region_name, name, tag, clock.now())
        db.execute("INSERT OR REPLACE INTO pull_through_checks VALUES (?, ?, ?, ?, ?)", row)
