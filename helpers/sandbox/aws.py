"""The AWS side: which service and operation a request means, and moto's answer to it.

moto's own server needs Flask and looks at the disk on every request; its services need neither.
"""

import json
import re
import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from moto.core.exceptions import ServiceException
from werkzeug.wrappers import Response

from .doors import Request
from .words import NotInSandbox

SERVICES = ("ecr", "iam", "sts")  # by SigV4 signing name, which is moto's module name too
READS = re.compile("Get|List|Describe|BatchGet|BatchCheck|Validate|Simulate")

# moto warns about codes that are AWS's common ones and so not in a service's model.
warnings.filterwarnings("ignore", category=UserWarning, module=r"moto\.core\.serialize")


def service_of(request: Request) -> str:
    """The service of the signature's scope, or ``""`` for an unsigned request."""
    scope = re.search(r"Credential=[^/,\s]+/\d+/[^/]+/([^/]+)/aws4_request", request.headers.get("Authorization", ""))
    return scope[1] if scope else ""


def operation_of(request: Request) -> str:
    """The operation's name, from the JSON protocol's header or the query protocol's ``Action``."""
    target = request.headers.get("X-Amz-Target", "")
    return target.rpartition(".")[2] if target else request.form.get("Action", "")


def reads_only(operation: str) -> bool:
    """Whether an operation changes nothing, which AWS's names tell. STS makes keys with ``Get…`` and ``Assume…``."""
    return READS.match(operation) is not None and not operation.startswith("GetSessionToken")


def answer(request: Request) -> Response:
    """What moto answers; an error is JSON that names what is wrong, so that no client retries into the void."""
    service, operation = service_of(request), operation_of(request)
    if not service:
        return refuse_json(ServiceException("MissingAuthenticationTokenException", "Missing Authentication Token"), 403)
    if service not in SERVICES:
        return refuse_json(NotInSandbox(f"The service '{service}'"))
    try:
        status, headers, body = _handler(service)(request, request.url, request.headers)
    except NotImplementedError:
        return refuse_json(NotInSandbox(f"{service}:{operation}"))
    kept = {
        name: str(value) for name, value in headers.items() if name.lower() not in ("status", "content-length", "date")
    }
    return Response(body, status=status, headers=kept)


def refuse_json(error: ServiceException, status: int = 400) -> Response:
    """*error* in the JSON protocol, as AWS's control API sends it."""
    body = json.dumps({"__type": error.code, "message": error.message})
    headers = {"x-amzn-ErrorType": error.code}
    return Response(body, status=status, headers=headers, content_type="application/x-amz-json-1.1")


@cache
def _handler(service: str) -> Callable[..., Any]:
    return import_module(f"moto.{service}.urls").url_paths["{0}/$"]
