"""Validation of every call against botocore's own model of its service.

Clients check a part of the model. AWS checks all of it, before anything else.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from botocore.model import ListShape, MapShape, Shape, StructureShape
from werkzeug.wrappers import Response

from ecr_sandbox.auth.scope import service_of
from ecr_sandbox.errors import not_supported
from ecr_sandbox.http.middleware import Handler, Request

from . import constraint_errors, parameters
from .call import operation_of, parameters_by_path
from .protocols import model_of, offered, protocol_of

LARGEST = {"integer": 2**31 - 1, "long": 2**63 - 1}
MOST_ERRORS = 10  # that one answer lists
# These patterns of the models make Python backtrack for years when 40 letters end in a wrong one. The second means the
# same without backtracking.
ONE_WAY = {
    r"^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$": r"[a-z0-9*]+(?:[._\-/][a-z0-9*]+)*",
    r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$": r"\t*[^\x00-\x1F:\x7F][^\x00-\x08\x0A-\x1F:\x7F]*",
    r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$": r"\t*[\x20-\x7E][\x20-\x7E\t]*",
}
# Classes that Java has and Python does not: letters, numbers, separators.
CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"}
# Texts about which AWS has more to say than their pattern; the service's own code does.
SAID_BY_THE_SERVICE = ("YearMonthDay",)


class Fault(NamedTuple):
    """A constraint that a value breaks: the path of its field, the constraint, and the value (None: not shown)."""

    name: str
    constraint: str
    value: str | None = None


def validate(request: Request, call_next: Handler) -> Response:
    """Middleware that refuses a call that the service's model does not allow; raises ApiError, ServiceException."""
    service, protocol = service_of(request), protocol_of(request)
    if protocol not in offered(service):
        raise not_supported(f"The protocol {protocol} of the service '{service}'")
    model, operation = model_of(service), operation_of(request)
    if model is None or operation not in model.operation_names:
        raise not_supported(f"{service}:{operation}" if operation else f"A request to {service} without an operation")
    try:
        given = parameters.read(request, protocol, model.operation_model(operation), parameters_by_path(request))
    except parameters.Malformed as error:
        raise constraint_errors.malformed(protocol, str(error)) from None
    check(service, operation, given)
    request.parameters = given
    return call_next(request)


def check(service: str, operation: str, given: dict[str, Any]) -> None:
    """Return if the parameters *given* break no constraint of the model; raises ApiError, ServiceException."""
    model = model_of(service)
    shape = model.operation_model(operation).input_shape if model else None
    if shape and (found := list(islice(faults(shape, given), MOST_ERRORS))):
        raise constraint_errors.refusal(service, found)


def faults(shape: Shape, value: Any, name: str = "") -> Iterator[Fault]:
    """Each constraint of *shape* that *value* breaks, as AWS writes it; *value* has the types that *shape* says."""
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, name)
    elif isinstance(shape, ListShape):
        yield from _length(shape, len(value), name)
        for number, part in enumerate(value, 1):
            yield from faults(shape.member, part, f"{name}.{number}.member")
    elif isinstance(shape, MapShape):
        yield from _length(shape, len(value), name)
        for key, part in value.items():
            for fault in faults(shape.key, key):
                yield Fault(name, f"Map keys must satisfy constraint: [Member {fault.constraint}]")
            yield from faults(shape.value, part, f"{name}.{key}.member")
    elif shape.type_name in ("string", "character"):
        yield from _string(shape, value, name)
    elif shape.type_name == "blob":
        yield from _length(shape, len(value.rstrip("=")) * 3 // 4, name)
    elif shape.type_name in (*LARGEST, "float", "double"):
        yield from _range(shape, value, name)


def _structure(shape: StructureShape, value: dict[str, Any], name: str) -> Iterator[Fault]:
    if getattr(shape, "is_document_type", False):
        return
    for member in shape.required_members:
        if member not in value:
            yield Fault(_path(name, member), "must not be null", "null")
    if shape.is_tagged_union and len(value) != 1:
        yield Fault(name, f"must have exactly one member of: [{', '.join(shape.members)}]")
    for member, part in value.items():
        yield from faults(shape.members[member], part, _path(name, member))


def _string(shape: Shape, value: str, name: str) -> Iterator[Fault]:
    if shape.name in SAID_BY_THE_SERVICE:
        return
    shown = None if shape.metadata.get("sensitive") else f"'{value}'"
    wrong_length = list(_length(shape, len(value), name, shown))
    yield from wrong_length
    if shape.enum and value not in shape.enum:
        yield Fault(name, f"must satisfy enum value set: [{', '.join(shape.enum)}]", shown)
    pattern = shape.metadata.get("pattern")
    # A value that is too long is not matched, which could take long.
    if pattern and not wrong_length and not _matches(pattern, value):
        yield Fault(name, f"must satisfy regular expression '{pattern}'", shown)


def _range(shape: Shape, value: float, name: str) -> Iterator[Fault]:
    largest = LARGEST.get(shape.type_name, float("inf"))
    least, most = shape.metadata.get("min", -largest), shape.metadata.get("max", largest)
    if value < least:
        yield Fault(name, f"must have value greater than or equal to {least}", f"'{value}'")
    if value > most:
        yield Fault(name, f"must have value less than or equal to {most}", f"'{value}'")


def _length(shape: Shape, length: int, name: str, shown: str | None = None) -> Iterator[Fault]:
    if length < shape.metadata.get("min", 0):
        yield Fault(name, f"must have length greater than or equal to {shape.metadata['min']}", shown)
    if length > shape.metadata.get("max", length):
        yield Fault(name, f"must have length less than or equal to {shape.metadata['max']}", shown)


def _matches(pattern: str, value: str) -> bool:
    """Whether *value* matches; a pattern that Python cannot read allows everything."""
    compiled = _compiled(ONE_WAY.get(pattern, pattern))
    return compiled is None or compiled.fullmatch(value) is not None


@lru_cache(1024)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    flags = re.UNICODE if r"\p{" in pattern else re.ASCII
    for java, python in CLASSES.items():
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern, flags)
    except re.error:
        return None


def _path(parent: str, member: str) -> str:
    return f"{parent}.{member}" if parent else member
