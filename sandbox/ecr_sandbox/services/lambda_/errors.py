"""Lambda's errors about functions that are images, each with its source."""

from ecr_sandbox.errors import ApiError


def not_allowed() -> ApiError:
    """https://docs.aws.amazon.com/lambda/latest/dg/images-create.html, "Amazon ECR permissions"."""
    return ApiError(
        "AccessDeniedException",
        "AccessDenied",
        "Lambda does not have permission to access the ECR image. Check the ECR permissions.",
        403,
    )


def no_such_image(image: str) -> ApiError:
    """https://github.com/hashicorp/terraform/issues/27963 (2021-03-03)."""
    return _invalid(f"Source image {image} does not exist. Provide a valid source image.")


def invalid_image(image: str) -> ApiError:
    """Another registry, or neither tag nor digest: https://github.com/grafana/loki/issues/7218,
    https://github.com/aws-samples/bedrock-access-gateway/issues/205 (2025-11-24)."""
    return _invalid(f"Source image {image} is not valid. Provide a valid source image.")


def unsupported_image(image: str) -> ApiError:
    """An index: Lambda accepts single images only ("Lambda doesn't support functions that use multi-architecture
    container images", same page); the sentence is in many public logs."""
    return _invalid(f"The image manifest, config or layer media type for the source image {image} is not supported.")


def cannot_assume() -> ApiError:
    """CreateFunction with a role that does not trust lambda.amazonaws.com; in many public logs."""
    return _invalid("The role defined for the function cannot be assumed by Lambda.")


def exists(name: str) -> ApiError:
    """CreateFunction of a name that is taken; in many public logs."""
    return ApiError("ResourceConflictException", "ResourceConflict", f"Function already exist: {name}", 409)


def not_found(arn: str) -> ApiError:
    """GetFunction and others; in many public logs."""
    return ApiError("ResourceNotFoundException", "ResourceNotFound", f"Function not found: {arn}", 404)


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterValueException", "InvalidParameterValue", message)
