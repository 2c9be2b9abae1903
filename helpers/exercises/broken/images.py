"""Small images for broken exercises, pushed through ECR's API: in any Region, and without Docker."""

import contextlib
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from helpers import tiny_image
from helpers.lab import Lab

from .. import lookup

DEBIAN = b'ID=debian\nVERSION_ID="12"\n'
SCAN_SECONDS = 300  # on AWS a scan takes a minute or two
PAUSE = {"sandbox": 0.1, "aws": 5.0}  # seconds between two polls


class Package(NamedTuple):
    """A package of Debian 12 with its source and version."""

    name: str
    source: str
    version: str


def push(ecr: Any, repository: str, files: Mapping[str, bytes], *tags: str, **settings: object) -> str:
    """Push an image with these files in one layer, under each tag; its digest. *settings* as in ``push_layers``."""
    return push_layers(ecr, repository, [tiny_image.tar(dict(files))], *tags, **settings)


def push_greeting(ecr: Any, repository: str, *tags: str, greeting: str = "Hello, registry!", **settings: object) -> str:
    """Push the tiny image with this greeting under each tag; its digest. *settings* as in ``push_layers``."""
    return push_layers(ecr, repository, tiny_image.layers(greeting), *tags, **settings)


def push_layers(ecr: Any, repository: str, layers: list[bytes], *tags: str, **settings: object) -> str:
    """Push an image of these layers under each tag; its digest.

    *settings* replace parts of the image's config, ``architecture`` or ``config``.
    """
    config, manifest = tiny_image.describe(layers, {**tiny_image.EXAMPLE, **settings})
    for blob in (*layers, config):
        upload(ecr, repository, blob)
    return put(ecr, repository, manifest.decode(), *tags)


def upload(ecr: Any, repository: str, blob: bytes) -> None:
    """Upload this blob as one layer part, unless the repository has it."""
    digest, here = tiny_image.digest(blob), {"repositoryName": repository}
    found = ecr.batch_check_layer_availability(**here, layerDigests=[digest])["layers"]
    if found and found[0]["layerAvailability"] == "AVAILABLE":
        return
    started = {**here, "uploadId": ecr.initiate_layer_upload(**here)["uploadId"]}
    ecr.upload_layer_part(**started, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob)
    ecr.complete_layer_upload(**started, layerDigests=[digest])


def push_index(ecr: Any, repository: str, images: Mapping[str, str], tag: str) -> str:
    """Push an index of images that are there, ``{architecture: digest}``; its digest."""
    found = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageDigest": each} for each in images.values()])
    sizes = {each["imageId"]["imageDigest"]: len(each["imageManifest"].encode()) for each in found["images"]}
    listed = [
        {
            "mediaType": tiny_image.MANIFEST,
            "digest": digest,
            "size": sizes[digest],
            "platform": {"os": "linux", "architecture": architecture},
        }
        for architecture, digest in images.items()
    ]
    return put(
        ecr, repository, json.dumps({"schemaVersion": 2, "mediaType": tiny_image.INDEX, "manifests": listed}), tag
    )


def put(ecr: Any, repository: str, manifest: str, *tags: str) -> str:
    """Put this manifest under each tag, or without one; the digest."""
    here = {"repositoryName": repository, "imageManifest": manifest}
    for tag in tags:
        with contextlib.suppress(ecr.exceptions.ImageAlreadyExistsException):
            ecr.put_image(**here, imageTag=tag)
    if not tags:
        ecr.put_image(**here)
    return tiny_image.digest(manifest.encode())


def debian(*packages: Package) -> dict[str, bytes]:
    """The files of a Debian 12 that list its packages, as a scan reads them."""
    stanzas = (
        f"Package: {each.name}\nStatus: install ok installed\nArchitecture: amd64\n"
        f"Source: {each.source}\nVersion: {each.version}\n\n"
        for each in packages
    )
    return {"etc/os-release": DEBIAN, "var/lib/dpkg/status": "".join(stanzas).encode()}


def wait_for_scan(lab: Lab, repository: str, tag: str) -> set[str]:
    """The names of the findings of this image, once a scan has ended; empty if none ends in time."""
    end = time.monotonic() + SCAN_SECONDS
    while time.monotonic() < end:
        status, names = lookup.scan_state(lab.client(), repository, imageTag=tag)
        if status in lookup.SCAN_DONE:
            return names
        time.sleep(PAUSE[lab.target])
    return set()
