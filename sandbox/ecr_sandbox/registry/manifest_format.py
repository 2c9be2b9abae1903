"""Parses and validates manifests; ``manifest_schema.py`` has the fields and their types.

"Invalid JSON syntax" is what ECR says of everything that is not a manifest as it expects it, also of correct JSON:
https://github.com/aws/containers-roadmap/issues/2439, https://github.com/CircleCI-Public/aws-ecr-orb/issues/393.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from ecr_sandbox import strict_json

from . import manifest_schema
from .errors import ManifestInvalid, NotAnImageInIndex

INVALID_JSON = "Invalid JSON syntax"
# https://github.com/werf/werf/pull/2558, https://github.com/moby/buildkit/pull/4331
NO_LAYERS = "Image has to have at least 1 layer"
OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
IMAGES = (OCI, DOCKER)
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
# Media types of layers that only their publisher distributes: clients do not push them.
FOREIGN = ("nondistributable", ".foreign.")


@dataclass(frozen=True)
class Manifest:
    """A manifest as it was sent, and its parsed content."""

    text: str
    media_type: str
    digest: str
    artifact_type: str | None
    blobs: tuple[tuple[str, int], ...]  # digest and size in bytes of config and layers
    children: tuple[str, ...]  # digests of the manifests that an index lists
    subject: str | None = None  # digest of the image that this one refers to
    layers: int = 0  # how many are listed, one that is listed twice included

    @classmethod
    def parse(cls, text: str, media_type: str | None, as_ecr: bool = True) -> "Manifest":
        """Parse *text* of the given *media_type*; raises ManifestInvalid.

        *as_ecr*: refuse what ECR refuses and the specification allows, an image without layers and unknown fields.
        """
        content = _json(text)
        kind = _kind(content, media_type)
        is_index = kind in INDEXES
        if is_index:
            _check_children(content)
        elif content.get("layers") is None:
            content["layers"] = []  # as Go writes an empty list
        check = manifest_schema.INDEX if is_index else manifest_schema.IMAGE
        if not check(content, as_ecr):
            raise ManifestInvalid(INVALID_JSON)
        if as_ecr and not is_index and not content["layers"]:
            raise ManifestInvalid(NO_LAYERS)
        return cls(
            text,
            kind,
            digest_of(text.encode()),
            content.get("artifactType") or content.get("config", {}).get("mediaType"),
            () if is_index else _blobs(content),
            tuple(dict.fromkeys(child["digest"] for child in content.get("manifests", []))) if is_index else (),
            content["subject"]["digest"] if "subject" in content else None,
            0 if is_index else len(content["layers"]),
        )


def digest_of(content: bytes) -> str:
    """The digest of these bytes: ``sha256:`` and their hash (OCI image-spec, "Digests")."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def blobs_of(text: str) -> tuple[tuple[str, int], ...]:
    """The digests and sizes of config and layers in a stored manifest; an index has none."""
    content = json.loads(text)
    return _blobs(content) if "config" in content else ()


def _json(text: str) -> dict[str, Any]:
    """The object in *text*; raises ManifestInvalid."""
    try:
        text.encode()  # half of a surrogate pair cannot be encoded
        content = strict_json.loads(text, unique_names=True)
    except ValueError:
        raise ManifestInvalid(INVALID_JSON) from None
    if not isinstance(content, dict):
        raise ManifestInvalid(INVALID_JSON)
    return content


def _kind(content: dict[str, Any], given: str | None) -> str:
    """The media type, from the client or the manifest; a manifest that can be read as two types is refused.

    Source: GHSA-mc8v-mgrf-8f4m of the OCI distribution-spec.
    """
    own = content.get("mediaType", given)
    kind = given or own
    if own != kind or kind not in IMAGES + INDEXES:
        raise ManifestInvalid(INVALID_JSON)
    if content.keys() & ({"layers", "config"} if kind in INDEXES else {"manifests"}):
        raise ManifestInvalid(INVALID_JSON)
    return str(kind)


def _check_children(content: dict[str, Any]) -> None:
    """Refuse an index that lists something else than images."""
    listed = content.get("manifests")
    for part in listed if isinstance(listed, list) else ():
        kind = part.get("mediaType") if isinstance(part, dict) else None
        if isinstance(kind, str) and kind not in IMAGES + INDEXES:
            raise NotAnImageInIndex(kind)


def _blobs(content: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """A layer named twice is stored once."""
    parts = [content["config"], *(content.get("layers") or [])]
    return tuple({part["digest"]: part["size"] for part in parts if not _is_foreign(part)}.items())


def _is_foreign(part: dict[str, Any]) -> bool:
    return any(each in str(part.get("mediaType")) for each in FOREIGN)
