"""Images and tags of one repository, as rows of the store.

A digest is the sha256 of the manifest's bytes; a tag points at one digest; moving it leaves the older
image behind, untagged. Sources: OCI image-spec "Descriptor"; ECR user guide, "Image tag mutability".
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.ecr.exceptions import ImageAlreadyExistsException

from ..store import Store
from ..words import (
    ImageDigestDoesNotMatchException,
    ImageTagAlreadyExistsException,
    InvalidParameter,
    ReferencedImagesNotFoundException,
)

SELECT = """
SELECT images.*, group_concat(tag, ' ') AS tagged FROM images LEFT JOIN tags ON tags.image = images.id
WHERE images.account = ? AND images.region = ? AND images.repository = ? {also} GROUP BY images.id ORDER BY images.id
"""


@dataclass(frozen=True)
class Manifest:
    """A manifest as it was sent, and what its bytes say."""

    text: str
    media_type: str
    digest: str
    artifact_type: str | None
    blobs: tuple[tuple[str, int], ...]  # digest and size in bytes of config and layers
    children: tuple[str, ...]  # digests of the manifests that an index lists

    @classmethod
    def parse(cls, text: str, media_type: str | None) -> "Manifest":
        """Read *text*; raises InvalidParameter when it is no image manifest or index."""
        try:
            content = json.loads(text)
            media_type = media_type or content["mediaType"]
            config = content.get("config")
            parts = [config, *content["layers"]] if config else []
            blobs = {part["digest"]: int(part["size"]) for part in parts}  # a layer named twice is stored once
            children = tuple(child["digest"] for child in content.get("manifests", []))
        except (ValueError, TypeError, AttributeError):
            raise InvalidParameter("imageManifest", "Invalid JSON syntax") from None
        except KeyError as missing:
            raise InvalidParameter("imageManifest", f"{missing.args[0]} is required") from None
        if not blobs and "manifests" not in content:
            raise InvalidParameter("imageManifest", "Unsupported manifest type")
        artifact = content.get("artifactType") or (config or {}).get("mediaType")
        return cls(text, media_type, digest_of(text.encode()), artifact, tuple(blobs.items()), children)


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


def digest_of(content: bytes) -> str:
    """The name of these bytes: ``sha256:`` and their hash (OCI image-spec, "Digests")."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Images:
    """The images of one repository; truthy when there is one. *changed* is called in every change of what is kept."""

    def __init__(
        self, store: Store, account: str, region: str, repository: str, changed: Callable[[], None] = lambda: None
    ):
        self._store = store
        self._key = (account, region, repository)
        self._changed = changed

    def __bool__(self) -> bool:
        where = "account = ? AND region = ? AND repository = ?"
        return (
            self._store.read().execute(f"SELECT 1 FROM images WHERE {where} LIMIT 1", self._key).fetchone() is not None
        )

    def all(self) -> list[Image]:
        """Every image, oldest first."""
        return self._select("", ())

    def find(self, tag: str | None = None, digest: str | None = None) -> Image | None:
        """The image that has *tag* and *digest* (at least one is given), or None."""
        also, values = "", []
        if digest:
            also, values = "AND images.digest = ?", [digest]
        if tag:
            mine = "SELECT image FROM tags WHERE account = ? AND region = ? AND repository = ? AND tag = ?"
            also, values = f"{also} AND images.id = ({mine})", [*values, *self._key, tag]
        return next(iter(self._select(also, values)), None)

    def use(self, digest: str) -> bool:
        """Whether an image here has the blob *digest*."""
        where = "account = ? AND region = ? AND repository = ? AND instr(manifest, ?)"
        sought = (*self._key, f'"{digest}"')
        return self._store.read().execute(f"SELECT 1 FROM images WHERE {where} LIMIT 1", sought).fetchone() is not None

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
            self._changed()
        image = self.find(digest=manifest.digest)
        assert image
        return image

    def untag(self, tag: str) -> None:
        """Take *tag* away; the image stays, unless that was its last tag (BatchDeleteImage, API reference)."""
        image = self.find(tag=tag)
        if image and len(image.tags) == 1:
            self.delete(image.digest)
        else:
            with self._store.change() as db:
                db.execute(
                    "DELETE FROM tags WHERE account = ? AND region = ? AND repository = ? AND tag = ?",
                    (*self._key, tag),
                )

    def delete(self, digest: str | None = None) -> None:
        """Delete one image with all its tags, or every image."""
        also, values = ("AND digest = ?", [digest]) if digest else ("", [])
        with self._store.change() as db:
            where = "account = ? AND region = ? AND repository = ?"
            db.execute(f"DELETE FROM images WHERE {where} {also}", (*self._key, *values))
            self._changed()

    def index_of(self, digest: str) -> str | None:
        """The digest of an index that lists the image *digest*, or None."""
        parents = (
            i for i in self.all() if "manifests" in (content := json.loads(i.manifest)) and _lists(content, digest)
        )
        return next((i.digest for i in parents), None)

    def _insert(self, db: Any, manifest: Manifest) -> int:
        account, _, repository = self._key
        children = {digest: self.find(digest=digest) for digest in manifest.children}
        if missing := [digest for digest, child in children.items() if child is None]:
            raise ReferencedImagesNotFoundException(missing, repository, account)
        # A manifest list is as large as the largest of its images (API reference, ImageDetail).
        size = sum(size for _, size in manifest.blobs) or max((c.size for c in children.values() if c), default=0)
        cursor = db.execute(
            "INSERT INTO images (account, region, repository, digest, manifest, media_type, artifact_type, size,"
            " pushed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *self._key,
                manifest.digest,
                manifest.text,
                manifest.media_type,
                manifest.artifact_type,
                size,
                int(time.time()),
            ),
        )
        return cursor.lastrowid

    def _select(self, also: str, values: Any) -> list[Image]:
        rows = self._store.read().execute(SELECT.format(also=also), (*self._key, *values))
        return [
            Image(
                id=row["id"],
                digest=row["digest"],
                tags=tuple(sorted((row["tagged"] or "").split())),
                manifest=row["manifest"],
                media_type=row["media_type"],
                artifact_type=row["artifact_type"],
                size=row["size"],
                pushed_at=row["pushed_at"],
            )
            for row in rows
        ]


def _lists(index: dict[str, Any], digest: str) -> bool:
    return any(child.get("digest") == digest for child in index["manifests"])
