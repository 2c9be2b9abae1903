"""Pages of a list. Each page begins after the last row of the page before, so every page costs the same.

``nextToken`` is opaque (API reference, ``nextToken`` of each list). It is signed, and valid for the same list only.
Like AWS's it expires: when the sandbox stops.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from itsdangerous import BadData, URLSafeSerializer

from .errors import InvalidParameter

Row = TypeVar("Row")
SIZE = 100  # when maxResults is not given (API reference)

_tokens = URLSafeSerializer(secrets.token_bytes(32))


def page(
    what: str,
    rows: Callable[[Any, int], Sequence[Row]],
    place: Callable[[Row], Any],
    token: str | None,
    size: int,
) -> tuple[list[Row], str | None]:
    """The next *size* rows of the list *what* and the token of the page after them; raises InvalidParameter.

    *rows* returns so many rows after a place (None: from the beginning); *place* returns the place of a row.
    """
    found = list(rows(_place(what, token), size + 1))
    following = _tokens.dumps([what, place(found[size - 1])]) if len(found) > size else None
    return found[:size], following


def of_list(what: str, items: Sequence[Row], token: str | None, size: int) -> tuple[list[Row], str | None]:
    """The same for a list in memory."""
    numbered = list(enumerate(items, 1))
    found, following = page(what, lambda after, n: numbered[(after or 0) :][:n], lambda row: row[0], token, size)
    return [item for _, item in found], following


def _place(what: str, token: str | None) -> Any:
    if token is None:
        return None
    try:
        of, place = _tokens.loads(token)
    except BadData:
        of = None
    if of != what:
        raise InvalidParameter("nextToken", "Invalid token")
    return place
