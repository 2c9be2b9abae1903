"""ECR's own words: every code, status and message the sandbox adds to moto's, each with where it was seen.

The control API sends them as ``__type`` and ``message``; the registry sends OCI's error JSON
(distribution-spec, "Error Codes"). What docker prints before the message is docker's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.state import disk
from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import RepositoryNotFoundException


class ImageTagAlreadyExistsException(ServiceException):
    """https://github.com/osscontainertools/kaniko/pull/204 (2025-08-26); until 2025: "the repository is immutable"."""

    code = "ImageTagAlreadyExistsException"

    def __init__(self, tag: str, repository: str):
        super().__init__(
            f"The image tag '{tag}' already exists in the '{repository}' repository "
            "and cannot be overwritten because the tag is immutable."
        )


class ImageDigestDoesNotMatchException(ServiceException):
    """The code is the service model's; the sentence is ours."""

    code = "ImageDigestDoesNotMatchException"

    def __init__(self, given: str, true: str):
        super().__init__(f"The specified digest '{given}' does not match the calculated digest '{true}' of the image.")


class LayersNotFoundException(ServiceException):
    """The code is the service model's; the sentence is ours."""

    code = "LayersNotFoundException"

    def __init__(self, digests: list[str], repository: str, registry: str):
        super().__init__(
            f"Layers with digests '[{', '.join(digests)}]' required for pushing image into repository "
            f"with name '{repository}' in the registry with id '{registry}' do not exist"
        )


class ReferencedImagesNotFoundException(ServiceException):
    """The code is the service model's; the sentence follows LayersNotFoundException."""

    code = "ReferencedImagesNotFoundException"

    def __init__(self, digests: list[str], repository: str, registry: str):
        super().__init__(
            f"Images with digests '[{', '.join(digests)}]' required for pushing image into repository "
            f"with name '{repository}' in the registry with id '{registry}' do not exist"
        )


class NotAnImageInIndex(InvalidParameter):
    """An index that lists layers, as BuildKit's cache does without ``image-manifest=true``; the sentence is ours.

    ECR refuses it: https://github.com/aws/containers-roadmap/issues/876.
    """

    def __init__(self, media_type: str):
        super().__init__("ImageManifest", f"an index lists images, not {media_type}")


class LayerNotFoundException(ServiceException):
    """GetDownloadUrlForLayer of a layer that is not there: the code is the service model's; the sentence is ours."""

    code = "LayersNotFoundException"

    def __init__(self, digest: str, repository: str, registry: str):
        super().__init__(
            f"The layer with digest '{digest}' does not exist in the repository with name '{repository}' "
            f"in the registry with id '{registry}'"
        )


class LayerInaccessibleException(ServiceException):
    """The code is the service model's, and so is the end of the sentence."""

    code = "LayerInaccessibleException"

    def __init__(self, digest: str, repository: str, registry: str):
        super().__init__(
            f"The layer with digest '{digest}' in the repository with name '{repository}' "
            f"in the registry with id '{registry}' is not available because it is not associated with an image"
        )


class LayerArchivedException(ServiceException):
    """The code is the service model's of a layer that cannot be had; the sentence is ours."""

    code = "LayerInaccessibleException"

    def __init__(self, digest: str, repository: str, registry: str):
        super().__init__(
            f"The layer with digest '{digest}' in the repository with name '{repository}' "
            f"in the registry with id '{registry}' is not available because it is archived"
        )


class LayerAlreadyExistsException(ServiceException):
    """The code is the service model's; the sentence is ours."""

    code = "LayerAlreadyExistsException"

    def __init__(self, digest: str, repository: str, registry: str):
        super().__init__(
            f"The layer with digest '{digest}' already exists in the repository with name '{repository}' "
            f"in the registry with id '{registry}'"
        )


class LayerPartTooSmallException(ServiceException):
    """The code is the service model's; the sentence is ours."""

    code = "LayerPartTooSmallException"

    def __init__(self, size: int, smallest: int, upload: str, repository: str, registry: str):
        super().__init__(
            f"A part of {size} bytes is not the last of the upload with id '{upload}' in the repository with name "
            f"'{repository}' in the registry with id '{registry}'; such parts must have at least {smallest} bytes"
        )


