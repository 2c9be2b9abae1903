"""Images that the sandbox stores on its own account, from an OCI image layout for example.

Source: OCI image-spec, "Image Layout".
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from .content_store import ContentStore
from .manifest_format import Manifest
from .references import Key

Opener = Callable[[str], BinaryIO]  # the bytes of a digest


def read(layout: Path) -> tuple[Manifest, Opener] | None:
    """The first image in the folder *layout* and how to open its blobs, or None when there is no layout."""
    index = layout / "index.json"
    if not index.exists():
        return None
    opened = partial(_open, layout)
    with opened(json.loads(index.read_text())["manifests"][0]["digest"]) as text:
        return Manifest.parse(text.read().decode(), None, as_ecr=False), opened


def add_blobs(content: ContentStore, key: Key, manifest: Manifest, opened: Opener) -> None:
    """Let the repository have the blobs of *manifest* that it does not have yet; raises OSError."""
    for digest, _ in manifest.blobs:
        if content.size(key, digest, lease=True) is None:
            with opened(digest) as blob:
                content.add(key, digest, blob)


def _open(layout: Path, digest: str) -> BinaryIO:
    return (layout / "blobs" / digest.replace(":", "/")).open("rb")
