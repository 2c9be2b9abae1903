"""Settings of a registry, one JSON object a row: rules, templates, exclusions.

Reading them takes a few microseconds, so every push can do it.
"""

import json
from collections.abc import Mapping
from typing import Any

from ecr_sandbox.state.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS registry_settings (
    account TEXT, region TEXT, kind TEXT, name TEXT, value TEXT NOT NULL,
    PRIMARY KEY (account, region, kind, name)
) WITHOUT ROWID
"""
HERE = "account = ? AND region = ? AND kind = ?"

# Kinds.
REPLICATION, TEMPLATES, CACHE_RULES, EXCLUSIONS = "replication", "templates", "cache rules", "pull time exclusions"


class Settings:
    """The settings of one *kind* in the registry of *account* in *region*, by name."""

    def __init__(self, store: Store, account: str, region: str, kind: str):
        self._store, self._key = store, (account, region, kind)

    def any(self) -> bool:
        """Whether there are any."""
        sought = f"SELECT 1 FROM registry_settings WHERE {HERE} LIMIT 1"
        return self._store.read().execute(sought, self._key).fetchone() is not None

    def all(self) -> list[dict[str, Any]]:
        """All settings, sorted by name."""
        rows = self._store.read().execute(f"SELECT value FROM registry_settings WHERE {HERE} ORDER BY name", self._key)
        return [json.loads(row["value"]) for row in rows]

    def get(self, name: str) -> dict[str, Any] | None:
        """The setting *name*, or None."""
        sought = f"SELECT value FROM registry_settings WHERE {HERE} AND name = ?"
        row = self._store.read().execute(sought, (*self._key, name)).fetchone()
        return json.loads(row["value"]) if row else None

    def put(self, name: str, value: Mapping[str, Any]) -> None:
        """Set or replace the setting *name*."""
        with self._store.change() as db:
            db.execute(
                "INSERT OR REPLACE INTO registry_settings VALUES (?, ?, ?, ?, ?)", (*self._key, name, json.dumps(value))
            )

    def remove(self, name: str) -> None:
        """Remove the setting *name*."""
        with self._store.change() as db:
            db.execute(f"DELETE FROM registry_settings WHERE {HERE} AND name = ?", (*self._key, name))
