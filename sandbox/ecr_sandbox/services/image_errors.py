"""What ECR and ECR Public both answer about images and passwords: in the API, and under ``/v2/`` to docker.

``api_exception`` and ``manifest_refused`` turn the registry's exceptions (``registry/errors.py``) into AWS's.
What docker prints before a message is docker's. Where no source is given, the sentence is ours.
"""

from collections.abc import Mapping

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import ImageAlreadyExistsException, RepositoryNotFoundException

from ecr_sandbox.aws.errors import InvalidParameter, LimitExceededException
from ecr_sandbox.registry import errors, image_ids
from ecr_sandbox.registry.backend import RegistryErrors
from ecr_sandbox.registry.errors import ImageError, ManifestInvalid, QuotaExceeded, Refusal
from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import Manifest

MOST_LAYERS = 500  # of an image; see ``check_layers``
MOST_IMAGES, MOST_TAGS = 100_000, 1000  # of a repository, of an image; user guide, "Amazon ECR service quotas"

# --- policies of repositories -----------------------------------------------------------------------------------------

INVALID_REPOSITORY_POLICY = "Invalid repository policy provided"  # https://github.com/aws/aws-sdk-go/issues/3921
INVALID_REGISTRY_POLICY = "Invalid registry policy provided"  # https://github.com/pulumi/pulumi-aws/issues/2326
PRINCIPAL_NOT_FOUND = "Principal not found"  # https://github.com/hashicorp/terraform-provider-aws/issues/39064

LONGEST_TAG = 300  # characters; API reference, ImageIdentifier

# --- the API ----------------------------------------------------------------------------------------------------------


class ImageTagAlreadyExistsException(ServiceException):
    """https://github.com/osscontainertools/kaniko/pull/204 (2025-08-26); until 2025: "the repository is immutable"."""

    code = "ImageTagAlreadyExistsException"

    def __init__(self, tag: str, repository: str):
        super().__init__(
            f"The image tag '{tag}' already exists in the '{repository}' repository "
            "and cannot be overwritten because the tag is immutable."
        )


class ImageDigestDoesNotMatchException(ServiceException):
    """https://github.com/google/go-containerregistry/issues/1568; the code is the service model's."""

    code = "ImageDigestDoesNotMatchException"

    def __init__(self, given: str, repository: str, registry: str):
        super().__init__(
            f"The image with digest '{given}' in repository '{repository}' and registry ID '{registry}' does not match "
            "the image digest that Amazon ECR has calculated."
        )


class LayersNotFoundException(ServiceException):
    """https://github.com/oras-project/oras-py/issues/54; the code is the service model's."""

    code = "LayersNotFoundException"

    def __init__(self, digests: list[str], repository: str, registry: str):
        super().__init__(
            f"Layers with digests '[{', '.join(digests)}]' required for pushing image into repository "
            f"with name '{repository}' in the registry with id '{registry}' do not exist"
        )


class ReferencedImagesNotFoundException(ServiceException):
    """https://github.com/int128/docker-manifest-create-action/pull/63; the code is the service model's."""

    code = "ReferencedImagesNotFoundException"

    def __init__(self, digests: list[str], repository: str, registry: str):
        super().__init__(
            f"Images with digests '[{', '.join(digests)}]' required for pushing image into repository "
            f"with name '{repository}' in the registry with id '{registry}' do not exist"
        )


def api_exception(error: ImageError) -> ServiceException:
    """What PutImage answers when the registry raised *error*."""
    match error:
        case errors.ImageExists():
            return ImageAlreadyExistsException(error.repository, error.registry, error.digest, error.tag or "null")
        case errors.TagImmutable():
            return ImageTagAlreadyExistsException(error.tag, error.repository)
        case errors.DigestMismatch():
            return ImageDigestDoesNotMatchException(error.given, error.repository, error.registry)
        case errors.LayersMissing():
            return LayersNotFoundException(error.digests, error.repository, error.registry)
        case errors.ReferencedImagesMissing():
            return ReferencedImagesNotFoundException(error.digests, error.repository, error.registry)
        case errors.QuotaExceeded():
            return LimitExceededException(error.reason)
        case errors.ManifestInvalid():  # the field is ECR's own, as many clients' logs show it
            return InvalidParameter("ImageManifest", error.reason)
    raise error


def check_layers(manifest: Manifest) -> None:
    """Raises ManifestInvalid if an image has more layers than ECR takes.

    The sentence: https://github.com/openai/tart/issues/890. AWS does not document the number; it was measured in
    https://github.com/nuonco/nuon/pull/2348 and https://github.com/spinframework/spin/issues/1787.
    """
    if manifest.layers > MOST_LAYERS:
        raise ManifestInvalid("Limit on number of layers per image exceeded")


def check_quotas(images: Images, digest: str, tag: str | None) -> None:
    """Raises QuotaExceeded if the image *digest* would be one too many, or *tag* would be one too many of its tags.

    The sentences: https://github.com/vllm-project/vllm/issues/48065 (images),
    https://github.com/medic/cht-core/issues/11099 (tags).
    """
    account, _, name = images.key
    repository, image = f"repository with name '{name}' in registry with id '{account}'", images.find(digest=digest)
    if image is None and images.has(MOST_IMAGES):
        raise QuotaExceeded(
            f"The {repository} already has the maximum allowed number of images which is '{MOST_IMAGES}'"
        )
    if image and tag and tag not in image.tags and len(image.tags) >= MOST_TAGS:
        raise QuotaExceeded(
            f"Adding tag '{tag}' to an image in the {repository} exceeds the maximum allowed number of tags per image "
            f"which is '{MOST_TAGS}'"
        )


