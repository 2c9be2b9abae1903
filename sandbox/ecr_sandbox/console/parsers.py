"""botocore's parser of answers, faster with long lists: a page may read ten thousand image IDs."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from botocore.parsers import JSONParser, ResponseParser, ResponseParserFactory
from botocore.utils import parse_timestamp


class Factory(ResponseParserFactory):
    """The component ``response_parser_factory`` of a botocore session."""

    def create_parser(self, protocol_name: str) -> ResponseParser:
        """The parser of a protocol of AWS (``json``, ``query``, …)."""
        if protocol_name != "json":
            return super().create_parser(protocol_name)
        return _Json(timestamp_parser=_time)


class _Json(JSONParser):
    def _handle_list(self, shape: Any, node: Any) -> Any:
        """What JSON can express is in the list already; botocore copies it, member by member."""
        parse = _parser(shape.member)
        return [parse(each) for each in node] if parse else node


@lru_cache(512)
def _parser(shape: Any) -> Callable[[Any], Any] | None:
    """What turns a value of JSON into the *shape* that botocore returns. None if both are the same.

    JSON has no times and no bytes.
    """
    match shape.type_name:
        case "timestamp":
            return _time
        case "blob":
            return base64.b64decode
        case "list" if item := _parser(shape.member):
            return lambda values: [item(each) for each in values]
        case "map" if value := _parser(shape.value):
            return lambda values: {name: value(each) for name, each in values.items()}
        case "structure":
            members = [(name, parse) for name, each in shape.members.items() if (parse := _parser(each))]
            return (lambda values: _structure(members, values)) if members else None
    return None


def _structure(members: list[tuple[str, Callable[[Any], Any]]], values: dict[str, Any]) -> dict[str, Any]:
    """The structure *values* with these *members* parsed, in place."""
    for name, parse in members:
        if (found := values.get(name)) is not None:
            values[name] = parse(found)
    return values


def _time(value: float | str) -> datetime:
    """A time in an answer, in UTC. botocore's own function converts it to the local time zone, which takes longer."""
    return datetime.fromtimestamp(value, UTC) if isinstance(value, (int, float)) else parse_timestamp(value)
