"""Errors of authentication: an AWS API does not accept who signed a request, or when.

Sources of the codes: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html and
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html. Of the sentences without another source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html and the answers of AWS that
https://github.com/mhart/dynalite (index.js) and https://docs.rs/scratchstack-aws-signature quote.
"""

from collections.abc import Iterable

from ecr_sandbox.errors import ApiError

SIGNED_TWICE = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
INVALID_REGION = "Credential should be scoped to a valid region."  # see wrong_scope


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
    """The request has no signature.

    ECR: https://github.com/jenkinsci/amazon-ecr-plugin/issues/199; STS:
    https://github.com/amzn/selling-partner-api-docs/issues/3081
    """
    code = "MissingAuthenticationToken"
    in_query = "Request is missing Authentication Token"
    return ApiError(f"{code}Exception", code, "Missing Authentication Token", query_message=in_query)


def incomplete(message: str) -> ApiError:
    """A part of the signature is missing or cannot be read; *message* names it."""
    return ApiError("IncompleteSignatureException", "IncompleteSignature", message, query_status=400)


def no_pair(parameter: str, header: str) -> ApiError:
    """A *parameter* of the Authorization *header* has no equals sign.

    Cloud9: https://github.com/iann0036/cloud9-sync/issues/10; STS: Hadoop's troubleshooting guide for S3A
    """
    return incomplete(
        f"'{parameter}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'."
    )


def must_be_signed(header: str) -> str:
    """The sentence about a *header* that SignedHeaders lacks; AWS's for Host, and the same one here for others.

    https://github.com/aws/aws-sdk-php/issues/2469
    """
    return f"{header} must be a 'SignedHeader' in the AWS Authorization."


def wrong_service(service: str) -> str:
    """The sentence about a scope that has another service than *service*, whose operation is called.

    For STS the conformance tests of a public emulator quote it, as they do INVALID_REGION: "Credential should be scoped
    to a valid region. Credential should be scoped to correct service: 'sts'. "
    """
    return f"Credential should be scoped to correct service: '{service}'."


def wrong_scope(sentences: Iterable[str]) -> ApiError:
    """The credential's scope is not that of the request; AWS joins all *sentences*, with a space at the end."""
    return bad_signature("".join(f"{each} " for each in sentences))


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
