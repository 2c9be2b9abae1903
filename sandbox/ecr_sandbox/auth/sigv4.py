"""Signature Version 4: checks who signed a request to an AWS API, and that nothing changed on the way.

botocore's own signer computes the expected signature from the headers that the client says it signed.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug.http import parse_date
from werkzeug.wrappers import Response

from ecr_sandbox.errors import not_supported
from ecr_sandbox.http.middleware import Handler, Middleware, Principal, Request

from . import errors
from .scope import Scope, scope_of

WINDOW = timedelta(minutes=15)


class AccessKeys(NamedTuple):
    """How access keys are looked up; both functions raise ApiError for a key that is not valid."""

    secret_of: Callable[[str], tuple[str, str | None]]  # access key -> secret, and the session token if it has one
    principal_of: Callable[[str], Principal]


CheckScope = Callable[[Request, Scope], None]  # raises ApiError


def verify_signature(check_scope: CheckScope, keys: AccessKeys) -> Middleware:
    """Middleware that checks the signature and sets the request's principal; raises ApiError.

    *check_scope* refuses a service or a Region that the sandbox does not have.
    """
    return partial(_verify, check_scope, keys)


def _verify(check_scope: CheckScope, keys: AccessKeys, request: Request, call_next: Handler) -> Response:
    body = request.get_data()  # before the form is read, which would leave no body to hash
    scope = _scope(request)
    check_scope(request, scope)
    secret, token = keys.secret_of(scope.access_key)
    _check_token(request, token)
    timestamp = _check_clock(request, scope)
    _check_signature(request, scope, secret, body, timestamp)
    request.principal = keys.principal_of(scope.access_key)
    return call_next(request)


def _scope(request: Request) -> Scope:
    header = request.headers.get("Authorization", "")
    if "X-Amz-Signature" in request.args:
        raise not_supported("A presigned request")
    if not header.startswith("AWS4-HMAC-SHA256"):
        raise errors.unsigned()
    scope = scope_of(request)
    if scope is None or _time_of(request) is None:
        raise errors.incomplete(_missing_parts(header, request))
    return scope


def _check_token(request: Request, token: str | None) -> None:
    """A session's key needs the session's token; a user's key has none."""
    given = request.headers.get("X-Amz-Security-Token")
    if not hmac.compare_digest((given or "").encode(), (token or "").encode()):
        raise errors.unknown_key()


def _check_clock(request: Request, scope: Scope) -> str:
    """The time at which the client says it signed."""
    signed, now = _time_of(request), _now()
    assert signed  # _scope refused a request without a time
    timestamp, now_timestamp = signed.strftime(SIGV4_TIMESTAMP), now.strftime(SIGV4_TIMESTAMP)
    if signed < now - WINDOW:
        limit = (now - WINDOW).strftime(SIGV4_TIMESTAMP)
        raise errors.bad_signature(
            f"Signature expired: {timestamp} is now earlier than {limit} ({now_timestamp} - 15 min.)"
        )
    if signed > now + WINDOW:
        limit = (now + WINDOW).strftime(SIGV4_TIMESTAMP)
        raise errors.bad_signature(
            f"Signature not yet current: {timestamp} is still later than {limit} ({now_timestamp} + 15 min.)"
        )
    if timestamp[:8] != scope.date:
        raise errors.bad_signature(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{scope.date}' != '{timestamp[:8]}', from '{timestamp}'."
        )
    return timestamp


def _check_signature(request: Request, scope: Scope, secret: str, body: bytes, timestamp: str) -> None:
    required = {"host"} | {name.lower() for name, _ in request.headers if name.lower().startswith("x-amz-")}
    if not required <= set(scope.signed_headers.split(";")):
        raise errors.bad_signature()
    claimed = request.headers.get("X-Amz-Content-SHA256")
    if claimed is not None and claimed != hashlib.sha256(body).hexdigest():
        raise errors.bad_signature()
    if not hmac.compare_digest(scope.signature, _expected(request, scope, secret, body, timestamp)):
        raise errors.bad_signature()


def _expected(request: Request, scope: Scope, secret: str, body: bytes, timestamp: str) -> str:
    headers = {name: request.headers[name] for name in scope.signed_headers.split(";") if name in request.headers}
    target = request.environ.get("REQUEST_URI") or "/"  # as it was sent: escaped characters are signed escaped
    copy = AWSRequest(method=request.method, url=f"http://{request.host}{target}", data=body, headers=headers)
    copy.context["timestamp"] = timestamp
    signer = SigV4Auth(Credentials(scope.access_key, secret), scope.service, scope.region)
    return str(signer.signature(signer.string_to_sign(copy, signer.canonical_request(copy)), copy))


def _time_of(request: Request) -> datetime | None:
    timestamp = request.headers.get("X-Amz-Date")
    if timestamp is None:
        return parse_date(request.headers.get("Date"))
    try:
        return datetime.strptime(timestamp, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _now() -> datetime:
    return datetime.now(UTC)


def _missing_parts(header: str, request: Request) -> str:
    parts = [
        f"Authorization header requires '{part}' parameter."
        for part in ("Credential", "Signature", "SignedHeaders")
        if f"{part}=" not in header
    ]
    if _time_of(request) is None:
        parts.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if not parts:
        credential = header.partition("Credential=")[2].split(",")[0]
        parts.append(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential}'"
        )
    return f"{' '.join(parts)} Authorization={header.split(' ')[0]}"
