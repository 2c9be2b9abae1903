"""Images and tags of one repository, as rows of the store.

A digest is the sha256 of the manifest's bytes. A tag points to one digest; when it moves, the older image stays,
untagged. Sources: OCI image-spec "Descriptor"; ECR user guide, "Image tag mutability".

Every query uses an index, so a repository of 10,000 images is as fast as one of ten.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store

from .blob_media_types import media_types_of
from .errors import DigestMismatch, ImageExists, ReferencedImagesMissing, TagImmutable
from .image import ACTIVATING, ACTIVE, ARCHIVE, ARCHIVED, STANDARD, Image
from .manifest_format import Manifest
from .references import HERE, Key

TAGGED = "EXISTS (SELECT 1 FROM tags WHERE tags.image = images.id)"
SELECT = f"""
SELECT id, digest, (SELECT group_concat(tag, ' ') FROM tags WHERE tags.image = images.id), CAST(manifest AS BLOB),
media_type, artifact_type, size, pushed_at, subject, last_pulled, storage_class, archived_at, activated_at, repository
FROM images WHERE {HERE} {{also}} ORDER BY images.id LIMIT ?
"""
Blobs = Sequence[tuple[str, int]]  # digests and sizes in bytes
# Blobs that only archived images use.
ARCHIVED_BLOBS = (
    "archived_blobs JOIN blobs USING (account, region, repository, digest)"
    f" WHERE {HERE} AND archived_blobs.uses >= blobs.uses"
)
ALL = -1  # SQLite's LIMIT for all rows
# ``Image.status`` as SQL.
STATUS = f"""
CASE WHEN storage_class = '{ARCHIVE}' THEN '{ARCHIVED}' WHEN activated_at > ? THEN '{ACTIVATING}' ELSE '{ACTIVE}' END
"""


class Images:
    """The images of one repository; falsy when it is empty.

    *changed* is called within every change of the stored bytes, with the difference; *archived* does the same for
    archived bytes. *restored* is called instead of it when bytes are restored from the archive.
    """

    def __init__(
        self,
        store: Store,
        account: str,
        region: str,
        repository: str,
        changed: Callable[[int], None] = lambda more_bytes: None,
        archived: Callable[[int], None] = lambda more_bytes: None,
        restored: Callable[[int], None] = lambda n_bytes: None,
    ):
        self._store = store
        self._key = (account, region, repository)
        self._changed, self._archived, self._restored = changed, archived, restored

    @property
    def key(self) -> Key:
        """Account, Region and name of the repository."""
        return self._key

    def __bool__(self) -> bool:
        return self.has()

    def has(self, number: int = 1) -> bool:
        """Whether there are at least *number* images."""
        # Ids are unique in the file, so most registries do not have to be counted.
        newest = self._store.read().execute("SELECT id FROM images ORDER BY id DESC LIMIT 1").fetchone()
        if newest is None or newest["id"] < number:
            return False
        return self._row(f"SELECT 1 FROM images WHERE {HERE} LIMIT 1 OFFSET ?", number - 1) is not None

    def all(self) -> list[Image]:
        """Every image, oldest first."""
        return self.page()

    def page(
        self, after: int = 0, size: int | None = None, tagged: bool | None = None, status: str | None = None
    ) -> list[Image]:
        """Up to *size* images with an id above *after*, oldest first.

        *tagged*: only those with tags, or without; *status*: only those with this status now.
        """
        only, values = _only(tagged, status)
        return self._select(f"AND images.id > ? {only}", (after, *values), size)

    def ids(
        self,
        after: tuple[int, str] = (0, ""),
        size: int | None = None,
        tagged: bool | None = None,
        status: str | None = None,
    ) -> list[tuple[int, str, str | None]]:
        """Up to *size* pairs of image and tag, *after* such a pair: image id, digest, tag (None: untagged)."""
        only, values = _only(tagged, status)
        rows = self._rows(
            f"""
            SELECT images.id, digest, tag FROM images LEFT JOIN tags ON tags.image = images.id
            WHERE images.account = ? AND images.region = ? AND images.repository = ? AND images.id >= ?
            AND (images.id > ? OR tag > ?) {only} ORDER BY images.id, tag LIMIT ?
            """,
            (after[0], *after, *values, ALL if size is None else size),
        )
        return [tuple(row) for row in rows]

    def tags(self, after: str = "", size: int | None = None) -> list[str]:
        """Up to *size* tags of active images after *after*, sorted by their bytes."""
        status = f"(SELECT {STATUS} FROM images WHERE images.id = tags.image)"
        rows = self._rows(
            f"SELECT tag FROM tags WHERE {HERE} AND tag > ? AND {status} = ? ORDER BY tag LIMIT ?",
            (after, clock.now(), ACTIVE, ALL if size is None else size),
        )
        return [row["tag"] for row in rows]

    def referrers(self, digest: str, after: int = 0, size: int | None = None, status: str | None = None) -> list[Image]:
        """Up to *size* images whose subject is *digest*, with an id above *after*, oldest first; see ``page``."""
        only, values = _only(None, status)
        return self._select(f"AND subject = ? AND images.id > ? {only}", (digest, after, *values), size)

    def find(self, tag: str | None = None, digest: str | None = None) -> Image | None:
        """The image with *tag* and *digest* (at least one is given), or None."""
        also: str = ""
        values: list[str] = []
        if digest:
            also, values = "AND images.digest = ?", [digest]
        if tag:
            also = f"{also} AND images.id = (SELECT image FROM tags WHERE {HERE} AND tag = ?)"
            values += [*self._key, tag]
        return next(iter(self._select(also, values, 1)), None)

    def use(self, digest: str) -> bool:
        """Whether an image of the repository uses the blob *digest*."""
        return self._row(f"SELECT 1 FROM blobs WHERE {HERE} AND digest = ?", digest) is not None

    def media_type_of(self, digest: str) -> str | None:
        """The media type that the images of the repository give the blob *digest*; None if none of them uses it.

        Reads manifests one after the other, in contrast to the other methods.
        """
        sought = f"SELECT manifest FROM images WHERE {HERE} AND instr(manifest, ?)"
        for [manifest] in self._store.read().execute(sought, (*self._key, digest)) if self.use(digest) else ():
            if media_type := media_types_of(manifest).get(digest):
                return media_type
        return None

    def is_archived(self, digest: str) -> bool:
        """Whether only archived images use the blob *digest*, so that it cannot be downloaded."""
        return self._row(f"SELECT 1 FROM {ARCHIVED_BLOBS} AND digest = ?", digest) is not None

    def index_of(self, digest: str, active: bool = False) -> str | None:
        """The digest of an index that lists the image, or None; with *active*, of one that is not archived."""
        [row] = self._rows(
            f"SELECT min(images.digest) AS digest FROM children CROSS JOIN images ON images.id = parent"
            f" WHERE {HERE} AND children.digest = ? AND (storage_class = ? OR NOT ?)",
            (digest, STANDARD, active),
        )
        return row["digest"]

    def put(self, manifest: Manifest, tag: str | None, immutable: bool, claimed_digest: str | None = None) -> Image:
        """Store *manifest*, point *tag* to it, and return the image; an archived image becomes active.

        Raises DigestMismatch, ReferencedImagesMissing, ImageExists (the same image under the same tag) and, when the
        tag is *immutable* and names another image, TagImmutable.
        """
        account, _, repository = self._key
        if claimed_digest and claimed_digest != manifest.digest:
            raise DigestMismatch(claimed_digest, repository, account)
        with self._store.change() as db:
            same = self.find(digest=manifest.digest)
            holder = self.find(tag=tag) if tag else None
            restored = same is not None and same.status != ACTIVE
            damaged = same is not None and not same.is_intact
            if same and not restored and not damaged and (not tag or tag in same.tags):
                raise ImageExists(manifest.digest, tag, repository, account)
            if holder and immutable and not (same and same.id == holder.id):
                raise TagImmutable(tag or "", repository)
            image_id = same.id if same else self._insert(db, manifest)
            if same and damaged:
                db.execute("UPDATE images SET manifest = ? WHERE id = ?", (manifest.text, same.id))
            if same and restored:
                with self._counting(same.blobs, self._archived):
                    self._activate(db, same, int(clock.now()))
            if tag:
                db.execute("INSERT OR REPLACE INTO tags VALUES (?, ?, ?, ?, ?)", (*self._key, tag, image_id))
            image = self.find(digest=manifest.digest)
        assert image
        return image

    def untag(self, tag: str) -> None:
        """Remove *tag*; the image stays, unless that was its last tag (BatchDeleteImage, API reference)."""
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
                [archived] = self._rows(f"SELECT coalesce(sum(size), 0) AS bytes FROM {ARCHIVED_BLOBS}")
                db.execute(f"DELETE FROM blobs WHERE {HERE}", self._key)
                db.execute(f"DELETE FROM archived_blobs WHERE {HERE}", self._key)
                self._changed(-kept["bytes"])
                self._archived(-archived["bytes"])
            elif image := self.find(digest=digest):
                blobs = image.blobs
                with self._counting(blobs, self._archived):
                    db.execute("DELETE FROM images WHERE id = ?", (image.id,))
                    if image.storage_class == ARCHIVE:
                        self._release_archived(db, blobs)
                    self._release(db, blobs)

    def recorded_pull(self, image: Image, at: int) -> None:
        """Record that *image* was pulled at this Unix time."""
        with self._store.change() as db:
            db.execute("UPDATE images SET last_pulled = ? WHERE id = ?", (at, image.id))

    def archive(self, image: Image) -> None:
        """Archive *image*, which is active."""
        blobs, values = image.blobs, (ARCHIVE, int(clock.now()), image.id)
        with self._store.change() as db, self._counting(blobs, self._archived):
            db.execute("UPDATE images SET storage_class = ?, archived_at = ? WHERE id = ?", values)
            db.executemany(
                "INSERT INTO archived_blobs VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET uses = uses + 1",
                [(*self._key, digest) for digest, _ in blobs],
            )

    def restore(self, image: Image, ready: int) -> None:
        """Restore *image* from the archive; it is active from the Unix time *ready* on."""
        with self._store.change() as db, self._counting(image.blobs, lambda more: self._restored(-more)):
            self._activate(db, image, ready)

    def _insert(self, db: sqlite3.Connection, manifest: Manifest) -> int | None:
        account, _, repository = self._key
        children = {digest: self.find(digest=digest) for digest in manifest.children}
        if missing := [digest for digest, child in children.items() if child is None]:
            raise ReferencedImagesMissing(missing, repository, account)
        # A manifest list is as large as the largest of its images (API reference, ImageDetail).
        size = sum(size for _, size in manifest.blobs) or max((c.size for c in children.values() if c), default=0)
        facts = {
            "id": _new_id(db),
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

    def _activate(self, db: sqlite3.Connection, image: Image, ready: int) -> None:
        """Take *image*, archived or being restored, out of the archive; it is active from the Unix time *ready* on."""
        values = (STANDARD, ready, image.id)
        db.execute("UPDATE images SET storage_class = ?, activated_at = ? WHERE id = ?", values)
        if image.storage_class == ARCHIVE:
            self._release_archived(db, image.blobs)

    def _release_archived(self, db: sqlite3.Connection, blobs: Blobs) -> None:
        """Count one use less of each of the *blobs* by archived images."""
        mine = [(*self._key, digest) for digest, _ in blobs]
        db.executemany(f"UPDATE archived_blobs SET uses = uses - 1 WHERE {HERE} AND digest = ?", mine)
        db.executemany(f"DELETE FROM archived_blobs WHERE {HERE} AND digest = ? AND uses <= 0", mine)

    @contextmanager
    def _counting(self, blobs: Blobs, report: Callable[[int], None]) -> Iterator[None]:
        """Around a change of who uses the *blobs*: call *report* with the additional archived bytes."""
        before = self._archived_among(blobs)
        yield
        if more := self._archived_among(blobs) - before:
            report(more)

    def _archived_among(self, blobs: Blobs) -> int:
        """How many bytes of the *blobs* only archived images use."""
        if self._row(f"SELECT 1 FROM archived_blobs WHERE {HERE} LIMIT 1") is None:
            return 0
        return sum(size for digest, size in blobs if self.is_archived(digest))

    def _take(self, db: sqlite3.Connection, manifest: Manifest) -> None:
        """Count one more use of each blob of *manifest*."""
        new = 0
        with self._counting(manifest.blobs, self._archived):
            for digest, size in manifest.blobs:
                new += 0 if self.use(digest) else size
                db.execute(
                    "INSERT INTO blobs VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET uses = uses + 1",
                    (*self._key, digest, size),
                )
        self._changed(new)

    def _release(self, db: sqlite3.Connection, blobs: Iterable[tuple[str, int]]) -> None:
        """Count one use less of each of the *blobs*, and delete the rows of those without uses."""
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
                id,
                digest,
                tuple(sorted(tags.split(" "))) if tags else (),
                stored.decode(errors="surrogateescape"),
                *others,
            )
            for id, digest, tags, stored, *others in rows
        ]

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """The rows of a query whose first three values are this repository's key."""
        return self._store.read().execute(statement, (*self._key, *values)).fetchall()

    def _row(self, statement: str, *values: Any) -> sqlite3.Row | None:
        return next(iter(self._rows(statement, values)), None)


def _new_id(db: sqlite3.Connection) -> int:
    """An id that no image had before: a scan of a deleted image must not end as the scan of another."""
    newest = "coalesce((SELECT id FROM images ORDER BY id DESC LIMIT 1), 0)"
    update = f"UPDATE last_image SET id = 1 + max(id, {newest}) WHERE only = 1 RETURNING id"
    [row] = db.execute(update).fetchall()
    return row["id"]


def _only(tagged: bool | None, status: str | None) -> tuple[str, list[Any]]:
    """A condition, and the values of its parameters."""
    tags = "" if tagged is None else f"AND {'' if tagged else 'NOT'} {TAGGED}"
    return (tags, []) if status is None else (f"{tags} AND {STATUS} = ?", [clock.now(), status])
