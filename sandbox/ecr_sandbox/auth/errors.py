"""Errors of authentication: an AWS API does not accept who signed a request, or when.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html and
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""

from ecr_sandbox.errors import ApiError


def unknown_key() -> ApiError:
    """The key does not exist or is inactive, or the session token is not the key's."""
    return ApiError(
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    )


def expired_session() -> ApiError:
    """The session of an assumed role has expired."""
    return ApiError("ExpiredTokenException", "ExpiredToken", "The security token included in the request is expired")


def unsigned() -> ApiError:
    """The request has no signature."""
    return ApiError(
        "MissingAuthenticationTokenException", "MissingAuthenticationToken", "Missing Authentication Token", 403
    )


def incomplete(message: str) -> ApiError:
    """A part of the signature is missing; *message* names it."""
    return ApiError("IncompleteSignatureException", "IncompleteSignature", message, query_status=400)


def bad_signature(message: str = "") -> ApiError:
    """The secret is another, the request was changed on the way, or the client's clock is wrong.

    *message* is the sentence about the clock: https://github.com/upmc-enterprises/registry-creds/issues/47
    """
    return ApiError(
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        message
        or "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    )
