"""The parameters of a call, in every protocol, as JSON has them: named and typed as botocore's model says.

Parameters that the model does not have are left out, as AWS ignores them.
"""

import base64
import math
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.utils import parse_timestamp

from ecr_sandbox import strict_json
from ecr_sandbox.http.middleware import Request

from . import query_parameters
from .cbor import decoded
from .protocols import CBOR, EC2, JSON, QUERY

MAX_DEPTH = 32  # levels of a body; the deepest model has half as many
INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
DECIMAL = re.compile(r"[+-]?([0-9]{1,309}(\.[0-9]{0,309})?|\.[0-9]{1,309})([eE][+-]?[0-9]{1,3})?")
FIRST, LAST = -62_135_596_800, 253_402_300_799  # seconds since 1970 of the years 1 and 9999
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
INTEGERS, NUMBERS = ("integer", "long", "short", "byte"), ("float", "double")

# What AWS's JSON services answer; measured by others, byte for byte:
# https://github.com/floci-io/floci (SesV2Json.java, 2026-06-13) and an emulator of Athena (2026-09-23). "an Boolean"
# is AWS's.
LIST_FOUND = "Start of list found where not expected"
MAP_FOUND = "Start of structure or map found where not expected."
NO_LIST, NO_MAP = "Expected list or null", "Expected null"
NAMES = {
    "string": "a String",
    "character": "a String",
    "boolean": "a Boolean",
    "blob": "a Blob",
    "timestamp": "a Timestamp",
    **dict.fromkeys(INTEGERS, "an Integer"),
    "long": "a Long",
    "float": "a Float",
    "double": "a Double",
}


Scalar = Callable[[Shape, Any], Any]


class Malformed(ValueError):
    """A request that cannot be read; the message may be empty, as AWS's is."""


