"""The base image's own repository in the sandbox, filled from the OCI layout that ``make setup`` keeps.

Source: OCI image-spec, "Image Layout".
"""

import json
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from moto.ecr.exceptions import ImageAlreadyExistsException

from .. import settings
from .ecr.backend import Backend, backend, has_blob
from .ecr.images import Manifest


def seed(layout: Path) -> None:
    """Create the mirror repository and store the image in *layout*, once; without a layout there is no mirror."""
    index = layout / "index.json"
    if not index.exists():
        return
    state = backend(settings.ACCOUNT, settings.REGION)
    digest = json.loads(index.read_text())["manifests"][0]["digest"]
    text = _blob(layout, digest).read_text()
    with Backend.store.change():
        if settings.MIRROR_REPOSITORY not in state.repositories:
            state.create_repository(settings.MIRROR_REPOSITORY, None, {}, None, "MUTABLE", [])
    repository = state.repository(settings.MIRROR_REPOSITORY)
    if repository.images.find(tag=settings.MIRROR_TAG, digest=digest):
        return
    manifest = Manifest.parse(text, None)
    for blob, _ in manifest.blobs:
        if not has_blob(Backend.blobs, repository.stored_as, blob):
            _upload(repository.stored_as, blob, _blob(layout, blob))
    with suppress(ImageAlreadyExistsException):
        state.store_image(repository.name, text, None, settings.MIRROR_TAG)


def _upload(repository: str, digest: str, path: Path) -> None:
    started = Backend.blobs.request("POST", f"/v2/{repository}/blobs/uploads/", {"Content-Length": "0"})
    started.read()
    url = urlsplit(started.headers["Location"])
    headers = {"Content-Length": str(path.stat().st_size), "Content-Type": "application/octet-stream"}
    with path.open("rb") as body:
        done = Backend.blobs.request("PUT", f"{url.path}?{url.query}&digest={digest}", headers, body)
        done.read()


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")
