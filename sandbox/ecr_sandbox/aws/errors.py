"""Errors that several AWS services answer, raised in moto's code too. Authentication's are in ``auth/errors.py``.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html
"""

from moto.core.exceptions import ServiceException

from ecr_sandbox.errors import ApiError, not_supported
from ecr_sandbox.state import disk

INTERNAL = "InternalFailure"


class InvalidParameter(ServiceException):
    """A parameter that a service does not take.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html; the sentence is the one that
    other emulators copy.
    """

    code = "InvalidParameterException"

    def __init__(self, field: str | None, constraint: str):
        at = f" at '{field}'" if field else ""
        super().__init__(f"Invalid parameter{at} failed to satisfy constraint: '{constraint}'")


class NotInSandbox(ServiceException):
    """An operation or a parameter that the sandbox does not support: ``errors.not_supported`` for moto's code."""

    def __init__(self, what: str):
        error = not_supported(what)
        super().__init__(error.code, error.message)


class InvalidTagParameterException(ServiceException):
    """https://github.com/mulgadc/spinifex, spinifex/gateway/ecrapi/validation_test.go, captured from ECR."""

    code = "InvalidTagParameterException"

    def __init__(self) -> None:
        super().__init__("Tag parameters are invalid")


class LimitExceededException(ServiceException):
    """A quota is used up; the sentence is given where it is raised."""

    code = "LimitExceededException"


class TooManyTagsException(ServiceException):
    """The code and the number are AWS's (user guide, "Tag restrictions"); the sentence is ours."""

    code = "TooManyTagsException"

    def __init__(self, most: int):
        super().__init__(f"A repository can have at most {most} tags.")


def internal(message: str = "", code: str = INTERNAL) -> ApiError:
    """An error that may pass: SDKs retry an answer of status 500. *code* is the service's own, if it has one.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html and EC2's
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, which calls it InternalError.
    """
    sentence = message or "The request processing has failed because of an unknown error, exception or failure."
    return ApiError(code, code, sentence, status=500, query_status=500)


def storage_full(code: str = INTERNAL) -> ApiError:
    """The disk is full. The sentence is ours; the registry answers with it too."""
    return internal(disk.FULL, code)
