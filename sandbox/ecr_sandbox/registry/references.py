"""The names of images and layers: tags and digests.

Source: OCI distribution-spec, "Pulling manifests"; OCI image-spec, "Digests".
"""

import re

TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
DIGEST = re.compile(r"[A-Za-z0-9_+.-]+:[A-Fa-f0-9]+")  # API reference, LayerDigest
SHA256 = re.compile(r"sha256:[a-f0-9]{64}")


def is_tag(reference: str) -> bool:
    """Whether *reference* may name an image for people."""
    return TAG.fullmatch(reference) is not None


def is_digest(reference: str) -> bool:
    """Whether *reference* has the form of a digest, of whatever hash."""
    return DIGEST.fullmatch(reference) is not None


def is_kept(digest: str) -> bool:
    """Whether things go by such a *digest* here: ECR speaks of sha256 only (API reference, ImageIdentifier)."""
    return SHA256.fullmatch(digest) is not None
