"""The AWS side: which service and operation a request means, and moto's answer to it.

moto's own server needs Flask and looks at the disk on every request; its services need neither.
"""

import json
import re
import uuid
import warnings
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from botocore.model import OperationNotFoundError
from ecr_sandbox.http.middleware import Handler, Request
from moto.core.exceptions import ServiceException
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from . import errors

SERVICES = ("ecr", "iam", "sts")  # kept by moto; by SigV4 signing name, which is moto's module name too
QUERY = {
    "ec2": "http://ec2.amazonaws.com/doc/2016-11-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}
MONITORING = "http://monitoring.amazonaws.com/doc/2010-08-01/"  # it has other protocols too
PATHS = ("lambda", "monitoring", "sqs")  # a request of these may say in its path what it wants
# What the signing name is not: botocore's and moto's name of the service, and that of moto's module.
NAMES = {"monitoring": "cloudwatch"}
MODULES = {**NAMES, "lambda": "awslambda"}
READS = re.compile("Get|List|Describe|BatchGet|BatchCheck|Validate|Simulate")
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, *"
    r"SignedHeaders=([a-z0-9;_-]+), *Signature=([0-9a-f]{64})"
)

_further: dict[str, Handler] = {}

# moto warns about codes that are AWS's common ones and so not in a service's model.
warnings.filterwarnings("ignore", category=UserWarning, module=r"moto\.core\.serialize")


class Scope(NamedTuple):
    """What the Authorization header of Signature Version 4 says."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: str
    signature: str


def scope_of(request: Request) -> Scope | None:
    """The signature's parts, or None when the header is not exactly of that form."""
    found = AUTHORIZATION.fullmatch(request.headers.get("Authorization", "").strip())
    return Scope(*found.groups()) if found else None


def service_of(request: Request) -> str:
    """The service of the signature's scope, or ``""`` for an unsigned request."""
    scope = scope_of(request)
    return scope.service if scope else ""


def region_of(request: Request) -> str:
    """The region of the signature's scope, or ``""`` for an unsigned request."""
    scope = scope_of(request)
    return scope.region if scope else ""


def operation_of(request: Request) -> str:
    """The operation's name, from the JSON protocol's header or the query protocol's ``Action``."""
    if speaks_query(request):
        return request.form.get("Action", "")
    if target := request.headers.get("X-Amz-Target", ""):
        return target.rpartition(".")[2]
    return _operation_by_path(request) if service_of(request) in PATHS else ""


def parameters_of(request: Request) -> dict[str, Any]:
    """What the operation was given: the JSON body, or the query protocol's flat names and values.

    Only what the service's model knows of the operation: what else is sent, moto does not see either.
    """
    if speaks_query(request):
        parameters: Any = dict(request.form.items())
    else:
        try:
            parameters = json.loads(request.get_data() or b"{}")
        except ValueError:
            return {}
    if not isinstance(parameters, dict):
        return {}
    known = _members(service_of(request), operation_of(request))
    named = {**parameters, **_parameters_by_path(request)}
    return {name: value for name, value in named.items() if name.partition(".")[0] in known}


def account_of(request: Request) -> str:
    """The account whose things the operation is about: the caller's, unless a registry id or an ARN names another."""
    account = request.principal.account if request.principal else ""
    if service_of(request) != "ecr":
        return account
    parameters = parameters_of(request)
    arn = str(parameters.get("resourceArn") or "").split(":")
    return str(parameters.get("registryId") or (arn[4] if len(arn) > 4 else "") or account)


def speaks_query(request: Request) -> bool:
    """Whether the request is in the query protocol; an unsigned one is known by its form, as one of CloudWatch is."""
    service = service_of(request)
    if service == "monitoring":  # it has three protocols
        return request.mimetype == "application/x-www-form-urlencoded"
    return service in QUERY or (not service and "X-Amz-Target" not in request.headers and "Action" in request.form)


def serves(service: str) -> bool:
    """Whether the sandbox has *service*."""
    return service in SERVICES or service in _further


def name_of(service: str) -> str:
    """What botocore and moto call the service of this signing name."""
    return NAMES.get(service, service)


def serve(service: str, handler: Handler) -> None:
    """Let *handler* answer for a *service* that moto's own code does not serve here."""
    _further[service] = handler


def reads_only(operation: str) -> bool:
    """Whether an operation changes nothing, which AWS's names tell. STS makes keys with ``Get…`` and ``Assume…``."""
    return READS.match(operation) is not None and not operation.startswith("GetSessionToken")


