"""Reading a manifest: what it is, what it names, and what is wrong with it.

Sources: OCI image-spec, "Image Manifest", "Image Index" and "Descriptor"; Docker's image manifest, version 2 schema 2.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from ..words import InvalidParameter

DIGEST = re.compile(r"[A-Za-z0-9_+.-]+:[A-Fa-f0-9]+")  # API reference, LayerDigest
FIELD = "imageManifest"


@dataclass(frozen=True)
class Manifest:
    """A manifest as it was sent, and what its bytes say."""

    text: str
    media_type: str
    digest: str
    artifact_type: str | None
    blobs: tuple[tuple[str, int], ...]  # digest and size in bytes of config and layers
    children: tuple[str, ...]  # digests of the manifests that an index lists
    subject: str | None = None  # digest of the image that this one says something about

    @classmethod
    def parse(cls, text: str, media_type: str | None) -> "Manifest":
        """Read *text*; raises InvalidParameter when it is no image manifest or index."""
        content = _json(text)
        config = content.get("config")
        is_index = "manifests" in content
        if config is None and not is_index:
            raise InvalidParameter(FIELD, "Unsupported manifest type")
        # A layer named twice is stored once.
        blobs = dict(_descriptor(part) for part in [config, *_list(content, "layers")]) if config is not None else {}
        children = [_digest(part) for part in _list(content, "manifests")] if is_index else []
        subject = content.get("subject")
        return cls(
            text,
            media_type or _media_type(content),
            digest_of(text.encode()),
            _artifact_type(content),
            tuple(blobs.items()),
            tuple(dict.fromkeys(children)),
            None if subject is None else _digest(subject),
        )


def digest_of(content: bytes) -> str:
    """The name of these bytes: ``sha256:`` and their hash (OCI image-spec, "Digests")."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _json(text: str) -> dict[str, Any]:
    try:
        text.encode()  # half of a surrogate pair has no bytes
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidParameter(FIELD, "Invalid JSON syntax") from None
    if not isinstance(content, dict):
        raise InvalidParameter(FIELD, "Invalid JSON syntax")
    return content


def _descriptor(part: Any) -> tuple[str, int]:
    """The digest and the size in bytes that a descriptor gives."""
    digest, size = _digest(part), part.get("size")
    if size is None:
        raise InvalidParameter(FIELD, "size is required")
    if not isinstance(size, int) or not 0 <= size < 2**63:
        raise InvalidParameter(FIELD, "Invalid size")
    return digest, size


def _digest(part: Any) -> str:
    if not isinstance(part, dict):
        raise InvalidParameter(FIELD, "Invalid JSON syntax")
    digest = part.get("digest")
    if digest is None:
        raise InvalidParameter(FIELD, "digest is required")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise InvalidParameter(FIELD, "Invalid digest")
    return digest


def _list(content: dict[str, Any], name: str) -> list[Any]:
    if name not in content:
        raise InvalidParameter(FIELD, f"{name} is required")
    if not isinstance(content[name], list):
        raise InvalidParameter(FIELD, "Invalid JSON syntax")
    return content[name]


def _media_type(content: dict[str, Any]) -> str:
    if "mediaType" not in content:
        raise InvalidParameter(FIELD, "mediaType is required")
    if not isinstance(content["mediaType"], str):
        raise InvalidParameter(FIELD, "Invalid JSON syntax")
    return content["mediaType"]


def _artifact_type(content: dict[str, Any]) -> str | None:
    """What the image is (distribution-spec, "Listing Referrers"): the type it gives itself, else its config's."""
    config = content.get("config")
    declared = content.get("artifactType") or (config.get("mediaType") if isinstance(config, dict) else None)
    return declared if isinstance(declared, str) else None
