"""How things are named: repositories by a key, images by tags and digests, blobs by digests.

Source: OCI distribution-spec, "Pulling manifests"; OCI image-spec, "Digests".
"""

import re

from .errors import DIGEST_INVALID, TAG_INVALID, Refusal

Key = tuple[str, str, str]  # account, Region and name of a repository, as the tables of the store have them
HERE = "account = ? AND region = ? AND repository = ?"  # the rows of a Key

TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
DIGEST = re.compile(r"[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+")  # API reference, LayerDigest
SHA256 = re.compile(r"sha256:[a-f0-9]{64}")


def is_tag(reference: str) -> bool:
    """Whether *reference* has the form of a tag."""
    return TAG.fullmatch(reference) is not None


def refused(reference: str, stores: bool) -> Refusal | None:
    """The answer to a *reference* that is neither tag nor digest; to read an impossible tag finds nothing."""
    if ":" in reference:
        return None if is_sha256(reference) else DIGEST_INVALID
    return TAG_INVALID if stores and not is_tag(reference) else None


def is_digest(reference: str) -> bool:
    """Whether *reference* has the form of a digest, of any algorithm."""
    return DIGEST.fullmatch(reference) is not None


def is_sha256(digest: str) -> bool:
    """Whether *digest* is a sha256, the only kind that ECR supports (API reference, ImageIdentifier)."""
    return SHA256.fullmatch(digest) is not None
