"""Images and tags of one repository, as rows of the store.

A digest is the sha256 of the manifest's bytes; a tag points at one digest; moving it leaves the older
image behind, untagged. Sources: OCI image-spec "Descriptor"; ECR user guide, "Image tag mutability".

Every question is answered by an index, so that a repository of 10,000 images is as quick as one of ten.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from moto.ecr.exceptions import ImageAlreadyExistsException

from .. import clock
from ..store import Store
from ..words import (
    ImageDigestDoesNotMatchException,
    ImageTagAlreadyExistsException,
    ReferencedImagesNotFoundException,
)
from .manifest import Manifest, blobs_of, digest_of

HERE = "account = ? AND region = ? AND repository = ?"
TAGGED = "EXISTS (SELECT 1 FROM tags WHERE tags.image = images.id)"
SELECT = f"""
SELECT images.*, (SELECT json_group_array(tag) FROM tags WHERE tags.image = images.id) AS tags
FROM images WHERE {HERE} {{also}} ORDER BY images.id LIMIT ?
"""
ALL = -1  # SQLite's LIMIT for all rows


@dataclass(frozen=True)
class Image:
    """An image as the registry knows it; *size* in bytes, *pushed_at* in Unix seconds."""

    id: int
    digest: str
    tags: tuple[str, ...]
    manifest: str
    media_type: str
    artifact_type: str | None
    size: int
    pushed_at: int
    subject: str | None


class Images:
    """The images of one repository; truthy when there is one.

    *changed* is called in every change of what is kept, with the bytes that came (or, less than 0, went).
    """

    def __init__(
        self,
        store: Store,
        account: str,
        region: str,
        repository: str,
        changed: Callable[[int], None] = lambda more_bytes: None,
    ):
        self._store = store
        self._key = (account, region, repository)
        self._changed = changed

    def __bool__(self) -> bool:
        return self._row(f"SELECT 1 FROM images WHERE {HERE} LIMIT 1") is not None

    def all(self) -> list[Image]:
        """Every image, oldest first."""
        return self.page()

    def page(self, after: int = 0, size: int | None = None, tagged: bool | None = None) -> list[Image]:
        """Up to *size* images with an id above *after*, oldest first; *tagged*: only those with tags, or without."""
        return self._select(f"AND images.id > ? {_only(tagged)}", (after,), size)

    def ids(
        self, after: tuple[int, str] = (0, ""), size: int | None = None, tagged: bool | None = None
    ) -> list[tuple[int, str, str | None]]:
        """Up to *size* pairs of image and tag, *after* such a pair: image id, digest, tag (None: it has none)."""
        rows = self._rows(
            f"""
            SELECT images.id, digest, tag FROM images LEFT JOIN tags ON tags.image = images.id
            WHERE images.account = ? AND images.region = ? AND images.repository = ? AND images.id >= ?
            AND (images.id > ? OR tag > ?) {_only(tagged)} ORDER BY images.id, tag LIMIT ?
            """,
            (after[0], *after, ALL if size is None else size),
        )
        return [(row["id"], row["digest"], row["tag"]) for row in rows]

    def tags(self, after: str = "", size: int | None = None) -> list[str]:
        """Up to *size* tags that come after *after* in the order of their bytes."""
        sought = (after, ALL if size is None else size)
        rows = self._rows(f"SELECT tag FROM tags WHERE {HERE} AND tag > ? ORDER BY tag LIMIT ?", sought)
        return [row["tag"] for row in rows]

    def referrers(self, digest: str, after: int = 0, size: int | None = None) -> list[Image]:
        """Up to *size* images whose subject is *digest*, with an id above *after*, oldest first."""
        return self._select("AND subject = ? AND images.id > ?", (digest, after), size)

    def find(self, tag: str | None = None, digest: str | None = None) -> Image | None:
        """The image that has *tag* and *digest* (at least one is given), or None."""
        also: str = ""
        values: list[str] = []
        if digest:
            also, values = "AND images.digest = ?", [digest]
        if tag:
            also = f"{also} AND images.id = (SELECT image FROM tags WHERE {HERE} AND tag = ?)"
            values += [*self._key, tag]
        return next(iter(self._select(also, values, 1)), None)

    def use(self, digest: str) -> bool:
        """Whether an image here has the blob *digest*."""
        return self._row(f"SELECT 1 FROM blobs WHERE {HERE} AND digest = ?", digest) is not None

    def index_of(self, digest: str) -> str | None:
        """The digest of an index that lists the image *digest*, or None."""
        [row] = self._rows(
            f"SELECT min(images.digest) AS digest FROM children CROSS JOIN images ON images.id = parent"
            f" WHERE {HERE} AND children.digest = ?",
            (digest,),
        )
        return row["digest"]

    def put(self, manifest: Manifest, tag: str | None, immutable: bool, claimed_digest: str | None = None) -> Image:
        """Store *manifest*, let *tag* point at it, and return the image.

        Raises ImageDigestDoesNotMatchException, ReferencedImagesNotFoundException, ImageAlreadyExistsException (the
        same image under the same tag) and, when the tag is *immutable* and names another image,
        ImageTagAlreadyExistsException.
        """
        account, _, repository = self._key
        if claimed_digest and claimed_digest != manifest.digest:
            raise ImageDigestDoesNotMatchException(claimed_digest, manifest.digest)
        with self._store.change() as db:
            same = self.find(digest=manifest.digest)
            holder = self.find(tag=tag) if tag else None
            if same and (not tag or tag in same.tags):
                raise ImageAlreadyExistsException(repository, account, manifest.digest, tag or "null")
            if holder and immutable:
                raise ImageTagAlreadyExistsException(tag or "", repository)
            image_id = same.id if same else self._insert(db, manifest)
            if tag:
                db.execute("INSERT OR REPLACE INTO tags VALUES (?, ?, ?, ?, ?)", (*self._key, tag, image_id))
            image = self.find(digest=manifest.digest)
        assert image
        return image

    def untag(self, tag: str) -> None:
        """Take *tag* away; the image stays, unless that was its last tag (BatchDeleteImage, API reference)."""
        with self._store.change() as db:
            image = self.find(tag=tag)
            if image and len(image.tags) == 1:
                self.delete(image.digest)
            else:
                db.execute(f"DELETE FROM tags WHERE {HERE} AND tag = ?", (*self._key, tag))

    def delete(self, digest: str | None = None) -> None:
        """Delete one image with all its tags, or every image."""
        with self._store.change() as db:
            if digest is None:
                [kept] = self._rows(f"SELECT coalesce(sum(size), 0) AS bytes FROM blobs WHERE {HERE}")
                db.execute(f"DELETE FROM images WHERE {HERE}", self._key)
                db.execute(f"DELETE FROM blobs WHERE {HERE}", self._key)
                self._changed(-kept["bytes"])
            elif image := self.find(digest=digest):
                db.execute("DELETE FROM images WHERE id = ?", (image.id,))
                self._release(db, blobs_of(image.manifest))

    def _insert(self, db: sqlite3.Connection, manifest: Manifest) -> int | None:
        account, _, repository = self._key
        children = {digest: self.find(digest=digest) for digest in manifest.children}
        if missing := [digest for digest, child in children.items() if child is None]:
            raise ReferencedImagesNotFoundException(missing, repository, account)
        # A manifest list is as large as the largest of its images (API reference, ImageDetail).
        size = sum(size for _, size in manifest.blobs) or max((c.size for c in children.values() if c), default=0)
        facts = {
            **dict(zip(("account", "region", "repository"), self._key, strict=True)),
            "digest": manifest.digest,
            "manifest": manifest.text,
            "media_type": manifest.media_type,
            "artifact_type": manifest.artifact_type,
            "size": size,
            "pushed_at": int(clock.now()),
            "subject": manifest.subject,
        }
        cursor = db.execute(
            f"INSERT INTO images ({', '.join(facts)}) VALUES ({', '.join('?' * len(facts))})", tuple(facts.values())
        )
        db.executemany("INSERT INTO children VALUES (?, ?)", [(cursor.lastrowid, child) for child in children])
        self._take(db, manifest)
        return cursor.lastrowid

    def _take(self, db: sqlite3.Connection, manifest: Manifest) -> None:
        """Count one more use of each blob of *manifest*."""
        new = 0
        for digest, size in manifest.blobs:
            new += 0 if self.use(digest) else size
            db.execute(
                "INSERT INTO blobs VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET uses = uses + 1",
                (*self._key, digest, size),
            )
        self._changed(new)

    def _release(self, db: sqlite3.Connection, blobs: Iterable[tuple[str, int]]) -> None:
        """Count one use less of each of the *blobs*; one that nobody uses any more is not kept."""
        freed = 0
        for digest, _ in blobs:
            sought = (*self._key, digest)
            db.execute(f"UPDATE blobs SET uses = uses - 1 WHERE {HERE} AND digest = ?", sought)
            if unused := self._row(f"SELECT size FROM blobs WHERE {HERE} AND digest = ? AND uses <= 0", digest):
                freed += unused["size"]
                db.execute(f"DELETE FROM blobs WHERE {HERE} AND digest = ?", sought)
        self._changed(-freed)

    def _select(self, also: str, values: Sequence[Any], size: int | None) -> list[Image]:
        rows = self._rows(SELECT.format(also=also), (*values, ALL if size is None else size))
        return [
            Image(
                id=row["id"],
                digest=row["digest"],
                tags=tuple(sorted(json.loads(row["tags"]))),
                manifest=row["manifest"],
                media_type=row["media_type"],
                artifact_type=row["artifact_type"],
                size=row["size"],
                pushed_at=row["pushed_at"],
                subject=row["subject"],
            )
            for row in rows
        ]

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """The rows of a question whose first three values are this repository's key."""
        return self._store.read().execute(statement, (*self._key, *values)).fetchall()

    def _row(self, statement: str, *values: Any) -> sqlite3.Row | None:
        return next(iter(self._rows(statement, values)), None)


def _only(tagged: bool | None) -> str:
    return "" if tagged is None else f"AND {'' if tagged else 'NOT'} {TAGGED}"


__all__ = ["Image", "Images", "Manifest", "digest_of"]
