"""Door 3: is the call what botocore's own service model of ECR, private or public, says it must be?

Clients check only part of it; AWS checks all of it before anything else.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from werkzeug.wrappers import Response

from .aws import operation_of, refuse_json, service_of
from .doors import Handler, Request
from .words import InvalidParameter, NotInSandbox

CHECKED = ("ecr", "ecr-public")


def validate(request: Request, onward: Handler) -> Response:
    """Refuse an ECR call whose parameters break the model: InvalidParameterException, never a 500."""
    service = service_of(request)
    if service not in CHECKED:
        return onward(request)
    operation = operation_of(request)
    if operation not in _model(service).operation_names:
        return refuse_json(NotInSandbox(operation or "A request without X-Amz-Target"))
    try:
        parameters = json.loads(request.get_data() or b"{}")
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        return refuse_json(InvalidParameter("body", "must be a JSON object"))
    shape = _model(service).operation_model(operation).input_shape
    fault = next(faults(shape, parameters), None) if shape else None
    return refuse_json(InvalidParameter(*fault)) if fault else onward(request)


def faults(shape: Shape, value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Each field of *value* that breaks *shape*, with the constraint that it breaks, in AWS's words."""
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, name)
    elif isinstance(shape, ListShape):
        yield from _list(shape, value, name)
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            yield name, "must be a map"
    elif shape.type_name == "string":
        yield from _string(shape, value, name)
    elif shape.type_name in ("integer", "long"):
        yield from _integer(shape, value, name)
    elif shape.type_name == "boolean" and not isinstance(value, bool):
        yield name, "must be true or false"


def _structure(shape: StructureShape, value: Any, name: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield name, "must be an object"
        return
    for member in shape.required_members:
        if value.get(member) is None:
            yield _path(name, member), "must not be null"
    for member, part in value.items():
        if member in shape.members and part is not None:
            yield from faults(shape.members[member], part, _path(name, member))


def _list(shape: ListShape, value: Any, name: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, list):
        yield name, "must be a list"
        return
    yield from _length(shape, len(value), name)
    for part in value:
        yield from faults(shape.member, part, name)


def _string(shape: Shape, value: Any, name: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, str):
        yield name, "must be a string"
        return
    yield from _length(shape, len(value), name)
    if shape.enum and value not in shape.enum:
        yield name, f"must satisfy enum value set: [{', '.join(shape.enum)}]"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield name, f"must satisfy regular expression '{pattern}'"


def _integer(shape: Shape, value: Any, name: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield name, "must be a whole number"
        return
    if value < shape.metadata.get("min", value):
        yield name, f"must have value greater than or equal to {shape.metadata['min']}"
    if value > shape.metadata.get("max", value):
        yield name, f"must have value less than or equal to {shape.metadata['max']}"


def _length(shape: Shape, length: int, name: str) -> Iterator[tuple[str, str]]:
    if length < shape.metadata.get("min", 0):
        yield name, f"must have length greater than or equal to {shape.metadata['min']}"
    if length > shape.metadata.get("max", length):
        yield name, f"must have length less than or equal to {shape.metadata['max']}"


def _path(parent: str, member: str) -> str:
    return f"{parent}.{member}" if parent else member


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.Session().get_service_model(service)
