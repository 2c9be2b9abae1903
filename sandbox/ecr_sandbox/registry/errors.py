"""Errors of a registry: why it does not store an image, and the answers that say no under ``/v2/``.

Code here and in ``services/`` raises the exceptions below, which name no service. Each registry turns them into its own
codes and sentences with ``RegistryErrors`` (``backend.py``), each API with its ``errors.py``.
Source of the codes: OCI distribution-spec, "Error Codes". Where no source is given, the sentence is ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecr_sandbox.errors import could_not
from ecr_sandbox.state import disk


@dataclass(frozen=True)
class Refusal:
    """An error answer of the registry: HTTP *status*, OCI error *code* and *message*, further *headers*."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, list[dict[str, Any]]]:
        """The JSON of distribution-spec, "Error Codes"."""
        return {"errors": [{"code": self.code, "message": self.message}]}


class Refused(Exception):
    """Raised to answer with *refusal*."""

    def __init__(self, refusal: Refusal):
        super().__init__(refusal.message)
        self.refusal = refusal


# --- why an image is not stored ---------------------------------------------------------------------------------------


class ImageError(Exception):
    """An image cannot be stored."""


@dataclass(eq=False)
class ManifestInvalid(ImageError):
    """The bytes are not a manifest that the registry takes; *reason* says what is wrong."""

    reason: str


class NotAnImageInIndex(ManifestInvalid):
    """An index lists something that is not an image, as BuildKit's cache does without ``image-manifest=true``."""

    def __init__(self, media_type: str):
        super().__init__(f"an index lists images, not {media_type}")


@dataclass(eq=False)
class DigestMismatch(ImageError):
    """The client sent the digest *given* to the *repository* of the account *registry*; the bytes have another one."""

    given: str
    repository: str
    registry: str


@dataclass(eq=False)
class ImageExists(ImageError):
    """The *repository* of the account *registry* already has the image *digest* under *tag* (None: without a tag)."""

    digest: str
    tag: str | None
    repository: str
    registry: str


@dataclass(eq=False)
class TagImmutable(ImageError):
    """*tag* names another image of the *repository* and cannot be moved."""

    tag: str
    repository: str


@dataclass(eq=False)
class LayersMissing(ImageError):
    """The *repository* of the account *registry* lacks the blobs *digests*, which the manifest names."""

    digests: list[str]
    repository: str
    registry: str


@dataclass(eq=False)
class ReferencedImagesMissing(ImageError):
    """The *repository* of the account *registry* lacks the images *digests*, which the index lists."""

    digests: list[str]
    repository: str
    registry: str


@dataclass(eq=False)
class QuotaExceeded(ImageError):
    """The registry takes no more of this; *reason* names the quota."""

    reason: str


class ManifestDamaged(OSError):
    """The stored bytes of the manifest of the image *digest* do not have this digest: the disk has changed them."""

    def __init__(self, repository: str, digest: str):
        super().__init__(
            f"The stored manifest of the image {digest} in the repository '{repository}' is damaged. Push it again."
        )


@dataclass
class UpstreamFailure(Exception):
    """An upstream registry did not give an image: an ImageFailureCode of ECR's API, and a sentence."""

    code: str
    reason: str


# --- answers that registries have in common ---------------------------------------------------------------------------

BLOB_UNKNOWN = Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")  # distribution-spec, as the next
UPLOAD_UNKNOWN = Refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
MANIFEST_TOO_LARGE = Refusal(413, "SIZE_INVALID", "The manifest is larger than 4194304 bytes.")
DIGEST_INVALID = Refusal(400, "DIGEST_INVALID", "This is not a sha256 digest.")
TAG_INVALID = Refusal(
    400, "TAG_INVALID", "A tag has up to 128 letters, digits, '.', '_' or '-', and begins with none of the last two."
)
PAGE_INVALID = Refusal(400, "PAGINATION_NUMBER_INVALID", "The size of a page is a number.")
UNSUPPORTED = Refusal(405, "UNSUPPORTED", "The operation is unsupported.")
BODY_TOO_LARGE = Refusal(413, "SIZE_INVALID", "The body of the request is too large.")
BODY_BROKEN = Refusal(400, "UNSUPPORTED", "The body of the request is broken.")
PATH_BROKEN = Refusal(400, "NAME_INVALID", "The path of the request has characters that no name has.")

# https://github.com/dotnet/sdk-container-builds/issues/424: the sentence is that of the API's exception, in CloudTrail;
# the client got status 400 from the PUT that completed the upload. The code is ours.
PART_TOO_SMALL = Refusal(400, "BLOB_UPLOAD_INVALID", "All layer parts except the last part should be at least 5MB")

INVALID_LAYER_PART = (
    "The layer part size is not valid, or the first byte specified is not consecutive to the last byte of a "
    "previous layer part upload."
)

# The user's own disk is full. The code is DENIED because docker retries other codes for minutes.
DISK_FULL = Refusal(403, "DENIED", disk.FULL)


def disk_failed(folder: Path, error: Exception) -> Refusal:
    """What the registry answers to *error*: the disk of *folder* is full, or something else about it failed."""
    return DISK_FULL if disk.is_full(folder, error) else Refusal(500, "UNKNOWN", could_not(error))


def empty_upload(upload: str, repository: str, registry: str) -> Refusal:
    """Completing an upload without parts: https://github.com/radius-project/radius/issues/7855."""
    return Refusal(
        400,
        "BLOB_UPLOAD_INVALID",
        f"The upload with id '{upload}' in the repository with name '{repository}' in registry with id '{registry}' "
        "cannot be completed because it does not have any parts",
    )


def out_of_order(end: int, first: int | None = None) -> Refusal:
    """A part that begins at byte *first*, in an upload whose last byte is *end*.

    https://github.com/apple/containerization/issues/790. *first* is None for a part whose length contradicts its
    range, or while another part is being uploaded; the sentence is then InvalidLayerPartException's in the service
    model.
    """
    wrong_place = f"First byte of the layer part is {first} instead of {end + 1}"
    return Refusal(
        416,
        "BLOB_UPLOAD_INVALID",
        INVALID_LAYER_PART if first is None else wrong_place,
        {"Range": f"0-{max(end, 0)}"},
    )


def unsupported(message: str) -> Refusal:
    """The registry does not do this, as ECR answers a delete of an image that an index lists.

    Source: ECR user guide, "Deleting OCI artifacts". The status is the one in many clients' logs for a manifest that
    ECR cannot read.
    """
    return Refusal(405, "UNSUPPORTED", message)


def denied(message: str) -> Refusal:
    """Access denied; *message* is IAM's sentence: https://github.com/ministryofjustice/cloud-platform/issues/7245."""
    return Refusal(403, "DENIED", message)