def answer(request: Request) -> Response:
    """What moto answers; an error is in the service's protocol, so that no client retries into the void."""
    service, operation = service_of(request), operation_of(request)
    if not service:
        return refuse(request, errors.unsigned())
    if not serves(service):
        return refuse(request, errors.NotInSandbox(f"The service '{service}'"))
    try:
        return _further[service](request) if service in _further else by_moto(service, request)
    except (NotImplementedError, OperationNotFoundError):
        return refuse(request, errors.NotInSandbox(f"{service}:{operation}"))


def by_moto(service: str, request: Request) -> Response:
    """moto's answer. It would guess account and region from headers that nobody signed: here it is told."""
    if _speaks_cbor(request):
        from . import cbor

        return cbor.translated(name_of(service), operation_of(request), request, partial(by_moto, service))
    if request.principal:
        request.environ["HTTP_X_MOTO_ACCOUNT_ID"] = account_of(request)
    url = f"http://{service}.{region_of(request)}.amazonaws.com/"
    status, headers, body = _handler(service, request.path)(request, url.rstrip("/") + request.path, request.headers)
    kept = {
        name: str(value) for name, value in headers.items() if name.lower() not in ("status", "content-length", "date")
    }
    return Response(body, status=status, headers=kept)


def refuse(request: Request, error: ServiceException, status: int | None = None) -> Response:
    """*error* as the request's service would send it: JSON with ``__type``, or XML for IAM and STS."""
    if _speaks_cbor(request):
        from . import cbor

        return cbor.refuse(error, status or int(getattr(error, "status", 400)))
    if not speaks_query(request):
        return refuse_json(error, status or int(getattr(error, "status", 400)))
    code = getattr(error, "query_code", error.code)
    if service_of(request) == "ec2":
        return _refuse_ec2(code, error.message, status or int(getattr(error, "query_status", 400)))
    namespace = {**QUERY, "monitoring": MONITORING}.get(service_of(request), QUERY["sts"])
    body = (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>Sender</Type><Code>{escape(code)}</Code>'
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
    return Response(body, status=status or getattr(error, "query_status", 400), content_type="text/xml")


def refuse_json(error: ServiceException, status: int = 400) -> Response:
    """*error* in the JSON protocol, as AWS's control API sends it."""
    body = json.dumps({"__type": error.code, "message": error.message})
    headers = {"x-amzn-ErrorType": error.code}
    return Response(body, status=status, headers=headers, content_type="application/x-amz-json-1.1")


def _speaks_cbor(request: Request) -> bool:
    """Whether the translator (cbor.py) is needed; who needs it not, does not load it."""
    return "Smithy-Protocol" in request.headers


def _refuse_ec2(code: str, message: str, status: int) -> Response:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, "Example error response"."""
    body = (
        f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
        f"<RequestID>{uuid.uuid4()}</RequestID></Response>"
    )
    return Response(body, status=status, content_type="text/xml")


def _operation_by_path(request: Request) -> str:
    """The operation that method and path name, or ``""``."""
    if "/operation/" in request.path:  # https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
        return request.path.rpartition("/")[2]
    return _routed(request)[0]


def _parameters_by_path(request: Request) -> dict[str, Any]:
    """What the path names, or nothing where the service has but one path."""
    if service_of(request) not in PATHS or request.headers.get("X-Amz-Target"):
        return {}
    return _routed(request)[1]


def _routed(request: Request) -> tuple[str, dict[str, Any]]:
    """The operation that method and path name, or ``""``, and what the path says of it."""
    try:
        operation, parameters = get_service_router(name_of(service_of(request))).match(request)
    except HTTPException:
        return "", {}
    return str(operation.name), dict(parameters)


@cache
def _members(service: str, operation: str) -> frozenset[str]:
    model = get_service_model(name_of(service))
    if operation not in model.operation_names:
        return frozenset()
    shape = model.operation_model(operation).input_shape
    return frozenset(shape.members if shape else ())


def _handler(service: str, path: str) -> Callable[..., Any]:
    """Where moto answers for *path*; raises NotImplementedError."""
    for pattern, handler in _routes(service):
        if pattern.match(path):
            return handler
    raise NotImplementedError


@cache
def _routes(service: str) -> list[tuple[re.Pattern[str], Callable[..., Any]]]:
    paths = import_module(f"moto.{MODULES.get(service, service)}.urls").url_paths
    return [(re.compile(path.removeprefix("{0}").rstrip("$") + "$"), paths[path]) for path in paths]