def check_image_id(wanted: Mapping[str, str | None]) -> None:
    """Raises InvalidParameter if no image can have this tag or digest.

    Every operation but those that answer with failures: https://github.com/datawire/forge/issues/99 (a tag, in
    DescribeImages), https://github.com/pulumi/pulumi-aws/issues/2466 (a digest),
    https://github.com/prowler-cloud/prowler/pull/603 (DescribeImageScanFindings).
    """
    if len(wanted.get("imageTag") or "") > LONGEST_TAG:
        raise InvalidParameter("imageTag", f"must have length less than or equal to {LONGEST_TAG}")
    if found := image_ids.malformed(wanted):
        field, pattern = found
        raise InvalidParameter(field, f"must satisfy regular expression '{pattern}'")


# --- the registry -----------------------------------------------------------------------------------------------------

# https://github.com/aws/aws-cli/issues/5317, https://github.com/kreuzwerker/terraform-provider-docker/pull/666
TOKEN_INVALID = Refusal(400, "DENIED", "Your Authorization Token is invalid.")

# https://github.com/aws/aws-cli/issues/6580; the status: https://github.com/awslabs/soci-snapshotter/issues/1148
TOKEN_EXPIRED = Refusal(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")

# AWS user guide, "Troubleshooting errors with Docker commands when using Amazon ECR"
IMAGE_NOT_FOUND = Refusal(404, "MANIFEST_UNKNOWN", "Requested image not found")

# https://github.com/dotnet/sdk-container-builds/issues/424
LAYER_DIGEST_MISMATCH = Refusal(
    400, "BLOB_UPLOAD_INVALID", "None of the provided layer digests match the calculated layer digest"
)


def repository_unknown(name: str, registry: str) -> Refusal:
    """https://github.com/aws-actions/amazon-ecr-login/issues/4; 404: https://github.com/docker/cli/issues/5275."""
    return Refusal(404, "NAME_UNKNOWN", RepositoryNotFoundException(name, registry).message)


def manifest_refused(error: ImageError) -> Refusal:
    """What the registry answers to a push of a manifest when it raised *error*."""
    message = api_exception(error).message
    match error:
        case errors.TagImmutable():  # https://github.com/osscontainertools/kaniko/pull/204
            return Refusal(400, "TAG_INVALID", message)
        # The code is in the threads that check_quotas names, the status in
        # https://github.com/kubernetes-sigs/aws-ebs-csi-driver/pull/1998
        case errors.QuotaExceeded():
            return errors.denied(message)
        # The codes are in the threads that LayersNotFoundException and the others name, the statuses are ours.
        case errors.LayersMissing():
            return Refusal(404, "BLOB_UPLOAD_UNKNOWN", message)
        case errors.ReferencedImagesMissing():
            return Refusal(404, "MANIFEST_BLOB_UNKNOWN", message)
        case errors.DigestMismatch():
            return Refusal(400, "MANIFEST_INVALID", message)
        # ECR refuses it: https://github.com/aws/containers-roadmap/issues/876; the status:
        # https://github.com/overhangio/tutor/issues/1118
        case errors.NotAnImageInIndex():
            return Refusal(400, "MANIFEST_INVALID", message)
    return errors.unsupported(message)


def reference_refused(reference: str, stores: bool) -> Refusal | None:
    """The answer to a tag or digest that no image can have.

    A push is PutImage: https://github.com/google/go-containerregistry/issues/704. A pull is BatchGetImage, which
    answers with a failure; its status: https://github.com/bazel-contrib/rules_oci/issues/720 (a tag). The code is ours.
    """
    field = "imageDigest" if ":" in reference else "imageTag"
    try:
        check_image_id({field: reference})
    except InvalidParameter as no:
        code = "DIGEST_INVALID" if field == "imageDigest" else "TAG_INVALID"
        return errors.unsupported(no.message) if stores else Refusal(400, code, no.message)
    return None


REGISTRY_ERRORS = RegistryErrors(
    image_unknown=IMAGE_NOT_FOUND,
    blob_unknown=errors.BLOB_UNKNOWN,
    upload_unknown=errors.UPLOAD_UNKNOWN,
    digest_mismatch=LAYER_DIGEST_MISMATCH,
    manifest_too_large=errors.MANIFEST_TOO_LARGE,
    manifest_refused=manifest_refused,
    first_part_only=True,
    converts=True,
    reference_refused=reference_refused,
    # https://github.com/e6qu/sockerless-cloud (BaseResponse in the simulators' OCI registry), captured from ECR
    welcome="",
    names_uploads=False,  # https://github.com/distribution/distribution/pull/2927
    digest_by_head_only=True,  # https://github.com/ChangemakerStudios/Docker.Registry.DotNet/issues/34
    lists="text/plain; charset=utf-8",  # https://github.com/deitch/docker_registry2/issues/34
    patched=201,  # the specification says 202: https://github.com/regclient/regclient/issues/81
)