def read(request: Request, protocol: str, operation: OperationModel, in_path: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a call of *operation*; *in_path* are those that its path names. Raises Malformed."""
    shape = operation.input_shape
    if protocol == CBOR:
        return typed(shape, _cbor(request.get_data()))
    if protocol in (QUERY, EC2):
        raw = query_parameters.nested(shape, request.form.items(multi=True), ec2=protocol == EC2)
        return typed(shape, {**in_path, **raw}, _text)
    if protocol == JSON:
        return typed(shape, {**in_path, **json_object(request.get_data())})
    return _rest(request, shape, in_path)


def typed(shape: StructureShape | None, raw: Any, scalar: "Scalar | None" = None) -> dict[str, Any]:
    """The members of *shape* in the JSON value *raw*, which must have its types; raises Malformed."""
    found: dict[str, Any] = _value(shape, raw, scalar or _json) if shape else {}
    return found


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in *body* (empty: no parameters); raises Malformed, also if it is nested too deeply."""
    try:
        found = strict_json.loads(body.decode() or "{}")
    except ValueError:
        raise Malformed from None
    return _checked(found)


def _cbor(body: bytes) -> dict[str, Any]:
    try:
        found = decoded(body)
    except Exception:  # botocore's reader raises many types
        raise Malformed from None
    return _checked(_plain(found))


def _checked(found: Any) -> dict[str, Any]:
    if isinstance(found, list):
        raise Malformed(LIST_FOUND)
    if not isinstance(found, dict):
        raise Malformed
    level: list[Any] = [found]
    for _ in range(MAX_DEPTH):
        level = [inner for part in level for inner in _inner(part)]
    if level:
        raise Malformed
    return found


def _rest(request: Request, shape: StructureShape | None, in_path: Mapping[str, str]) -> dict[str, Any]:
    """A request of REST has parameters in its path, its query string, its headers and its body."""
    if shape is None:
        return {}
    found: dict[str, Any] = {}
    body: dict[str, Any] = {}
    payload = shape.serialization.get("payload")
    bound = {name for name, each in shape.members.items() if each.serialization.get("location")}
    if payload is None and bound < set(shape.members):
        body = json_object(request.get_data())
    for name, member in shape.members.items():
        where, key = member.serialization.get("location"), member.serialization.get("name", name)
        if name == payload:
            value = _payload(member, request.get_data())
        elif where == "uri":
            value = in_path.get(key)
        elif where == "querystring":
            value = request.args.getlist(key) if isinstance(member, ListShape) else request.args.get(key)
        elif where == "header":
            value = request.headers.get(key)
        else:
            value = body.get(key)
        if value is not None and value != []:
            found[name] = value if name == payload else _value(member, value, _text if where else _json)
    return found


def _payload(shape: Shape, body: bytes) -> Any:
    if isinstance(shape, StructureShape):
        return typed(shape, json_object(body))
    if shape.type_name == "blob":
        return base64.b64encode(body).decode()
    return body.decode(errors="replace")


def _value(shape: Shape, raw: Any, scalar: Scalar) -> Any:
    if isinstance(shape, StructureShape):
        if getattr(shape, "is_document_type", False):
            return raw
        if not isinstance(raw, dict):
            raise Malformed(LIST_FOUND if isinstance(raw, list) else NO_MAP)
        named = {name: each.serialization.get("name", name) for name, each in shape.members.items()}
        if scalar is _text:
            named = {name: name for name in named}  # query_parameters.py has translated them
        given = {name: raw[key] for name, key in named.items() if raw.get(key) is not None}
        return {name: _value(shape.members[name], each, scalar) for name, each in given.items()}
    if isinstance(shape, ListShape):
        if not isinstance(raw, list):
            raise Malformed(MAP_FOUND if isinstance(raw, dict) else NO_LIST)
        return [_value(shape.member, each, scalar) for each in raw]
    if isinstance(shape, MapShape):
        if not isinstance(raw, dict):
            raise Malformed(LIST_FOUND if isinstance(raw, list) else NO_MAP)
        return {_value(shape.key, key, scalar): _value(shape.value, each, scalar) for key, each in raw.items()}
    return scalar(shape, raw)


def _json(shape: Shape, raw: Any) -> Any:
    """A value of JSON that is neither list nor map."""
    kind = shape.type_name
    if isinstance(raw, list):
        raise Malformed(LIST_FOUND)
    if isinstance(raw, dict):
        raise Malformed(MAP_FOUND)
    if raw is None:
        raise Malformed
    is_number = isinstance(raw, (int, float)) and not isinstance(raw, bool)
    good = {
        "boolean": isinstance(raw, bool),
        **dict.fromkeys(INTEGERS, isinstance(raw, int) and not isinstance(raw, bool)),
        **dict.fromkeys(NUMBERS, is_number),
        "timestamp": is_number or isinstance(raw, str),
    }.get(kind, isinstance(raw, str))
    if not good:
        found = "STRING" if isinstance(raw, str) else str(raw).upper() if isinstance(raw, bool) else "NUMBER"
        raise Malformed(f"{found}_VALUE can not be converted to {NAMES.get(kind, kind)}")
    if kind == "timestamp":
        return _time(raw)
    if kind == "blob":
        return _blob(raw)
    if isinstance(raw, str):
        _check_text(raw)
    elif isinstance(raw, float) and not math.isfinite(raw):
        raise Malformed
    return raw


def _text(shape: Shape, raw: Any) -> Any:
    """A value that is written as text: in a form, a path, a query string or a header."""
    kind, text = shape.type_name, str(raw)
    if not isinstance(raw, str):
        raise Malformed("Unexpected complex element termination")
    if NOT_XML.search(text):
        raise Malformed("A parameter has a character that XML does not have")
    if kind in INTEGERS and INTEGER.fullmatch(text):
        return int(text)
    if kind in NUMBERS and DECIMAL.fullmatch(text):
        return float(text)
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind == "timestamp":
        return _time(text)
    if kind == "blob":
        return _blob(text)
    if kind not in ("string", "character"):
        raise Malformed(f"STRING_VALUE can not be converted to {NAMES.get(kind, kind)}")
    return text


def _time(raw: Any) -> float:
    """Seconds since 1970."""
    with suppress(ValueError, OverflowError, RuntimeError):
        if isinstance(raw, str):
            raw = parse_timestamp(raw).timestamp()
        if FIRST <= raw <= LAST:
            return float(raw)
    raise Malformed("timestamp must follow ISO8601")


def _blob(raw: str) -> str:
    """Base64, unchanged."""
    try:
        base64.b64decode(raw, validate=True)
    except ValueError:
        raise Malformed from None
    return raw


def _check_text(text: str) -> None:
    """JSON can contain half of a surrogate pair, which is not a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Malformed from None


def _plain(value: Any) -> Any:
    """CBOR has times, bytes and keys of any type, which JSON does not have."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.timestamp()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _inner(part: Any) -> Iterable[Any]:
    if isinstance(part, dict):
        return part.values()
    return part if isinstance(part, list) else ()
