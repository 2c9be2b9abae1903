"""An image from an OCI image layout into Distribution.

Source: OCI image-spec, "Image Layout".
"""

import json
from pathlib import Path
from urllib.parse import urlsplit

from ..ecr.backend import has_blob, put_manifest
from ..ecr.images import Manifest
from .distribution import Distribution


def read(layout: Path) -> Manifest | None:
    """The manifest of the first image in the folder *layout*, or None when there is no layout."""
    index = layout / "index.json"
    if not index.exists():
        return None
    first = json.loads(index.read_text())["manifests"][0]
    return Manifest.parse(_blob(layout, first["digest"]).read_text(), first.get("mediaType"))


def store(blobs: Distribution, repository: str, manifest: Manifest, layout: Path) -> None:
    """Let *repository* (as Distribution names it) have *manifest* and its blobs; what it has is not sent again."""
    for digest, _ in manifest.blobs:
        if not has_blob(blobs, repository, digest):
            _upload(blobs, repository, digest, _blob(layout, digest))
    put_manifest(blobs, repository, manifest)


def _upload(blobs: Distribution, repository: str, digest: str, path: Path) -> None:
    started = blobs.request("POST", f"/v2/{repository}/blobs/uploads/", {"Content-Length": "0"})
    started.read()
    url = urlsplit(started.headers["Location"])
    headers = {"Content-Length": str(path.stat().st_size), "Content-Type": "application/octet-stream"}
    with path.open("rb") as body:
        done = blobs.request("PUT", f"{url.path}?{url.query}&digest={digest}", headers, body)
        reason = done.read().decode(errors="replace")
    if done.status != 201:
        raise OSError(f"the registry could not store {digest}: {reason}")


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")
