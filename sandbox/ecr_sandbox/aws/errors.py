"""Errors that several AWS services answer, raised in moto's code too. Authentication's are in ``auth/errors.py``.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html
"""

from moto.core.exceptions import ServiceException

from ecr_sandbox.errors import not_supported
from ecr_sandbox.state import disk


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


class TooManyTagsException(ServiceException):
    """The code and the number are AWS's (user guide, "Tag restrictions"); the sentence is ours."""

    code = "TooManyTagsException"

    def __init__(self, most: int):
        super().__init__(f"A repository can have at most {most} tags.")


class InvalidCbor(ServiceException):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html; the sentence is ours."""

    code = "MalformedInput"

    def __init__(self) -> None:
        super().__init__("The body of the request is not CBOR.")


class ServerException(ServiceException):
    """An error of the sandbox itself; the code is the service model's. Clients do not retry it."""

    code = "ServerException"

    def __init__(self, error: Exception):
        super().__init__(f"The sandbox could not do this: {error}")


class StorageFull(ServiceException):
    """The disk is full. The code and the sentence are not AWS's; the registry answers with the same sentence."""

    code = "SandboxStorageFullException"

    def __init__(self) -> None:
        super().__init__(disk.FULL)
