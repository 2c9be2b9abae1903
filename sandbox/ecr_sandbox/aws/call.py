"""What an API request calls: service, Region, operation, account and parameters, in any of AWS's protocols.

The JSON protocol names the operation in a header, the query protocol (XML) in the form, other protocols in the path.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from moto.core.routing import get_router_class
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ecr_sandbox.auth.scope import region_of, service_of
from ecr_sandbox.http.middleware import Handler, Request
from ecr_sandbox.iam import principals
from ecr_sandbox.iam.requests import Call

from . import query_parameters
from .protocols import CBOR, EC2, JSON, QUERY, model_name, model_of, protocol_of

SERVICES_WITH_PATHS = ("lambda", "monitoring", "sqs")  # their requests may name operation and parameters in the path


def read_call(request: Request, call_next: Handler) -> Response:
    """Middleware that sets the request's call; the request is signed and valid."""
    request.call = Call(
        principals.of_request(request),
        service_of(request),
        operation_of(request),
        region_of(request),
        account_of(request),
        parameters_of(request),
    )
    return call_next(request)


def operation_of(request: Request) -> str:
    """The operation's name, or ``""``."""
    protocol = protocol_of(request)
    if protocol in (QUERY, EC2):
        return request.form.get("Action", "")
    if protocol == JSON:
        return request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    if protocol == CBOR:  # https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
        return request.path.rpartition("/")[2] if "/operation/" in request.path else ""
    return _routed(request)[0]


def parameters_of(request: Request) -> Mapping[str, Any]:
    """The operation's parameters as ``validation.py`` has read them; of the query protocols, flat names and texts.

    Parameters that the service's model does not have are left out: moto does not read them either.
    """
    if protocol_of(request) not in (QUERY, EC2):
        return request.parameters
    known = _members(service_of(request), operation_of(request))
    return {name: value for name, value in request.form.items() if name.partition(".")[0] in known}


def account_of(request: Request) -> str:
    """The account that the operation is about: the caller's, unless ECR's registry id or an ARN names another."""
    account = request.principal.account if request.principal else ""
    if service_of(request) != "ecr":
        return account
    parameters = parameters_of(request)
    arn = str(parameters.get("resourceArn") or "").split(":")
    return str(parameters.get("registryId") or (arn[4] if len(arn) > 4 else "") or account)


def parameters_by_path(request: Request) -> dict[str, str]:
    """The parameters that the path names: of REST, and the queue of a request that is sent to a queue's URL."""
    if service_of(request) not in SERVICES_WITH_PATHS or protocol_of(request) == CBOR:
        return {}
    if service_of(request) == "sqs":
        return {"QueueUrl": request.base_url} if request.path != "/" else {}
    return _routed(request)[1]


def _routed(request: Request) -> tuple[str, dict[str, str]]:
    """The operation that method and path name, or ``""``, and the parameters in the path."""
    router = _router(service_of(request), protocol_of(request))
    try:
        operation, parameters = router.match(request) if router else (None, {})
    except HTTPException:
        return "", {}
    return (str(operation.name) if operation else ""), dict(parameters)


@lru_cache(128)
def _router(service: str, protocol: str) -> Any:
    """moto's router, which its own code would choose by the content type."""
    model, router = model_of(service), get_router_class(model_name(service), protocol)
    return router(model) if model and router else None


@lru_cache(1024)  # a client may name any operation
def _members(service: str, operation: str) -> frozenset[str]:
    model = model_of(service)
    if model is None or operation not in model.operation_names:
        return frozenset()
    return query_parameters.first_parts(model.operation_model(operation).input_shape, ec2=service == "ec2")
