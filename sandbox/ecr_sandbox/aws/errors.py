"""Errors that several AWS services answer: one sentence, but a code and a status for each protocol.

ECR, ECR Public and Cost Explorer speak JSON, IAM and STS the older query protocol (XML).
Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html and
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""

from moto.core.exceptions import ServiceException


class CommonError(ServiceException):
    """*code* and *status* are the JSON services', *query_code* and *query_status* those of IAM and STS."""

    def __init__(self, code: str, query_code: str, message: str, status: int = 400, query_status: int = 403):
        super().__init__(code, message)
        self.query_code, self.status, self.query_status = query_code, status, query_status


def unknown_key() -> CommonError:
    """No such key, an inactive key, or a session token that is not this key's."""
    return CommonError(
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    )


def expired_session() -> CommonError:
    """The keys of an assumed role are past their end."""
    return CommonError("ExpiredTokenException", "ExpiredToken", "The security token included in the request is expired")


def unsigned() -> CommonError:
    """No signature at all."""
    return CommonError(
        "MissingAuthenticationTokenException", "MissingAuthenticationToken", "Missing Authentication Token", 403
    )


def incomplete(message: str) -> CommonError:
    """A signature that lacks one of its parts."""
    return CommonError("IncompleteSignatureException", "IncompleteSignature", message, query_status=400)


def bad_signature(message: str = "") -> CommonError:
    """Another secret, a body that was changed on the way, or a clock that is wrong (then *message* says so).

    The clock's sentence: https://github.com/upmc-enterprises/registry-creds/issues/47
    """
    return CommonError(
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        message
        or "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    )


def access_denied(message: str) -> CommonError:
    """IAM said no."""
    return CommonError("AccessDeniedException", "AccessDenied", message)


class InvalidParameter(ServiceException):
    """A parameter that a service does not take.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html; the sentence is the one that
    other emulators copy.
    """

    code = "InvalidParameterException"

    def __init__(self, field: str, constraint: str):
        super().__init__(f"Invalid parameter at '{field}' failed to satisfy constraint: '{constraint}'")


class NotInSandbox(ServiceException):
    """An operation or a parameter that the sandbox does not support. The code and the sentence are not AWS's."""

    code = "UnsupportedOperationException"

    def __init__(self, what: str):
        super().__init__(f"{what} is not part of this sandbox. It works on AWS.")


class InvalidTagParameterException(ServiceException):
    """The code is the service model's; the sentence is built like InvalidParameter's."""

    code = "InvalidTagParameterException"

    def __init__(self, constraint: str):
        super().__init__(f"Invalid parameter at 'tags' failed to satisfy constraint: '{constraint}'")


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
