"""The images of a repository as the rules see them: one query, without reading manifests."""

import json
import sqlite3

from ecr_sandbox.registry.references import HERE, Key
from ecr_sandbox.state.store import Store

from .evaluate import Image

ALL = f"""
SELECT digest, pushed_at, last_pulled, archived_at, activated_at, storage_class, subject,
    (SELECT json_group_array(tag) FROM tags WHERE tags.image = images.id) AS tags,
    (SELECT json_group_array(children.digest) FROM children WHERE parent = images.id) AS children
FROM images WHERE {HERE} ORDER BY id
"""


def of(store: Store, key: Key) -> list[Image]:
    """Every image of a repository, in the order they were stored."""
    return [_image(row) for row in store.read().execute(ALL, key)]


def _image(row: sqlite3.Row) -> Image:
    return Image(
        digest=row["digest"],
        tags=tuple(sorted(json.loads(row["tags"]))),
        pushed_at=row["pushed_at"],
        pulled_at=row["last_pulled"],
        archived_at=row["archived_at"],
        activated_at=row["activated_at"],
        storage_class=row["storage_class"].lower(),
        children=tuple(json.loads(row["children"])),
        subject=row["subject"],
    )
