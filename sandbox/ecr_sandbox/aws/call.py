"""What an API request calls: service, Region, operation, account and parameters, in any of AWS's protocols.

The JSON protocol names the operation in a header, the query protocol (XML) in the form, other protocols in the path.
"""

import json
from functools import lru_cache
from typing import Any

from botocore.model import Shape
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ecr_sandbox.auth.scope import region_of, service_of
from ecr_sandbox.http.middleware import Handler, Request
from ecr_sandbox.iam import principals
from ecr_sandbox.iam.requests import Call

from .service_called import service_called

QUERY_NAMESPACES = {
    "ec2": "http://ec2.amazonaws.com/doc/2016-11-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}
SERVICES_WITH_PATHS = ("lambda", "monitoring", "sqs")  # their requests may name operation and parameters in the path
MODEL_NAMES = {"monitoring": "cloudwatch"}  # signing name -> name in botocore and moto, where they differ


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
    if speaks_query(request):
        return request.form.get("Action", "")
    if target := request.headers.get("X-Amz-Target", ""):
        return target.rpartition(".")[2]
    return _operation_by_path(request) if service_of(request) in SERVICES_WITH_PATHS else ""


def parameters_of(request: Request) -> dict[str, Any]:
    """The operation's parameters: the JSON body, or the query protocol's flat names and values.

    Parameters that the service's model does not have are left out: moto does not read them either.
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
    """The account that the operation is about: the caller's, unless ECR's registry id or an ARN names another."""
    account = request.principal.account if request.principal else ""
    if service_of(request) != "ecr":
        return account
    parameters = parameters_of(request)
    arn = str(parameters.get("resourceArn") or "").split(":")
    return str(parameters.get("registryId") or (arn[4] if len(arn) > 4 else "") or account)


def speaks_query(request: Request) -> bool:
    """Whether the request is in the query protocol. An unsigned request is recognised by its form."""
    service = service_called(request) or service_of(request)
    if service == "monitoring":  # it has three protocols
        return request.mimetype == "application/x-www-form-urlencoded"
    return service in QUERY_NAMESPACES or (
        not service and "X-Amz-Target" not in request.headers and "Action" in request.form
    )


def speaks_cbor(request: Request) -> bool:
    """Whether the request is in the CBOR protocol."""
    return "Smithy-Protocol" in request.headers


def model_name(service: str) -> str:
    """The name that botocore and moto have for the service with this signing name."""
    return MODEL_NAMES.get(service, service)


def _operation_by_path(request: Request) -> str:
    if "/operation/" in request.path:  # https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
        return request.path.rpartition("/")[2]
    return _routed(request)[0]


def _parameters_by_path(request: Request) -> dict[str, Any]:
    if service_of(request) not in SERVICES_WITH_PATHS or request.headers.get("X-Amz-Target"):
        return {}
    return _routed(request)[1]


def _routed(request: Request) -> tuple[str, dict[str, Any]]:
    """The operation that method and path name, or ``""``, and the parameters in the path."""
    try:
        operation, parameters = get_service_router(model_name(service_of(request))).match(request)
    except HTTPException:
        return "", {}
    return str(operation.name), dict(parameters)


@lru_cache(1024)  # a client may name any operation
def _members(service: str, operation: str) -> frozenset[str]:
    model = get_service_model(model_name(service))
    if operation not in model.operation_names:
        return frozenset()
    shape = model.operation_model(operation).input_shape
    members = shape.members if shape else {}
    return frozenset(_ec2_name(*each) for each in members.items()) if service == "ec2" else frozenset(members)


def _ec2_name(member: str, shape: Shape) -> str:
    """A parameter's name in a request: https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html."""
    name = str(shape.serialization.get("queryName") or shape.serialization.get("name", member))
    return f"{name[0].upper()}{name[1:]}"
