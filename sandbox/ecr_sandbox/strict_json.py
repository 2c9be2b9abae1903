"""JSON as its specification has it. Python also reads NaN and Infinity, and the last of several members with one name.

Source: RFC 8259, sections 4 ("The names within an object SHOULD be unique") and 6.
"""

import json
from typing import Any, NoReturn


class RepeatedName(ValueError):
    """An object has two members with this name: other programs may read the other value."""


def loads(text: str, *, unique_names: bool = False) -> Any:
    """The value in *text*; raises ValueError, also if it is nested too deeply, and RepeatedName if *unique_names*."""
    try:
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique if unique_names else None)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise RepeatedName("an object has two members with one name")
    return found
