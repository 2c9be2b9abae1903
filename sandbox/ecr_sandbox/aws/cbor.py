"""The protocol that newer clients speak with CloudWatch, and moto does not: CBOR, translated to JSON and back.

Source: https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html. botocore's own code reads and writes it.
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

from botocore.model import Shape, ShapeResolver
from botocore.parsers import RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer
from ecr_sandbox.http.middleware import Request
from moto.core.exceptions import ServiceException
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from .errors import InvalidCbor

HEADER = "Smithy-Protocol"
PROTOCOL = "rpc-v2-cbor"
JSON = "application/x-amz-json-1.0"

# What every answer may be, whatever its service's model says.
_COMMON = ShapeResolver(
    {
        "Text": {"type": "string"},
        "Nothing": {"type": "structure", "members": {}},
        "Error": {"type": "structure", "members": {"__type": {"shape": "Text"}, "message": {"shape": "Text"}}},
    }
)

Handler = Callable[[Request], Response]


def translated(service: str, operation: str, request: Request, call_next: Handler) -> Response:
    """What *call_next* answers to the same call in JSON, in CBOR."""
    model = get_service_model(service)
    try:
        parameters = decoded(request.get_data())
    except Exception:  # botocore's reader has many ways to say so
        parameters = None
    if not isinstance(parameters, dict):
        return refuse(InvalidCbor(), 400)
    answer = call_next(_in_json(request, f"{model.metadata['targetPrefix']}.{operation}", parameters))
    content = json.loads(answer.get_data() or b"{}")
    if answer.status_code >= 400:
        return _response(_errors(content), answer.status_code)
    shape = model.operation_model(operation).output_shape
    return _response(encoded(content, shape or _COMMON.get_shape_by_name("Nothing")))


def refuse(error: ServiceException, status: int) -> Response:
    """*error*, for a client that speaks CBOR."""
    return _response(_errors({"__type": error.code, "message": error.message}), status)


def decoded(body: bytes) -> Any:
    """What *body* says; raises whatever botocore's reader raises."""
    if not body:
        return {}
    parser = RpcV2CBORParser()
    return parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))


def encoded(value: Mapping[str, Any], shape: Shape) -> bytes:
    """*value*, as JSON has it, in CBOR: *shape* says which numbers are times. What it does not know is left out."""
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


def _in_json(request: Request, target: str, parameters: Any) -> Request:
    body = json.dumps(parameters, default=_plain).encode()
    environ = {
        **request.environ,
        "PATH_INFO": "/",
        "CONTENT_TYPE": JSON,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_X_AMZ_TARGET": target,
        "wsgi.input": BytesIO(body),
    }
    environ = {name: value for name, value in environ.items() if not name.startswith(("HTTP_SMITHY", "werkzeug."))}
    translated = Request(environ)
    translated.principal, translated.caller = request.principal, request.caller
    return translated


def _plain(value: Any) -> Any:
    """What JSON has not."""
    return value.timestamp() if isinstance(value, datetime) else base64.b64encode(value).decode()


def _errors(content: Mapping[str, Any]) -> bytes:
    """An error's code and message."""
    said = {"__type": content.get("__type", ""), "message": content.get("message") or content.get("Message") or ""}
    return encoded(said, _COMMON.get_shape_by_name("Error"))


def _response(body: bytes, status: int = 200) -> Response:
    return Response(body, status=status, headers={HEADER: PROTOCOL}, content_type="application/cbor")
