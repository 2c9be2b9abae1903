"""Middleware 2 of the AWS API: who signed this, and is it what was signed?

Signature Version 4, computed by botocore's own signer from the headers that the client says it signed.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

import moto.backends
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from ecr_sandbox import settings
from ecr_sandbox.aws import dispatch, errors
from ecr_sandbox.aws.dispatch import Scope
from ecr_sandbox.aws.errors import NotInSandbox
from ecr_sandbox.http.middleware import Handler, Request
from ecr_sandbox.iam import principals
from moto.core.exceptions import ServiceException
from werkzeug.http import parse_date
from werkzeug.wrappers import Response

WINDOW = timedelta(minutes=15)


def signed(request: Request, call_next: Handler) -> Response:
    """Refuse a request whose signature is missing, wrong or old; note the principal of a good one."""
    body = request.get_data()  # before anybody reads the form, which would leave nothing to compare
    try:
        scope = _scope(request)
        secret, token = principals.secret_of(scope.access_key)
        _check_token(request, token)
        stamp = _check_clock(request, scope)
        _check_signature(request, scope, secret, body, stamp)
        request.principal = principals.of(scope.access_key)
    except ServiceException as error:
        return dispatch.refuse(request, error)
    return call_next(request)


def _scope(request: Request) -> Scope:
    given = request.headers.get("Authorization", "")
    if "X-Amz-Signature" in request.args:
        raise NotInSandbox("A presigned request")
    if not given.startswith("AWS4-HMAC-SHA256"):
        raise errors.unsigned()
    scope = dispatch.scope_of(request)
    if scope is None or _time_of(request) is None:
        raise errors.incomplete(_what_is_missing(given, request))
    if not dispatch.serves(scope.service):
        raise NotInSandbox(f"The service '{scope.service}'")
    if (request.query_string or request.path != "/") and scope.service not in dispatch.PATHS:
        raise NotInSandbox("A request with a path or a query string")  # nobody's client sends one
    if not _in_this_partition(scope.region):
        raise errors.unknown_key()  # the keys of one partition are strangers in another
    if scope.region not in moto.backends.get_backend("ecr")[settings.ACCOUNT]:
        raise errors.bad_signature(f"Credential should be scoped to a valid region, not '{scope.region}'.")
    return scope


def _check_token(request: Request, token: str | None) -> None:
    """A session's keys need the session's token, a user's keys have none."""
    given = request.headers.get("X-Amz-Security-Token")
    if not hmac.compare_digest((given or "").encode(), (token or "").encode()):
        raise errors.unknown_key()


def _check_clock(request: Request, scope: Scope) -> str:
    """The time at which the client says it signed."""
    then, now = _time_of(request), _now()
    assert then  # or the scope would have been refused
    stamp, now_stamp = then.strftime(SIGV4_TIMESTAMP), now.strftime(SIGV4_TIMESTAMP)
    if then < now - WINDOW:
        limit = (now - WINDOW).strftime(SIGV4_TIMESTAMP)
        raise errors.bad_signature(f"Signature expired: {stamp} is now earlier than {limit} ({now_stamp} - 15 min.)")
    if then > now + WINDOW:
        limit = (now + WINDOW).strftime(SIGV4_TIMESTAMP)
        raise errors.bad_signature(
            f"Signature not yet current: {stamp} is still later than {limit} ({now_stamp} + 15 min.)"
        )
    if stamp[:8] != scope.date:
        raise errors.bad_signature(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{scope.date}' != '{stamp[:8]}', from '{stamp}'."
        )
    return stamp


def _check_signature(request: Request, scope: Scope, secret: str, body: bytes, stamp: str) -> None:
    must = {"host"} | {name.lower() for name, _ in request.headers if name.lower().startswith("x-amz-")}
    if not must <= set(scope.signed_headers.split(";")):
        raise errors.bad_signature()
    claimed = request.headers.get("X-Amz-Content-SHA256")
    if claimed is not None and claimed != hashlib.sha256(body).hexdigest():
        raise errors.bad_signature()
    if not hmac.compare_digest(scope.signature, _expected(request, scope, secret, body, stamp)):
        raise errors.bad_signature()


def _expected(request: Request, scope: Scope, secret: str, body: bytes, stamp: str) -> str:
    headers = {name: request.headers[name] for name in scope.signed_headers.split(";") if name in request.headers}
    asked = request.environ.get("REQUEST_URI") or "/"  # as it was sent: what is escaped is signed escaped
    copy = AWSRequest(method=request.method, url=f"http://{request.host}{asked}", data=body, headers=headers)
    copy.context["timestamp"] = stamp
    signer = SigV4Auth(Credentials(scope.access_key, secret), scope.service, scope.region)
    return str(signer.signature(signer.string_to_sign(copy, signer.canonical_request(copy)), copy))


def _time_of(request: Request) -> datetime | None:
    stamp = request.headers.get("X-Amz-Date")
    if stamp is None:
        return parse_date(request.headers.get("Date"))
    try:
        return datetime.strptime(stamp, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _now() -> datetime:
    return datetime.now(UTC)


def _in_this_partition(region: str) -> bool:
    return re.fullmatch(r"(af|ap|ca|eu|il|me|mx|sa|us)-(?!gov-|iso)[a-z]+-\d", region) is not None


def _what_is_missing(given: str, request: Request) -> str:
    parts = [
        f"Authorization header requires '{part}' parameter."
        for part in ("Credential", "Signature", "SignedHeaders")
        if f"{part}=" not in given
    ]
    if _time_of(request) is None:
        parts.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if not parts:
        credential = given.partition("Credential=")[2].split(",")[0]
        parts.append(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential}'"
        )
    return f"{' '.join(parts)} Authorization={given.split(' ')[0]}"
