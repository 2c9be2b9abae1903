"""Validation of a call of ECR or ECR Public against botocore's own model of the service.

Clients check a part of the model. AWS checks all of it, before anything else.
"""

import base64
import json
import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NoReturn

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from werkzeug.wrappers import Response

from ecr_sandbox.auth.scope import service_of
from ecr_sandbox.errors import not_supported
from ecr_sandbox.http.middleware import Handler, Request

from .call import operation_of
from .errors import InvalidParameter
from .responses import refuse_json

CHECKED = ("ecr", "ecr-public")
MAX_DEPTH = 32  # levels of a body; the model has 6
LARGEST = {"integer": 2**31 - 1, "long": 2**63 - 1}
OWN_TYPES = ("repositoryName", "imageTag", "imageDigest", "layerDigest")
# The model's pattern makes Python backtrack for years when 40 letters end in a wrong one. The second means the same
# without backtracking.
ONE_WAY = {r"^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$": r"[a-z0-9*]+(?:[._\-/][a-z0-9*]+)*"}


def validate(request: Request, call_next: Handler) -> Response:
    """Middleware that refuses a call with a parameter that the model does not allow: InvalidParameterException."""
    service = service_of(request)
    if service not in CHECKED:
        return call_next(request)
    operation = operation_of(request)
    if operation not in _model(service).operation_names:
        return refuse_json(not_supported(operation or "A request without X-Amz-Target"))
    try:
        parameters = parameters_in(request.get_data())
    except ValueError:
        return refuse_json(InvalidParameter("body", "must be a JSON object"))
    shape = _model(service).operation_model(operation).input_shape
    fault = next(faults(shape, parameters), None) if shape else None
    return refuse_json(InvalidParameter(*as_ecr_says(*fault))) if fault else call_next(request)


def parameters_in(body: bytes) -> dict[str, Any]:
    """The JSON object in *body* (empty: no parameters); raises ValueError, also if it is nested too deeply."""
    try:
        parameters = json.loads(body.decode() or "{}", parse_constant=_no_number)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(parameters, dict):
        raise ValueError("not an object")
    level: list[Any] = [parameters]
    for _ in range(MAX_DEPTH):
        level = [inner for part in level for inner in _inner(part)]
    if level:
        raise ValueError("too deep")
    return parameters


