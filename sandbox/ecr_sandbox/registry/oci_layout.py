"""Images that the sandbox itself puts in place, from an OCI image layout for example.

Source: OCI image-spec, "Image Layout".
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from .distribution import Distribution
from .manifest_format import Manifest

Opener = Callable[[str], BinaryIO]  # the bytes of a digest


def read(layout: Path) -> tuple[Manifest, Opener] | None:
    """The first image in the folder *layout* and how to open its blobs, or None when there is no layout."""
    index = layout / "index.json"
    if not index.exists():
        return None
    opened = partial(_open, layout)
    with opened(json.loads(index.read_text())["manifests"][0]["digest"]) as text:
        return Manifest.parse(text.read().decode(), None), opened


@contextmanager
def stored(blobs: Distribution, repository: str, manifest: Manifest, opened: Opener) -> Iterator[None]:
    """Round the storing of an image: *repository* (as Distribution names it) has its blobs, and keeps them meanwhile.

    What it has is not sent again. Raises OSError.
    """
    digests = [digest for digest, _ in manifest.blobs]
    with blobs.promises.redeeming(repository, digests):
        for digest, size in manifest.blobs:
            if blobs.size(repository, digest) is None:
                with opened(digest) as content:
                    _upload(blobs, repository, digest, size, content)
        blobs.tree.sync(repository, digests)
        yield


def _upload(blobs: Distribution, repository: str, digest: str, size: int, content: BinaryIO) -> None:
    started = blobs.request("POST", f"/v2/{repository}/blobs/uploads/", {"Content-Length": "0"})
    started.read()
    url = urlsplit(started.headers["Location"])
    headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
    done = blobs.request("PUT", f"{url.path}?{url.query}&digest={digest}", headers, content)
    reason = done.read().decode(errors="replace")
    if done.status != 201:
        raise OSError(f"the registry could not store {digest}: {reason}")


def _open(layout: Path, digest: str) -> BinaryIO:
    return (layout / "blobs" / digest.replace(":", "/")).open("rb")
