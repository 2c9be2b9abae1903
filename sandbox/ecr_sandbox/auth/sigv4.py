"""Signature Version 4: checks who signed a request to an AWS API, and that nothing changed on the way.

botocore's own signer computes the expected signature from the headers that the client says it signed.
Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; the order of the
checks: https://github.com/mhart/dynalite (index.js, observed on AWS) and https://docs.rs/scratchstack-aws-signature
"""

import hashlib
import hmac
import re
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
from .scope import ALGORITHM, PARAMETERS, Scope, header_of, parameters, scope_of

WINDOW = timedelta(minutes=15)
HEADER_NAMES = re.compile(r"[a-z0-9;:_-]*")
QUERY_PARAMETERS = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")


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
    _check_presence(request)
    _check_signed_headers(request)
    timestamp = _check_clock(request)
    scope = _scope(request)
    check_scope(request, scope)
    _check_terminator_and_date(scope, timestamp)
    secret, token = keys.secret_of(scope.access_key)
    _check_token(request, token)
    _check_signature(request, scope, secret, body, timestamp)
    request.principal = keys.principal_of(scope.access_key)
    return call_next(request)


def _check_presence(request: Request) -> None:
    """Every part of the signature is there."""
    header = header_of(request)
    if any(name in request.args for name in ("X-Amz-Algorithm", "X-Amz-Signature")):
        raise _presigned(request, header)
    algorithm = header.partition(" ")[0]
    if not header.startswith("AWS4-"):
        raise errors.unsigned()
    if algorithm != ALGORITHM:
        raise errors.unknown_algorithm(algorithm)
    given = parameters(header)
    for name, equals, _ in given:
        if not equals:
            raise errors.no_pair(name, header)
    names = [name for name, *_ in given]
    missing, has_date = [name for name in PARAMETERS if name not in names], _date_header(request) is not None
    if missing or not has_date:
        raise errors.missing_parts(missing, has_date, algorithm)
    if len(names) > len(PARAMETERS):
        raise errors.unknown_parameter()


def _presigned(request: Request, header: str) -> Exception:
    """The error of a presigned request: the sandbox supports none."""
    if header:
        return errors.bad_signature(errors.SIGNED_TWICE)
    missing = [name for name in QUERY_PARAMETERS if name not in request.args]
    return errors.missing_in_query(missing) if missing else not_supported("A presigned request")


def _check_signed_headers(request: Request) -> None:
    """SignedHeaders has the host, and the headers of AWS that the request has ("any x-amz-* headers")."""
    [signed] = [value for name, _, value in parameters(header_of(request)) if name == "SignedHeaders"]
    names = set(signed.split(";"))
    if not names & {"host", ":authority"}:
        raise errors.bad_signature(errors.must_be_signed("'Host' or ':authority'"))
    for name, _ in request.headers:
        if name.lower().startswith("x-amz-") and name.lower() not in names:
            raise errors.bad_signature(errors.must_be_signed(f"'{name.title()}'"))
    if not HEADER_NAMES.fullmatch(signed):  # no header of this request has such a name
        raise errors.bad_signature()


def _check_clock(request: Request) -> str:
    """The time at which the client says it signed."""
    signed, now = _time_of(request), _now()
    if signed is None:
        raise errors.not_a_date(_date_header(request))
    earliest, latest = now - WINDOW, now + WINDOW
    if signed < earliest:
        raise errors.expired(_timestamp(signed), _timestamp(earliest), _timestamp(now))
    if signed > latest:
        raise errors.not_yet_current(_timestamp(signed), _timestamp(latest), _timestamp(now))
    return _timestamp(signed)


def _scope(request: Request) -> Scope:
    if scope := scope_of(request):
        return scope
    [credential] = [value for name, _, value in parameters(header_of(request)) if name == "Credential"]
    raise errors.not_a_credential(credential)


def _check_terminator_and_date(scope: Scope, timestamp: str) -> None:
    wrong = []
    if scope.terminator != errors.TERMINATOR:
        wrong.append(errors.wrong_terminator(scope.terminator))
    if scope.date != timestamp[:8]:
        wrong.append(errors.wrong_date(scope.date, timestamp))
    if wrong:
        raise errors.wrong_scope(wrong)


def _check_token(request: Request, token: str | None) -> None:
    """A session's key needs the session's token; a user's key has none."""
    given = request.headers.get("X-Amz-Security-Token")
    if not hmac.compare_digest((given or "").encode(), (token or "").encode()):
        raise errors.unknown_key()


def _check_signature(request: Request, scope: Scope, secret: str, body: bytes, timestamp: str) -> None:
    claimed = request.headers.get("X-Amz-Content-SHA256")
    if claimed is not None and claimed != hashlib.sha256(body).hexdigest():
        raise errors.bad_signature()
    expected = _expected(request, scope, secret, body, timestamp)
    if not hmac.compare_digest(scope.signature.encode(), expected.encode()):
        raise errors.bad_signature()


def _expected(request: Request, scope: Scope, secret: str, body: bytes, timestamp: str) -> str:
    headers = {name: request.headers[name] for name in scope.signed_headers.split(";") if name in request.headers}
    target = request.environ.get("REQUEST_URI") or "/"  # as it was sent: escaped characters are signed escaped
    copy = AWSRequest(method=request.method, url=f"http://{request.host}{target}", data=body, headers=headers)
    copy.context["timestamp"] = timestamp
    signer = SigV4Auth(Credentials(scope.access_key, secret), scope.service, scope.region)
    return str(signer.signature(signer.string_to_sign(copy, signer.canonical_request(copy)), copy))


def _date_header(request: Request) -> str | None:
    return request.headers.get("X-Amz-Date", request.headers.get("Date"))


def _time_of(request: Request) -> datetime | None:
    given = _date_header(request) or ""
    try:
        return datetime.strptime(given, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return None if "X-Amz-Date" in request.headers else parse_date(given)


def _timestamp(moment: datetime) -> str:
    return moment.strftime(SIGV4_TIMESTAMP)


def _now() -> datetime:
    return datetime.now(UTC)
