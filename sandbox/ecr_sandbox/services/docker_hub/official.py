"""Images of no account: official ones, and the one whose manifest shows the pull limit."""

import hashlib
import json
import threading
from contextlib import suppress
from io import BytesIO

from ecr_sandbox import settings
from ecr_sandbox.http.middleware import Request
from ecr_sandbox.registry import oci_layout
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.errors import ImageExists
from ecr_sandbox.registry.manifest_format import Manifest

from .repositories import Repositories

LIBRARY = "library"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
# Docker's documentation requests it to show the pull limit. It has only a manifest and a config.
PREVIEW = ("ratelimitpreview", "test")
PREVIEW_CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})


def preview(repositories: Repositories, blobs: ContentStore) -> None:
    """Store ``ratelimitpreview/test:latest``, once. Raises OSError."""
    digest = "sha256:" + hashlib.sha256(PREVIEW_CONFIG.encode()).hexdigest()
    config = {"mediaType": CONFIG_TYPE, "size": len(PREVIEW_CONFIG), "digest": digest}
    text = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": []})
    opened = lambda _: BytesIO(PREVIEW_CONFIG.encode())  # noqa: E731
    _put(repositories, blobs, *PREVIEW, "latest", Manifest.parse(text, None, as_ecr=False), opened)


def is_requested(request: Request) -> bool:
    """Whether a request is about an official image, or for a token for one."""
    if request.path == "/token":
        return any(f":{LIBRARY}/" in scope for scope in request.values.getlist("scope"))
    return request.path.startswith(f"/v2/{LIBRARY}/")


class Mirror:
    """The official images: only the base image, stored by the first request for one."""

    def __init__(self, repositories: Repositories, blobs: ContentStore):
        self._repositories, self._blobs = repositories, blobs
        self._lock, self._filled = threading.Lock(), False

    def fill(self) -> None:
        """Store the base image, once; without a layout there is none. Raises OSError."""
        with self._lock:
            found = None if self._filled else oci_layout.read(settings.from_environ().base_image_layout)
            if found:
                name = settings.MIRROR_REPOSITORY.rpartition("/")[2]
                _put(self._repositories, self._blobs, LIBRARY, name, settings.MIRROR_TAG, *found)
            self._filled = True


def _put(
    repositories: Repositories,
    blobs: ContentStore,
    namespace: str,
    name: str,
    tag: str,
    manifest: Manifest,
    opened: oci_layout.Opener,
) -> None:
    full_name = f"{namespace}/{name}"
    if repositories.images(full_name).find(tag=tag, digest=manifest.digest):
        return
    images = repositories.images(full_name)
    oci_layout.add_blobs(blobs, images.key, manifest, opened)
    with repositories.change():
        blobs.require_blobs(images, manifest, full_name, "docker.io")
        repositories.create_official(namespace, name, "Official image" if namespace == LIBRARY else "")
        with suppress(ImageExists):
            images.put(manifest, tag, False)
