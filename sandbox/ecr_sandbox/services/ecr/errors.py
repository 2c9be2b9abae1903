"""ECR's errors: the codes, statuses and messages that the sandbox adds to moto's, each with its source.

What ECR shares with ECR Public is in ``services/image_errors.py``, AWS's common errors are in ``aws/errors.py``.
The API sends a code as ``__type`` and the sentence as ``message``. Where a class names no other source, the code is
the service model's and the sentence is ours.
"""

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import InvalidLayerPartException

from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.registry.errors import PART_TOO_SMALL, Refusal, denied, empty_upload, out_of_order
from ecr_sandbox.services.image_errors import IMAGE_NOT_FOUND, LAYER_DIGEST_MISMATCH

# --- layers -----------------------------------------------------------------------------------------------------------


class LayerError(ServiceException):
    """An error about one layer of a repository."""

    sentence = ""

    def __init__(self, digest: str, repository: str, registry: str):
        layer = f"The layer with digest '{digest}'"
        place = f"the repository with name '{repository}' in the registry with id '{registry}'"
        super().__init__(self.sentence.format(layer=layer, place=place))


class LayerNotFoundException(LayerError):
    """GetDownloadUrlForLayer of a layer that does not exist: https://github.com/monken/aws-ecr-public/issues/11."""

    code = "LayersNotFoundException"
    sentence = "{layer} does not exist within {place}"


class LayerInaccessibleException(LayerError):
    """GetDownloadUrlForLayer of a layer that no image uses; the end of the sentence is the service model's too."""

    code = "LayerInaccessibleException"
    sentence = "{layer} in {place} is not available because it is not associated with an image"


class LayerArchivedException(LayerError):
    """GetDownloadUrlForLayer of a layer that only archived images use."""

    code = "LayerInaccessibleException"
    sentence = "{layer} in {place} is not available because it is archived"


class LayerAlreadyExistsException(LayerError):
    """CompleteLayerUpload of a layer that the repository has."""

    code = "LayerAlreadyExistsException"
    sentence = "{layer} already exists in {place}"


class InvalidLayerPart(InvalidLayerPartException):
    """UploadLayerPart of a part that begins at byte *first* (None: its length is wrong); the registry's sentence."""

    def __init__(self, registry: str, repository: str, upload: str, last_byte: int, first: int | None = None):
        super().__init__(registry, repository, upload, max(last_byte, 0))
        self.message = out_of_order(last_byte, first).message


class LayerPartTooSmallException(ServiceException):
    """CompleteLayerUpload of an upload in which a part before the last one is too small; the registry's sentence."""

    code = "LayerPartTooSmallException"

    def __init__(self) -> None:
        super().__init__(PART_TOO_SMALL.message)


class EmptyUploadException(ServiceException):
    """CompleteLayerUpload of an upload without parts: https://github.com/devcontainers/cli/issues/814."""

    code = "EmptyUploadException"

    def __init__(self, upload: str, repository: str, registry: str):
        super().__init__(empty_upload(upload, repository, registry).message)


class InvalidLayerException(ServiceException):
    """CompleteLayerUpload with another digest; the registry's sentence."""

    code = "InvalidLayerException"

    def __init__(self) -> None:
        super().__init__(LAYER_DIGEST_MISMATCH.message)


# --- scans, archive, quotas -------------------------------------------------------------------------------------------


class UnsupportedImageTypeException(ServiceException):
    """StartImageScan: https://github.com/alexjurkiewicz/ecr-scan-image/issues/43."""

    code = "UnsupportedImageTypeException"

    def __init__(self, media_type: str):
        super().__init__(
            f"An artifact with media type '{media_type}' cannot be scanned. "
            "For more information, see the Amazon ECR documentation."
        )


class ImageArchivedException(ServiceException):
    """StartImageScan; the sentence is the service model's."""

    code = "ImageArchivedException"

    def __init__(self) -> None:
        super().__init__(ARCHIVED_NOT_SCANNED)


