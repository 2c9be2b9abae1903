"""Images that belong to nobody here: the stand-in puts official ones in place, and the one to see the limit by.

Source: OCI image-spec, "Image Layout".
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from moto.ecr.exceptions import ImageAlreadyExistsException

from ..ecr.backend import has_blob, put_manifest
from ..ecr.images import Manifest
from ..registry.distribution import Distribution
from .repositories import Repositories

CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
# What Docker's pages tell people to ask for when they want to see their limit: nothing but a manifest and its config.
PREVIEW = ("ratelimitpreview", "test")
PREVIEW_CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})


def preview(repositories: Repositories, blobs: Distribution) -> None:
    """Put ``ratelimitpreview/test:latest`` in place, once."""
    digest = "sha256:" + hashlib.sha256(PREVIEW_CONFIG.encode()).hexdigest()
    config = {"mediaType": CONFIG_TYPE, "size": len(PREVIEW_CONFIG), "digest": digest}
    text = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": []})
    _put(repositories, blobs, *PREVIEW, "latest", text, lambda _: BytesIO(PREVIEW_CONFIG.encode()))


def from_layout(repositories: Repositories, blobs: Distribution, layout: Path, name: str, tag: str) -> None:
    """Put the image of the OCI *layout* in place as ``library/name:tag``, once; without a layout there is none."""
    index = layout / "index.json"
    if not index.exists():
        return
    digest = json.loads(index.read_text())["manifests"][0]["digest"]
    text = _blob(layout, digest).read_text()
    _put(repositories, blobs, "library", name, tag, text, lambda blob: _blob(layout, blob).open("rb"))


def _put(
    repositories: Repositories,
    blobs: Distribution,
    namespace: str,
    name: str,
    tag: str,
    text: str,
    opened: Callable[[str], BinaryIO],
) -> None:
    manifest = Manifest.parse(text, None)
    full_name = f"{namespace}/{name}"
    if repositories.images(full_name).find(tag=tag, digest=manifest.digest):
        return
    stored_as = repositories.stored_as(full_name)
    for digest, size in manifest.blobs:
        if not has_blob(blobs, stored_as, digest):
            with opened(digest) as content:
                _upload(blobs, stored_as, digest, size, content)
    put_manifest(blobs, stored_as, manifest)
    with repositories.change():
        repositories.create_official(namespace, name, "Official image" if namespace == "library" else "")
        with suppress(ImageAlreadyExistsException):
            repositories.images(full_name).put(manifest, tag, False)


def _upload(blobs: Distribution, stored_as: str, digest: str, size: int, content: BinaryIO) -> None:
    started = blobs.request("POST", f"/v2/{stored_as}/blobs/uploads/", {"Content-Length": "0"})
    started.read()
    url = urlsplit(started.headers["Location"])
    headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
    blobs.request("PUT", f"{url.path}?{url.query}&digest={digest}", headers, content).read()


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")
