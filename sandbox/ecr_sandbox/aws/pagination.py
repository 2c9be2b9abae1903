"""Lists in pages. A page is found by the place where the one before ended, so that it costs the same at any depth.

``nextToken`` is opaque (API reference, ``nextToken`` of each list): it is isolated, good for the same list only and,
like AWS's, not for ever: until the sandbox ends.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from itsdangerous import BadData, URLSafeSerializer

from .errors import InvalidParameter

Row = TypeVar("Row")
SIZE = 100  # when maxResults is not given (API reference)

_isolate = URLSafeSerializer(secrets.token_bytes(32))


def page(
    what: str,
    rows: Callable[[Any, int], Sequence[Row]],
    place: Callable[[Row], Any],
    token: str | None,
    size: int,
) -> tuple[list[Row], str | None]:
    """The next rows of the list *what*, and the token of what comes after them; raises InvalidParameter.

    *rows* gives up to so many rows after a place (None: from the beginning); *place* says where a row is.
    """
    found = list(rows(_place(what, token), size + 1))
    following = _isolate.dumps([what, place(found[size - 1])]) if len(found) > size else None
    return found[:size], following


def of_list(what: str, items: Sequence[Row], token: str | None, size: int) -> tuple[list[Row], str | None]:
    """The same of a list that is there as a whole."""
    numbered = list(enumerate(items, 1))
    found, following = page(what, lambda after, n: numbered[(after or 0) :][:n], lambda row: row[0], token, size)
    return [item for _, item in found], following


def _place(what: str, token: str | None) -> Any:
    if token is None:
        return None
    try:
        of, place = _isolate.loads(token)
    except BadData:
        of = None
    if of != what:
        raise InvalidParameter("nextToken", "Invalid token")
    return place