class FeatureDisabled(ServiceException):
    """StartImageScan under enhanced scanning: https://github.com/alexjurkiewicz/ecr-scan-image/issues/44."""

    code = "ValidationException"

    def __init__(self) -> None:
        super().__init__("This feature is disabled")


class ImageStorageClassUpdateNotSupportedException(ServiceException):
    """UpdateImageStorageClass; the first sentence is the service model's."""

    code = "ImageStorageClassUpdateNotSupportedException"

    def __init__(self, digest: str, storage_class: str, reason: str):
        super().__init__(
            "The requested image storage class update is not supported. "
            f"The image with digest '{digest}' cannot be moved to {storage_class}: {reason}"
        )


# --- settings of a registry -------------------------------------------------------------------------------------------


class RegistrySettingError(ServiceException):
    """An error about a setting of the registry; the sentence follows those about repositories."""

    sentence = ""

    def __init__(self, name: str, registry: str):
        super().__init__(f"{self.sentence.format(name)} in the registry with id '{registry}'")


class ExclusionAlreadyExistsException(RegistrySettingError):
    """RegisterPullTimeUpdateExclusion of a principal that is excluded."""

    code = "ExclusionAlreadyExistsException"
    sentence = "The pull time update exclusion for the principal '{}' already exists"


class ExclusionNotFoundException(RegistrySettingError):
    """DeregisterPullTimeUpdateExclusion of a principal that is not excluded."""

    code = "ExclusionNotFoundException"
    sentence = "The pull time update exclusion for the principal '{}' does not exist"


class TemplateAlreadyExistsException(RegistrySettingError):
    """CreateRepositoryCreationTemplate with a prefix in use."""

    code = "TemplateAlreadyExistsException"
    sentence = "The repository creation template with prefix '{}' already exists"


class TemplateNotFoundException(RegistrySettingError):
    """An operation on a template that does not exist."""

    code = "TemplateNotFoundException"
    sentence = "The repository creation template with prefix '{}' does not exist"


class PullThroughCacheRuleAlreadyExistsException(RegistrySettingError):
    """CreatePullThroughCacheRule with a prefix in use."""

    code = "PullThroughCacheRuleAlreadyExistsException"
    sentence = "The pull through cache rule with prefix '{}' already exists"


class PullThroughCacheRuleNotFoundException(RegistrySettingError):
    """An operation on a rule that does not exist."""

    code = "PullThroughCacheRuleNotFoundException"
    sentence = "The pull through cache rule with prefix '{}' does not exist"


class ReplicationBackfillNotFoundException(RegistrySettingError):
    """An operation on a backfill that does not exist."""

    code = "ReplicationBackfillNotFoundException"
    sentence = "The replication backfill with id '{}' does not exist"


# --- replication and pull through cache -------------------------------------------------------------------------------


class ReplicationBackfillInProgressException(ServiceException):
    """StartReplicationBackfill to a Region that another backfill copies to."""

    code = "ReplicationBackfillInProgressException"

    def __init__(self, region: str, registry: str):
        super().__init__(
            f"A replication backfill to the Region '{region}' is already in progress "
            f"in the registry with id '{registry}'"
        )


class ReplicationBackfillInvalidStatusException(ServiceException):
    """StopReplicationBackfill of a backfill that has ended."""

    code = "ReplicationBackfillInvalidStatusException"

    def __init__(self, number: str, status: str):
        super().__init__(f"The replication backfill with id '{number}' cannot be stopped: its status is {status}")


class UnsupportedUpstreamRegistryException(ServiceException):
    """A pull through cache rule for a registry that ECR does not know, or without the credentials that it needs."""

    code = "UnsupportedUpstreamRegistryException"


class UpstreamRegistryInvalid(ServiceException):
    """Parameters of a pull through cache rule that contradict each other; the code is ours."""

    code = "ValidationException"


