"""Answers in the JSON protocol: what an operation returns, as its shape in botocore's model has it.

moto's serializer does the same, and looks for each member of each object under six names: that took most of the time
of a list. Source: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache, partial
from typing import Any

from botocore import xform_name
from botocore.model import OperationModel
from moto.core.utils import get_service_model

Writer = Callable[[Any], Any]


@lru_cache(256)
def writer(service: str, operation: str) -> Writer:
    """The function that turns the result of *operation* into what JSON can hold.

    The result is a dictionary with the model's names, or an object of moto's with attributes of the same names in
    snake case. Members that the model does not have, or that are None, are left out.
    """
    model: OperationModel = get_service_model(service).operation_model(operation)
    return _writer(model.output_shape) if model.output_shape else lambda result: {}


def _writer(shape: Any) -> Writer:
    match shape.type_name:
        case "structure":
            members = [(name, _names(name, shape.name), _writer(member)) for name, member in shape.members.items()]
            return partial(_structure, members)
        case "list":
            item = _writer(shape.member)
            return lambda value: [item(each) for each in value]
        case "map":
            item = _writer(shape.value)
            return lambda value: {key: item(each) for key, each in value.items()}
    return WRITERS.get(shape.type_name, _as_it_is)


def _structure(members: Sequence[tuple[str, Sequence[str], Writer]], value: Any) -> dict[str, Any]:
    written, is_dict = {}, isinstance(value, dict)
    for name, attributes, write in members:
        found = value.get(name) if is_dict else _attribute(value, attributes)
        if found is not None:
            written[name] = found if type(found) is str else write(found)
    return written


def _attribute(value: Any, names: Sequence[str]) -> Any:
    return next((getattr(value, each) for each in names if hasattr(value, each)), None)


def _names(member: str, structure: str) -> list[str]:
    """The attributes in which moto's objects keep a member: ``repositoryName`` of Repository is ``name``, too."""
    short = member[len(structure) :] if member.lower().startswith(structure.lower()) else ""
    return [xform_name(each) for each in (member, short) if each]


def _text(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _seconds(value: datetime | float) -> float:
    """A time in Unix seconds, to the millisecond."""
    if isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    whole = int(value)
    thousandths = int(value * 1000) - whole * 1000
    return whole + thousandths / 1000 if thousandths else whole


def _as_it_is(value: Any) -> Any:
    return value


WRITERS: dict[str, Writer] = {
    "string": _text,
    "timestamp": _seconds,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
}
