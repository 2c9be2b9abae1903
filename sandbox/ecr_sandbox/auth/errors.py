"""Errors of authentication: an AWS API does not accept who signed a request, or when.

Sources of the codes: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html and
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html. Of the sentences without another source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html and the answers of AWS that
https://github.com/mhart/dynalite (index.js) and https://docs.rs/scratchstack-aws-signature quote.
"""

from collections.abc import Iterable

from ecr_sandbox.errors import ApiError

TERMINATOR = "aws4_request"
ISO_8601 = "en.wikipedia.org/wiki/ISO_8601"  # AWS's sentence has this address with http
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


def unknown_algorithm(algorithm: str) -> ApiError:
    """The *algorithm* of the Authorization header is not the one that AWS supports for access keys."""
    return incomplete(f"Unsupported AWS 'algorithm': '{algorithm}'.")


def missing_parts(names: Iterable[str], has_date: bool, algorithm: str) -> ApiError:
    """The Authorization header lacks the parameters *names*, or the request a date."""
    sentences = [f"Authorization header requires '{name}' parameter." for name in names]
    if not has_date:
        sentences.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    return incomplete(f"{' '.join(sentences)} Authorization={algorithm}")


def unknown_parameter() -> ApiError:
    """The Authorization header has another parameter, or one of them twice; the sentence is ours."""
    return incomplete("Authorization header has a parameter that is unknown or there twice.")


def missing_in_query(names: Iterable[str]) -> ApiError:
    """The query string of a presigned request lacks the parameters *names*."""
    sentences = " ".join(f"AWS query-string parameters must include '{name}'." for name in names)
    return incomplete(f"{sentences} Re-examine the query-string parameters.")


def not_a_date(given: str | None) -> ApiError:
    """The date *given* cannot be read."""
    return incomplete(f"Date must be in ISO-8601 'basic format'. Got '{given}'. See http://{ISO_8601}")


def not_a_credential(given: str) -> ApiError:
    """The Credential *given* does not have five parts."""
    parts = "keyid/date/region/service/term"
    return incomplete(f"Credential must have exactly 5 slash-delimited elements, e.g. {parts}, got '{given}'")


def expired(signed: str, limit: str, now: str) -> ApiError:
    """The request was *signed* before *limit*, 15 minutes before *now*; all as the header has them.

    https://github.com/upmc-enterprises/registry-creds/issues/47
    """
    return bad_signature(f"Signature expired: {signed} is now earlier than {limit} ({now} - 15 min.)")


def not_yet_current(signed: str, limit: str, now: str) -> ApiError:
    """The request was *signed* after *limit*, 15 minutes after *now*."""
    return bad_signature(f"Signature not yet current: {signed} is still later than {limit} ({now} + 15 min.)")


def wrong_terminator(given: str) -> str:
    """The sentence about a scope that ends with *given*."""
    return f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{given}'."


def wrong_date(given: str, timestamp: str) -> str:
    """The sentence about a scope whose date *given* is not that of the *timestamp*."""
    return (
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        f"'{given}' != '{timestamp[:8]}', from '{timestamp}'."
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

    *message* says which of these it is, if AWS does.
    """
    return ApiError(
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        message
        or "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    )
