"""Parses and validates manifests.

Sources: OCI image-spec, "Image Manifest", "Image Index" and "Descriptor"; Docker's image manifest, version 2 schema 2.
"Invalid JSON syntax" is ECR's message, as in many clients' logs; the other reasons are ours.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from .errors import ManifestInvalid, NotAnImageInIndex

DIGEST = re.compile(r"[A-Za-z0-9_+.-]+:[A-Fa-f0-9]+")  # API reference, LayerDigest
INVALID_JSON = "Invalid JSON syntax"
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

    @classmethod
    def parse(cls, text: str, media_type: str | None) -> "Manifest":
        """Parse *text* of the given *media_type*; raises ManifestInvalid if ECR would refuse it."""
        content = _json(text)
        kind = _kind(content, media_type)
        is_index = kind in INDEXES
        children = [_child(part) for part in _list(content, "manifests")] if is_index else []
        subject = content.get("subject")
        return cls(
            text,
            kind,
            digest_of(text.encode()),
            _artifact_type(content),
            () if is_index else _blobs(content),
            tuple(dict.fromkeys(children)),
            None if subject is None else _digest(subject),
        )


def digest_of(content: bytes) -> str:
    """The digest of these bytes: ``sha256:`` and their hash (OCI image-spec, "Digests")."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def blobs_of(text: str) -> tuple[tuple[str, int], ...]:
    """The digests and sizes of config and layers in a stored manifest; an index has none."""
    content = json.loads(text)
    return _blobs(content) if "layers" in content else ()


def _json(text: str) -> dict[str, Any]:
    try:
        text.encode()  # half of a surrogate pair cannot be encoded
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise ManifestInvalid(INVALID_JSON) from None
    if not isinstance(content, dict):
        raise ManifestInvalid(INVALID_JSON)
    return content


def _descriptor(part: Any) -> tuple[str, int]:
    """The digest and the size in bytes that a descriptor gives."""
    digest, size = _digest(part), part.get("size")
    if size is None:
        raise ManifestInvalid("size is required")
    if not isinstance(size, int) or not 0 <= size < 2**63:
        raise ManifestInvalid("Invalid size")
    return digest, size


def _digest(part: Any) -> str:
    if not isinstance(part, dict):
        raise ManifestInvalid(INVALID_JSON)
    digest = part.get("digest")
    if digest is None:
        raise ManifestInvalid("digest is required")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise ManifestInvalid("Invalid digest")
    return digest


def _child(part: Any) -> str:
    """The digest of an image that an index lists."""
    digest, kind = _digest(part), part.get("mediaType")
    if isinstance(kind, str) and kind not in IMAGES + INDEXES:
        raise NotAnImageInIndex(kind)
    return digest


def _list(content: dict[str, Any], name: str) -> list[Any]:
    if name not in content:
        raise ManifestInvalid(f"{name} is required")
    if not isinstance(content[name], list):
        raise ManifestInvalid(INVALID_JSON)
    return content[name]


def _kind(content: dict[str, Any], given: str | None) -> str:
    """The media type, from the client or the manifest; a manifest that can be read as two types is refused.

    Source: GHSA-mc8v-mgrf-8f4m of the OCI distribution-spec.
    """
    own = content.get("mediaType")
    kind = given or own
    if kind is None:
        raise ManifestInvalid("mediaType is required")
    if own is not None and own != kind:
        raise ManifestInvalid(f"must be of the type {kind}")
    if kind not in IMAGES + INDEXES:
        raise ManifestInvalid("Unsupported manifest type")
    if content.keys() & ({"layers", "config"} if kind in INDEXES else {"manifests"}):
        raise ManifestInvalid(f"must be of the type {kind}")
    return kind


def _blobs(content: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """A layer named twice is stored once."""
    parts = [content.get("config"), *_list(content, "layers")]
    return tuple(dict(_descriptor(part) for part in parts if not _is_foreign(part)).items())


def _is_foreign(part: Any) -> bool:
    return isinstance(part, dict) and any(each in str(part.get("mediaType")) for each in FOREIGN)


def _artifact_type(content: dict[str, Any]) -> str | None:
    """The artifact type (distribution-spec, "Listing Referrers"): the declared one, else the config's."""
    config = content.get("config")
    declared = content.get("artifactType") or (config.get("mediaType") if isinstance(config, dict) else None)
    return declared if isinstance(declared, str) else None
