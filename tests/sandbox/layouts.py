"""Creates images on disk in the OCI image layout.

The layout: https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
"""

import gzip
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from tests.sandbox.conftest import layer

V2 = "application/vnd.docker.distribution.manifest.v2+json"
V2_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Layout:
    """A folder with blobs and index.json."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, content: bytes | dict, media_type: str, **more: Any) -> dict[str, Any]:
        """Write a blob; its descriptor."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs" / "sha256" / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data), **more}

    def image(self, architecture: str) -> dict[str, Any]:
        """Write an image with one small random layer for Linux and this architecture; its descriptor."""
        content = layer(os.urandom(10_000))
        config = {
            "architecture": architecture,
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.blob(config, OCI_CONFIG),
            "layers": [self.blob(gzip.compress(content), OCI_LAYER)],
        }
        return self.blob(manifest, OCI_MANIFEST, platform={"architecture": architecture, "os": "linux"})

    def index(self, manifests: list[dict[str, Any]]) -> dict[str, Any]:
        return self.blob({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}, OCI_INDEX)

    def name(self, descriptor: dict[str, Any], tag: str = "v1") -> None:
        named = {**descriptor, "annotations": {"org.opencontainers.image.ref.name": tag}}
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))


def two_platforms(folder: Path) -> str:
    """Create a layout whose tag ``v1`` is an index of two platforms; the index's digest."""
    layout = Layout(folder)
    index = layout.index([layout.image("amd64"), layout.image("arm64")])
    layout.name(index)
    return index["digest"]


def one_platform(folder: Path, architecture: str = "amd64") -> str:
    """Create a layout whose tag ``v1`` is an image for this architecture; its digest."""
    layout = Layout(folder)
    image = layout.image(architecture)
    layout.name(image)
    return image["digest"]