def faults(shape: Shape, value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Each field of *value* that *shape* does not allow, with the constraint.

    The third value of a list is ``list.3.member``, as in AWS's messages.
    """
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, name)
    elif isinstance(shape, ListShape):
        yield from _list(shape, value, name)
    elif isinstance(shape, MapShape):
        yield from _map(shape, value, name)
    elif shape.type_name in ("string", "character"):
        yield from _string(shape, value, name)
    elif shape.type_name == "blob":
        yield from _blob(shape, value, name)
    elif shape.type_name in LARGEST:
        yield from _integer(shape, value, name)
    elif shape.type_name in ("float", "double", "timestamp"):
        yield from _number(shape, value, name)
    elif shape.type_name == "boolean":
        if not isinstance(value, bool):
            yield name, "must be true or false"
    else:
        yield name, f"must be a {shape.type_name}, which this sandbox does not know"


def as_ecr_says(field: str, constraint: str) -> tuple[str, str]:
    """ECR's own types have their own sentences: a *field* alone, without its place in the call, and other quotes.

    Sources: https://github.com/prowler-cloud/prowler/pull/603 (imageDigest);
    https://github.com/aws-actions/amazon-ecr-login/issues/225 (registryIds); https://github.com/mulgadc/spinifex,
    spinifex/gateway/ecrapi/validation_test.go, captured from ECR (repositoryName, tags).
    """
    *_, last = field.split(".")
    if last in OWN_TYPES:
        return last, constraint.replace(r"\/", "/")  # the model escapes the slash, ECR does not
    if values := re.search(r"\[(.*)\]$", constraint):
        constraint = f"{constraint[: values.start()]}[{', '.join(sorted(values[1].split(', '), key=_place_in_java))}]"
    constraint = "Member " + re.sub("regular expression '(.*)'$", r"regular expression pattern: \1", constraint)
    if last == "member":
        field, constraint = field.rsplit(".", 2)[0], f"Member must satisfy constraint: [{constraint}]"
    return ".".join(name[0].lower() + name[1:] for name in field.split(".")), constraint


def _place_in_java(text: str) -> int:
    """ECR lists the values of an enum in the order of a Java HashSet of at most 12 strings.

    Seen in [IMMUTABLE, MUTABLE, MUTABLE_WITH_EXCLUSION, IMMUTABLE_WITH_EXCLUSION] and [REPLICATION,
    PULL_THROUGH_CACHE, CREATE_ON_PUSH]: https://github.com/badmintoncryer/cdk-preflight, rules/ecr.
    """
    hashed = 0
    for letter in text:
        hashed = (31 * hashed + ord(letter)) % 2**32
    return (hashed ^ hashed >> 16) % 16


def _structure(shape: StructureShape, value: Any, name: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield name, "must be an object"
        return
    for member in shape.required_members:
        if value.get(member) is None:
            yield _path(name, member), "must not be null"
    given = [member for member in shape.members if value.get(member) is not None]
    if shape.is_tagged_union and len(given) != 1:
        yield name, f"must have exactly one member of: [{', '.join(shape.members)}]"
    for member in given:
        yield from faults(shape.members[member], value[member], _path(name, member))


def _list(shape: ListShape, value: Any, name: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, list):
        yield name, "must be a list"
        return
    yield from _length(shape, len(value), name)
    for place, part in enumerate(value, 1):
        yield from faults(shape.member, part, f"{name}.{place}.member")


def _map(shape: MapShape, value: Any, name: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield name, "must be a map"
        return
    yield from _length(shape, len(value), name)
    for key, part in value.items():
        yield from faults(shape.key, key, name)
        yield from faults(shape.value, part, name)


def _string(shape: Shape, value: Any, name: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, str):
        yield name, "must be a string"
        return
    if not _is_text(value):
        yield name, "must be Unicode text"
        return
    wrong_length = list(_length(shape, len(value), name))
    yield from wrong_length
    if shape.enum and value not in shape.enum:
        yield name, f"must satisfy enum value set: [{', '.join(shape.enum)}]"
    pattern = shape.metadata.get("pattern")
    # A value that is too long is not matched, which could take long.
    if pattern and not wrong_length and not re.fullmatch(ONE_WAY.get(pattern, pattern), value, re.ASCII):
        yield name, f"must satisfy regular expression '{pattern}'"


def _blob(shape: Shape, value: Any, name: str) -> Iterator[tuple[str, str]]:
    try:
        content = base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except ValueError:
        content = None
    if content is None:
        yield name, "must be base64"
        return
    yield from _length(shape, len(content), name)


def _integer(shape: Shape, value: Any, name: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield name, "must be a whole number"
        return
    yield from _range(shape, value, name, LARGEST[shape.type_name])


def _number(shape: Shape, value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Also a time, which JSON has as seconds since 1970."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        yield name, "must be a number"
        return
    yield from _range(shape, value, name)


def _range(shape: Shape, value: float, name: str, largest: float = math.inf) -> Iterator[tuple[str, str]]:
    least, most = shape.metadata.get("min", -largest), shape.metadata.get("max", largest)
    if value < least:
        yield name, f"must have value greater than or equal to {least}"
    if value > most:
        yield name, f"must have value less than or equal to {most}"


def _length(shape: Shape, length: int, name: str) -> Iterator[tuple[str, str]]:
    if length < shape.metadata.get("min", 0):
        yield name, f"must have length greater than or equal to {shape.metadata['min']}"
    if length > shape.metadata.get("max", length):
        yield name, f"must have length less than or equal to {shape.metadata['max']}"


def _path(parent: str, member: str) -> str:
    return f"{parent}.{member}" if parent else member


def _inner(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        return iter(part.values())
    return iter(part if isinstance(part, list) else ())


def _is_text(value: str) -> bool:
    """JSON can contain half of a surrogate pair, which is not a character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


@lru_cache(64)
def _model(service: str) -> ServiceModel:
    return botocore.session.Session().get_service_model(service)