class EmptyUploadException(ServiceException):
    """The code is the service model's; the sentence is ours."""

    code = "EmptyUploadException"

    def __init__(self, upload: str, repository: str, registry: str):
        super().__init__(
            f"The upload with id '{upload}' in the repository with name '{repository}' "
            f"in the registry with id '{registry}' does not contain any layer parts"
        )


class InvalidLayerException(ServiceException):
    """The code is the service model's; the sentence is the wire's, see LAYER_DIGEST_MISMATCH."""

    code = "InvalidLayerException"

    def __init__(self, upload: str, repository: str, registry: str):
        super().__init__(
            "None of the provided layer digests match the calculated layer digest of the upload with id "
            f"'{upload}' in the repository with name '{repository}' in the registry with id '{registry}'"
        )


class UnsupportedImageTypeException(ServiceException):
    """The code and the sentence are the service model's."""

    code = "UnsupportedImageTypeException"

    def __init__(self) -> None:
        super().__init__("The image is of a type that cannot be scanned.")


class ImageArchivedException(ServiceException):
    """The code and the sentence are the service model's."""

    code = "ImageArchivedException"

    def __init__(self) -> None:
        super().__init__(ARCHIVED_NOT_SCANNED)


class FeatureDisabled(ServiceException):
    """StartImageScan under enhanced scanning: https://github.com/alexjurkiewicz/ecr-scan-image/issues/44."""

    code = "ValidationException"

    def __init__(self) -> None:
        super().__init__("This feature is disabled")


class ImageStorageClassUpdateNotSupportedException(ServiceException):
    """The code and the first sentence are the service model's; the rest is ours."""

    code = "ImageStorageClassUpdateNotSupportedException"

    def __init__(self, digest: str, storage_class: str, reason: str):
        super().__init__(
            "The requested image storage class update is not supported. "
            f"The image with digest '{digest}' cannot be moved to {storage_class}: {reason}"
        )


class LimitExceededException(ServiceException):
    """The code is the service model's; for the sentences see who raises it."""

    code = "LimitExceededException"


class AboutSetting(ServiceException):
    """The code of a subclass is the service model's; the sentence is ours, after that about repositories."""

    said = ""

    def __init__(self, name: str, registry: str):
        super().__init__(f"{self.said.format(name)} in the registry with id '{registry}'")


class ExclusionAlreadyExistsException(AboutSetting):
    """See AboutSetting."""

    code = "ExclusionAlreadyExistsException"
    said = "The pull time update exclusion for the principal '{}' already exists"


class ExclusionNotFoundException(AboutSetting):
    """See AboutSetting."""

    code = "ExclusionNotFoundException"
    said = "The pull time update exclusion for the principal '{}' does not exist"


class TemplateAlreadyExistsException(AboutSetting):
    """See AboutSetting."""

    code = "TemplateAlreadyExistsException"
    said = "The repository creation template with prefix '{}' already exists"


class TemplateNotFoundException(AboutSetting):
    """See AboutSetting."""

    code = "TemplateNotFoundException"
    said = "The repository creation template with prefix '{}' does not exist"


class PullThroughCacheRuleAlreadyExistsException(AboutSetting):
    """See AboutSetting."""

    code = "PullThroughCacheRuleAlreadyExistsException"
    said = "The pull through cache rule with prefix '{}' already exists"


class PullThroughCacheRuleNotFoundException(AboutSetting):
    """See AboutSetting."""

    code = "PullThroughCacheRuleNotFoundException"
    said = "The pull through cache rule with prefix '{}' does not exist"


class ReplicationBackfillNotFoundException(AboutSetting):
    """See AboutSetting."""

    code = "ReplicationBackfillNotFoundException"
    said = "The replication backfill with id '{}' does not exist"


