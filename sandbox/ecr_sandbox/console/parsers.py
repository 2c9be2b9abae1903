"""botocore's parser of answers, faster with long lists: a page may read ten thousand image IDs."""

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
        return node if _is_json(shape.member) else super()._handle_list(shape, node)


@lru_cache(512)
def _is_json(shape: Any) -> bool:
    """Whether JSON has the values of *shape* as botocore returns them; it has no times and no bytes."""
    if shape.type_name == "structure":
        return all(_is_json(member) for member in shape.members.values())
    if shape.type_name in ("list", "map"):
        return _is_json(shape.member if shape.type_name == "list" else shape.value)
    return shape.type_name not in ("timestamp", "blob")


def _time(value: float | str) -> datetime:
    """A time in an answer, in UTC. botocore's own function converts it to the local time zone, which takes longer."""
    return datetime.fromtimestamp(value, UTC) if isinstance(value, (int, float)) else parse_timestamp(value)
