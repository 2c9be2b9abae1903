"""The console's words that are not in a template, and its hints about names."""

import re
from collections.abc import Mapping
from typing import Any

CONFIRMATION = "delete"
# Of pages whose words were not compared with a dated copy of the AWS console.
UNDATED = "Words of AWS's API and documentation of 2026. They were not compared with the page of the AWS console."
MUTABILITY = {
    "MUTABLE": "Mutable",
    "IMMUTABLE": "Immutable",
    "MUTABLE_WITH_EXCLUSION": "Mutable with exclusions",
    "IMMUTABLE_WITH_EXCLUSION": "Immutable with exclusions",
}
CRITERIA = {  # *Match criteria* of a lifecycle rule
    "imageCountMoreThan": "Image count",
    "sinceImagePushed": "Days since image created",
    "sinceImagePulled": "Days since last recorded pull time",
    "sinceImageTransitioned": "Days since image archived",
}
IMAGE_STATUS = {  # *Image status* of a lifecycle rule
    "tagPatternList": "Tagged (wildcard matching)",
    "tagPrefixList": "Tagged (prefix matching)",
    "untagged": "Untagged",
    "any": "Any",
}
ENCRYPTION = {"AES256": "AES-256", "KMS": "AWS KMS", "KMS_DSSE": "AWS KMS (dual-layer)"}


def artifact_type(image: Mapping[str, Any]) -> str:
    """*Image*, *Image Index* or *Other*: https://github.com/gperdomor/oss/pull/979 shows the first two."""
    kind = image.get("imageManifestMediaType") or ""
    if "index" in kind or "manifest.list" in kind:
        return "Image Index"
    artifact = image.get("artifactMediaType") or ""
    return "Image" if not artifact or "image" in artifact else "Other"


def counted(number: int, noun: str) -> str:
    """``1 image``, ``2 images``, ``1,000 repositories``."""
    plural = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def status(value: str) -> str:
    """A status of the API, such as IN_PROGRESS, in the console's form."""
    return value.replace("_", " ").capitalize()


def name_error(name: str, shortest: int, longest: int, pattern: str) -> str:
    """What is wrong with the name of a repository, or nothing."""
    if not shortest <= len(name) <= longest:
        return f"The name has {counted(len(name), 'character')}: use {shortest} to {longest}."
    if wrong := sorted(set(re.sub(r"[a-z0-9._/-]", "", name))):
        return f"The name contains {' '.join(map(repr, wrong))}: use lower case letters, numbers and . _ - /"
    if not re.fullmatch(pattern, name):
        return "Each part of the name begins and ends with a letter or a number, with one separator between them."
    return ""