class ReplicationBackfillInProgressException(ServiceException):
    """The code is the service model's; the sentence is ours."""

    code = "ReplicationBackfillInProgressException"

    def __init__(self, region: str, registry: str):
        super().__init__(
            f"A replication backfill to the Region '{region}' is already in progress "
            f"in the registry with id '{registry}'"
        )


class ReplicationBackfillInvalidStatusException(ServiceException):
    """The code is the service model's; the sentence is ours."""

    code = "ReplicationBackfillInvalidStatusException"

    def __init__(self, number: str, status: str):
        super().__init__(f"The replication backfill with id '{number}' cannot be stopped: its status is {status}")


class UnsupportedUpstreamRegistryException(ServiceException):
    """The code is the service model's; the sentence is ours."""

    code = "UnsupportedUpstreamRegistryException"

    def __init__(self, url: str):
        super().__init__(f"The upstream registry '{url}' is not supported")


class SecretNotFoundException(ServiceException):
    """The code is the service model's; the sentence is ours."""

    code = "SecretNotFoundException"

    def __init__(self, arn: str):
        super().__init__(f"The secret with ARN '{arn}' does not exist")


class UnableToAccessSecretException(ServiceException):
    """The code is the service model's; the sentence is ours."""

    code = "UnableToAccessSecretException"

    def __init__(self, arn: str):
        super().__init__(
            f"The secret with ARN '{arn}' cannot be used: it must be a JSON object with username and accessToken"
        )


@dataclass(frozen=True)
class Refusal:
    """An answer of the registry that says no: HTTP *status*, OCI error *code* and *message*, further *headers*."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, list[dict[str, Any]]]:
        """The JSON of distribution-spec, "Error Codes"."""
        return {"errors": [{"code": self.code, "message": self.message}]}


class Refused(Exception):
    """Raised to give the answer *refusal*."""

    def __init__(self, refusal: Refusal):
        super().__init__(refusal.message)
        self.refusal = refusal


# The service model's, of ImageArchivedException.
ARCHIVED_NOT_SCANNED = "The specified image is archived and cannot be scanned."

# A second basic scan within 24 hours; the sentence is in many public logs.
SCAN_QUOTA = "The scan quota per image has been exceeded. Wait and try again."

# The status is AWS's (user guide, "Understanding scan status SCAN_ELIGIBILITY_EXPIRED"); the sentence is ours.
ELIGIBILITY_EXPIRED = "The image was pushed more than 30 days ago: it is not scanned any more."


def unsupported_frequency(frequency: str, scan_type: str) -> ServiceException:
    """Which go together is the API reference's (RegistryScanningRule); the sentence is ours."""
    return InvalidParameter("rules.scanFrequency", f"{frequency} is not supported when scanType is {scan_type}")


# Plain text, not JSON: https://github.com/NVIDIA/enroot/issues/59
NOT_AUTHORIZED = "Not Authorized\n"

# https://github.com/aws/aws-cli/issues/5317, https://github.com/kreuzwerker/terraform-provider-docker/pull/666
TOKEN_INVALID = Refusal(400, "DENIED", "Your Authorization Token is invalid.")