class SecretNotFoundException(ServiceException):
    """A pull through cache rule names a secret that does not exist."""

    code = "SecretNotFoundException"


# What ECR says of pull through cache rules. https://github.com/badmintoncryer/cdk-preflight (rules/ecr/
# pf-ecr-pull-through-cache-…) tried it on AWS in September 2026.
UPSTREAM_UNKNOWN = "The upstream registry URL {} is invalid. Specify a valid upstream registry URL and try again"
UPSTREAM_NEEDS_SECRET = (  # with its code: https://github.com/aws-controllers-k8s/community/issues/2589
    "The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN containing the "
    "upstream registry credentials and try again."
)
UPSTREAM_NEEDS_NO_SECRET = "The specified upstream registry doesn't require authentication"
UPSTREAM_IS_THIS_REGISTRY = "Upstream registry URL cannot be the same as the cache registry"
MISMATCH = "Invalid input: Upstream registry URL and {} do not match. Please verify input and try again."
UPSTREAMS_DIFFER = MISMATCH.format("entered upstream registry")
CREDENTIAL_TYPES_DIFFER = MISMATCH.format("provided credential type")
SECRET_UNKNOWN = (  # the service model's, and in https://github.com/entigolabs/entigo-infralib/pull/1645
    "The ARN of the secret specified in the pull through cache rule was not found. Update the pull through cache rule "
    "with a valid secret ARN and try again."
)
SECRET_ELSEWHERE = (
    "Please verify the secret exists in the same region and account that the pullthrough cache rule will be created in"
)


class UnableToAccessSecretException(ServiceException):
    """A pull through cache rule names a secret with other content."""

    code = "UnableToAccessSecretException"

    def __init__(self, arn: str):
        super().__init__(
            f"The secret with ARN '{arn}' cannot be used: it must be a JSON object with username and accessToken"
        )


# The service model's, of ImageArchivedException.
ARCHIVED_NOT_SCANNED = "The specified image is archived and cannot be scanned."

# A second basic scan within 24 hours; the sentence is in many public logs.
SCAN_QUOTA = "The scan quota per image has been exceeded. Wait and try again."

# The status is AWS's (user guide, "Understanding scan status SCAN_ELIGIBILITY_EXPIRED").
ELIGIBILITY_EXPIRED = "The image was pushed more than 14 days ago: it is not scanned any more."


# PutRegistryScanningConfiguration: https://github.com/badmintoncryer/cdk-preflight, rules/ecr/
# pf-ecr-registry-scanning-configuration. That the second sentence has the same frame is our guess.


def unsupported_frequency(frequency: str, scan_type: str) -> ServiceException:
    """The allowed combinations are those of the API reference, RegistryScanningRule."""
    return InvalidParameter(None, f"Invalid scan frequency for scanType {scan_type}: {frequency}")


def repeated_frequency(frequency: str) -> ServiceException:
    """Two rules have the same *frequency*."""
    return InvalidParameter(None, f"Invalid input. Contains duplicate scan frequencies: [{frequency}]")


class KmsException(ServiceException):
    """CreateRepository with a key of another *region*: cdk-preflight, rules/ecr/pf-ecr-encryption-configuration."""

    code = "KmsException"

    def __init__(self, region: str):
        super().__init__(f"Invalid arn {region}")


# Plain text, not JSON: https://github.com/NVIDIA/enroot/issues/59
NOT_AUTHORIZED = "Not Authorized\n"


def upstream_failed(code: str, reason: str) -> Refusal:
    """What the registry answers to docker when an upstream registry failed with this ImageFailureCode.

    DENIED: https://github.com/aws/containers-roadmap/issues/2354; not found: user guide, "Troubleshooting pull through
    cache issues". DENIED for an unavailable registry is our choice: docker retries other codes for minutes.
    """
    if code == "ImageNotFound":
        return IMAGE_NOT_FOUND
    return Refusal(429, "TOOMANYREQUESTS", reason) if code == "UpstreamTooManyRequests" else denied(reason)
