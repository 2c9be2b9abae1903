"""Which code answers an API request: moto's service, or a service of the sandbox's own.

moto's server needs Flask and reads the disk on every request; its services need neither.
"""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from importlib import import_module
from typing import Any

import moto.backends
from botocore.model import OperationNotFoundError
from werkzeug.wrappers import Response

from ecr_sandbox import settings
from ecr_sandbox.auth import errors as auth_errors
from ecr_sandbox.auth.scope import Scope
from ecr_sandbox.errors import not_supported
from ecr_sandbox.http.middleware import Handler, Request
from ecr_sandbox.iam.requests import call_of

from .call import SERVICES_WITH_PATHS
from .json_request import in_json
from .parameters import json_object
from .protocols import CBOR, JSON, MODEL_NAMES, content_type, model_name, protocol_of
from .service_called import service_called

SERVICES = ("ecr", "iam", "sts")  # moto's, loaded at the start; by signing name, which is moto's module name too
MODULES = {**MODEL_NAMES, "lambda": "awslambda"}  # signing name -> moto's module, where they differ

NOT_KEPT = ("status", "content-length", "content-type", "date")  # of the headers of moto's answers

_further: dict[str, Handler] = {}


def serve(service: str, handler: Handler) -> None:
    """Let *handler* answer for a further *service* (a signing name)."""
    _further[service] = handler


def check_scope(request: Request, scope: Scope) -> None:
    """Return if the request is signed for the service that it calls and for a Region that exists; raises ApiError."""
    called = service_called(request)
    known_region = scope.region in moto.backends.get_backend("ecr")[settings.ACCOUNT]
    if called and called != scope.service:
        invalid = [] if known_region else [auth_errors.INVALID_REGION]
        raise auth_errors.wrong_scope([*invalid, auth_errors.wrong_service(called)])
    if not (scope.service in SERVICES or scope.service in _further):
        raise not_supported(f"The service '{scope.service}'")
    if (request.query_string or request.path != "/") and scope.service not in SERVICES_WITH_PATHS:
        raise not_supported("A request with a path or a query string")  # no AWS client sends one
    if not _in_partition_aws(scope.region):
        raise auth_errors.unknown_key()  # a key is not valid in another partition
    if not known_region:
        raise auth_errors.wrong_scope([auth_errors.INVALID_REGION])


def answer(request: Request) -> Response:
    """The answer of the call's service; raises ApiError for an operation that the sandbox does not have."""
    call = call_of(request)
    try:
        if call.service in _further:
            return _further[call.service](request)
        return by_moto(call.service, request)
    except (NotImplementedError, OperationNotFoundError):
        raise not_supported(f"{call.service}:{call.operation}") from None


def by_moto(service: str, request: Request) -> Response:
    """moto's answer. moto would guess account and Region from headers that nobody signed; both are given here."""
    call = call_of(request)
    protocol = protocol_of(request)
    if protocol == CBOR:
        from . import cbor  # few clients speak it

        return cbor.translated(model_name(service), call.operation, request, partial(by_moto, service))
    kind = content_type(service, protocol)
    if protocol == JSON:  # moto goes by the content type, AWS by the header that names the operation
        request.environ["CONTENT_TYPE"] = kind
        if service in _further:  # ECR's own code reads its bodies, which can be large
            target, content = request.headers["X-Amz-Target"], json_object(request.get_data())
            request = in_json(request, target, kind, content, request.path)
    request.environ["HTTP_X_MOTO_ACCOUNT_ID"] = call.account
    url = f"http://{service}.{call.region}.amazonaws.com{request.path}"
    status, headers, body = _handler(service, request.path)(request, url, request.headers)
    kept = {name: str(value) for name, value in headers.items() if name.lower() not in NOT_KEPT}
    return Response(body, status=status, headers=kept, content_type=kind)


def _in_partition_aws(region: str) -> bool:
    return re.fullmatch(r"(af|ap|ca|eu|il|me|mx|sa|us)-(?!gov-|iso)[a-z]+-\d", region) is not None


def _handler(service: str, path: str) -> Callable[..., Any]:
    """moto's function for *path*; raises NotImplementedError."""
    for pattern, handler in _routes(service):
        if pattern.match(path):
            return handler
    raise NotImplementedError


@lru_cache(64)
def _routes(service: str) -> list[tuple[re.Pattern[str], Callable[..., Any]]]:
    paths = import_module(f"moto.{MODULES.get(service, service)}.urls").url_paths
    return [(re.compile(path.removeprefix("{0}").rstrip("$") + "$"), paths[path]) for path in paths]
