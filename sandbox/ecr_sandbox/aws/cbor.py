"""The CBOR protocol, which newer clients speak with CloudWatch and moto does not: translated to JSON and back.

Source: https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html. botocore's own code
reads and writes it.
"""

import json
from collections.abc import Mapping
from typing import Any

from botocore.model import Shape, ShapeResolver
from botocore.parsers import RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer
from moto.core.exceptions import ServiceException
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Handler, Request

from .json_request import in_json

HEADER = "Smithy-Protocol"
PROTOCOL = "rpc-v2-cbor"
JSON = "application/x-amz-json-1.0"

# The shapes of errors and of empty answers, which are the same for every service.
_COMMON = ShapeResolver(
    {
        "Text": {"type": "string"},
        "Nothing": {"type": "structure", "members": {}},
        "Error": {"type": "structure", "members": {"__type": {"shape": "Text"}, "message": {"shape": "Text"}}},
    }
)


def translated(service: str, operation: str, request: Request, call_next: Handler) -> Response:
    """The answer of *call_next* to the same call in JSON, translated to CBOR."""
    model = get_service_model(service)
    answer = call_next(in_json(request, f"{model.metadata['targetPrefix']}.{operation}", JSON, request.parameters))
    content = json.loads(answer.get_data() or b"{}")
    if answer.status_code >= 400:
        return _response(_errors(content), answer.status_code)
    shape = model.operation_model(operation).output_shape
    return _response(encoded(content, shape or _COMMON.get_shape_by_name("Nothing")))


def refuse(error: ApiError | ServiceException, status: int) -> Response:
    """*error* in CBOR."""
    return _response(_errors({"__type": error.code, "message": error.message}), status)


def decoded(body: bytes) -> Any:
    """The value in *body*; raises what botocore's reader raises."""
    if not body:
        return {}
    parser = RpcV2CBORParser()
    return parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))


def encoded(value: Mapping[str, Any], shape: Shape) -> bytes:
    """*value*, as JSON has it, in CBOR. *shape* says which numbers are times; members it does not have are left out."""
    written = bytearray()
    RpcV2CBORSerializer()._serialize_data_item(written, _known(value, shape), shape)
    return bytes(written)


def _known(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure":
        return {
            name: _known(value[name], member) for name, member in shape.members.items() if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [_known(each, shape.member) for each in value]
    if shape.type_name == "map":
        return {name: _known(each, shape.value) for name, each in value.items()}
    return value


def _errors(content: Mapping[str, Any]) -> bytes:
    """An error's code and message."""
    error = {"__type": content.get("__type", ""), "message": content.get("message") or content.get("Message") or ""}
    return encoded(error, _COMMON.get_shape_by_name("Error"))


def _response(body: bytes, status: int = 200) -> Response:
    return Response(body, status=status, headers={HEADER: PROTOCOL}, content_type="application/cbor")
