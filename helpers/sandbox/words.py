"""ECR's own words: every code, status and message the sandbox adds to moto's, each with where it was seen.

The control API sends them as ``__type`` and ``message``; the registry sends OCI's error JSON
(distribution-spec, "Error Codes"). What docker prints before the message is docker's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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


class InvalidParameter(ServiceException):
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html, wording as emulators copy it."""

    code = "InvalidParameterException"

    def __init__(self, field: str, constraint: str):
        super().__init__(f"Invalid parameter at '{field}' failed to satisfy constraint: '{constraint}'")


class NotInSandbox(ServiceException):
    """Not AWS's: what this sandbox does not have is said, never pretended."""

    code = "UnsupportedOperationException"

    def __init__(self, what: str):
        super().__init__(f"{what} is not part of this sandbox. It works on AWS.")


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

# Not ECR's: the learner's own disk. DENIED, because docker retries other codes for minutes.
DISK_FULL = Refusal(
    403,
    "DENIED",
    "The disk that holds the sandbox is full. Nothing stored earlier is lost. Free some space and push again.",
)


def denied(message: str) -> Refusal:
    """IAM's sentence: https://github.com/ministryofjustice/cloud-platform/issues/7245."""
    return Refusal(403, "DENIED", message)


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
    status, code = codes.get(error.code, (400, "MANIFEST_INVALID"))
    return Refusal(status, code, error.message)