# https://github.com/aws/aws-cli/issues/6580; the status: https://github.com/awslabs/soci-snapshotter/issues/1148
TOKEN_EXPIRED = Refusal(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")

# AWS user guide, "Troubleshooting errors with Docker commands when using Amazon ECR"
IMAGE_NOT_FOUND = Refusal(404, "MANIFEST_UNKNOWN", "Requested image not found")

# distribution-spec, "Error Codes"
BLOB_UNKNOWN = Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
UPLOAD_UNKNOWN = Refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
MANIFEST_TOO_LARGE = Refusal(413, "SIZE_INVALID", "The manifest is larger than 4194304 bytes.")

# https://github.com/dotnet/sdk-container-builds/issues/424
LAYER_DIGEST_MISMATCH = Refusal(
    400, "BLOB_UPLOAD_INVALID", "None of the provided layer digests match the calculated layer digest"
)

# Distribution-spec, "Error Codes"; the sentences are ours. ECR's own for these are not known.
DIGEST_INVALID = Refusal(400, "DIGEST_INVALID", "This is not a sha256 digest.")
TAG_INVALID = Refusal(
    400, "TAG_INVALID", "A tag has up to 128 letters, digits, '.', '_' or '-', and begins with none of the last two."
)
PAGE_INVALID = Refusal(400, "PAGINATION_NUMBER_INVALID", "The size of a page is a number.")
UNSUPPORTED = Refusal(405, "UNSUPPORTED", "The operation is unsupported.")

# The sentences are the service model's, of the API's exceptions; how the registry sends them is not known.
PART_TOO_SMALL = Refusal(400, "BLOB_UPLOAD_INVALID", "Layer parts must be at least 5 MiB in size.")
EMPTY_UPLOAD = Refusal(400, "BLOB_UPLOAD_INVALID", "The specified layer upload does not contain any layer parts.")


def out_of_order(end: int) -> Refusal:
    """416: the spec's status. The sentence is the service model's, of InvalidLayerPartException."""
    return Refusal(
        416,
        "BLOB_UPLOAD_INVALID",
        "The layer part size is not valid, or the first byte specified is not consecutive to the last byte of a "
        "previous layer part upload.",
        {"Range": f"0-{max(end, 0)}"},
    )


def unsupported(message: str) -> Refusal:
    """How the registry sends what the API words: ECR user guide, "Deleting OCI artifacts", for an image in an index.

    The status is that of a manifest which ECR cannot read, in many clients' logs.
    """
    return Refusal(405, "UNSUPPORTED", message)


# Not ECR's: what its front end answers to these is not published.
BODY_TOO_LARGE = Refusal(413, "SIZE_INVALID", "The body of the request is too large.")
BODY_BROKEN = Refusal(400, "UNSUPPORTED", "The body of the request is broken.")
PATH_BROKEN = Refusal(400, "NAME_INVALID", "The path of the request has characters that no name has.")

# Not ECR's: the learner's own disk. DENIED, because docker retries other codes for minutes.
DISK_FULL = Refusal(403, "DENIED", disk.FULL)


def denied(message: str) -> Refusal:
    """IAM's sentence: https://github.com/ministryofjustice/cloud-platform/issues/7245."""
    return Refusal(403, "DENIED", message)


def upstream_failed(code: str, reason: str) -> Refusal:
    """How the registry words an ImageFailureCode of an upstream registry.

    DENIED: https://github.com/aws/containers-roadmap/issues/2354; not found: user guide, "Troubleshooting pull through
    cache issues". That what is not available is DENIED too is ours: docker tries other codes again for minutes.
    """
    if code == "ImageNotFound":
        return IMAGE_NOT_FOUND
    return Refusal(429, "TOOMANYREQUESTS", reason) if code == "UpstreamTooManyRequests" else denied(reason)


def repository_unknown(name: str, account: str) -> Refusal:
    """https://github.com/aws-actions/amazon-ecr-login/issues/4; 404: https://github.com/docker/cli/issues/5275."""
    return Refusal(404, "NAME_UNKNOWN", RepositoryNotFoundException(name, account).message)


def manifest_refused(error: ServiceException) -> Refusal:
    """How the registry words what ``PutImage`` refuses."""
    codes = {
        # https://github.com/osscontainertools/kaniko/pull/204
        "ImageTagAlreadyExistsException": (400, "TAG_INVALID"),
        "LayersNotFoundException": (404, "MANIFEST_BLOB_UNKNOWN"),
        "ReferencedImagesNotFoundException": (404, "MANIFEST_BLOB_UNKNOWN"),
        "ImageDigestDoesNotMatchException": (400, "DIGEST_INVALID"),
        "RepositoryNotFoundException": (404, "NAME_UNKNOWN"),
    }
    if isinstance(error, NotAnImageInIndex):  # the status: https://github.com/overhangio/tutor/issues/1118
        return Refusal(400, "MANIFEST_INVALID", error.message)
    if error.code not in codes:
        return unsupported(error.message)
    status, code = codes[error.code]
    return Refusal(status, code, error.message)
