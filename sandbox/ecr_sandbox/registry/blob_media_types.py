"""The media types of blobs: only manifests have them, an upload has none."""

import json
from typing import Any


def media_types_of(manifest: str) -> dict[str, str]:
    """The media types of config and layers, by digest, in a stored *manifest*; an index has none."""
    content = json.loads(manifest)
    parts: list[Any] = [content.get("config"), *(content.get("layers") or [])]
    return {part["digest"]: part["mediaType"] for part in parts if _is_described(part)}


def _is_described(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("digest"), str) and isinstance(part.get("mediaType"), str)
