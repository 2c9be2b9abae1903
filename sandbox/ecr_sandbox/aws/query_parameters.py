"""The query protocols write a nested parameter as names with dots: ``Tags.member.1.Key``, and EC2 ``Filter.1.Value.1``.

Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html, …/aws-ec2-query-protocol.html
"""

from collections.abc import Iterable
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

Tree = dict[str, Any]  # the parts of a name -> what follows them; the value itself is at ""
MAX_PARTS = 64  # of one name


def nested(shape: StructureShape | None, form: Iterable[tuple[str, str]], ec2: bool) -> dict[str, Any]:
    """The parameters of *form* as lists, maps and texts; names that *shape* does not have are left out."""
    tree: Tree = {}
    for name, value in form:
        parts, node = name.split("."), tree
        if len(parts) > MAX_PARTS:
            continue
        for part in parts:
            node = node.setdefault(part, {})
        node.setdefault("", value)
    return _structure(shape, tree, ec2) if shape else {}


def first_parts(shape: StructureShape | None, ec2: bool) -> frozenset[str]:
    """What the names of the members of *shape* begin with, up to the first dot."""
    return frozenset(_member(name, each, ec2) for name, each in shape.members.items()) if shape else frozenset()


def _structure(shape: StructureShape, tree: Tree, ec2: bool) -> dict[str, Any]:
    given = {name: tree.get(_member(name, each, ec2)) for name, each in shape.members.items()}
    return {name: _value(shape.members[name], node, ec2) for name, node in given.items() if node is not None}


def _value(shape: Shape, node: Tree, ec2: bool) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, node, ec2)
    if isinstance(shape, ListShape):
        inside = node if ec2 or _flattened(shape) else node.get(_serialized(shape.member, "member", ec2), {})
        return [_value(shape.member, each, ec2) for each in _numbered(inside)]
    if isinstance(shape, MapShape):
        key, value = _serialized(shape.key, "key", ec2), _serialized(shape.value, "value", ec2)
        entries = _numbered(node if _flattened(shape) else node.get("entry", {}))
        return {each[key].get("", ""): _value(shape.value, each.get(value, {}), ec2) for each in entries if key in each}
    return node.get("", node)


def _numbered(node: Tree) -> list[Tree]:
    """The elements of a list, in the order of their numbers."""
    return [node[name] for name in sorted((name for name in node if _is_number(name)), key=int)]


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 10


def _member(name: str, shape: Shape, ec2: bool) -> str:
    outer = _serialized(shape, name, ec2)
    if isinstance(shape, ListShape) and _flattened(shape) and not ec2:
        return _serialized(shape.member, outer, ec2)
    return outer


def _flattened(shape: Shape) -> bool:
    return bool(shape.serialization.get("flattened"))


def _serialized(shape: Shape, name: str, ec2: bool) -> str:
    """The name of a member in a form. EC2 writes it with a capital; SQS has names of an older protocol."""
    older = shape.serialization.get("locationNameForQueryCompatibility")
    found = str(older or shape.serialization.get("name", name))
    return str(shape.serialization.get("queryName", found[:1].upper() + found[1:])) if ec2 else found
