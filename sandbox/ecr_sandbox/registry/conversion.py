"""Converts the manifest of a pull by tag to a format that the client accepts: OCI's or Docker's, which differ in names.

ECR also converts Docker's schema 2 to schema 1, for Docker 1.9 and older. The sandbox does not.
Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html. The exact bytes that ECR
makes are not known, so the digest of a converted manifest differs from AWS's.
"""

import json
from collections.abc import Collection
from typing import Any

from .manifest_format import DOCKER, OCI

# OCI image-spec, "Compatibility Matrix". Other types (zstd layers, artifacts) have no equivalent.
TWINS = {
    OCI: DOCKER,
    "application/vnd.oci.image.config.v1+json": "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.layer.v1.tar": "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": (
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    ),
}
TWINS |= {docker: oci for oci, docker in TWINS.items()}


def convert(text: str, media_type: str, accepted: Collection[str]) -> tuple[str, str] | None:
    """The manifest *text* in a format of the *accepted* media types, and its media type.

    None when the client accepts the stored format, when it names none, or when no conversion is possible.
    """
    wanted = TWINS.get(media_type)
    if not accepted or media_type in accepted or wanted not in accepted:
        return None
    manifest = json.loads(text)
    parts = [_converted(part) for part in (manifest["config"], *manifest["layers"])]
    if "subject" in manifest or "artifactType" in manifest or None in parts:
        return None
    converted = {"schemaVersion": 2, "mediaType": wanted, "config": parts[0], "layers": parts[1:]}
    return json.dumps(converted, indent=3), str(wanted)


def _converted(part: dict[str, Any]) -> dict[str, Any] | None:
    """A descriptor with the equivalent media type; Docker's has no annotations."""
    twin = TWINS.get(str(part.get("mediaType")))
    if twin is None:
        return None
    return {"mediaType": twin} | {name: part[name] for name in ("size", "digest", "urls") if name in part}
