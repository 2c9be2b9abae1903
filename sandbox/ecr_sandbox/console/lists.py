"""Lists: what the user searches for, the order, and one page of it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .page import Page

PER_PAGE = 50


class Selection(NamedTuple):
    """One page of a list."""

    rows: list[dict[str, Any]]
    n_found: int
    n_all: int
    number: int
    n_pages: int
    search: str
    order: str
    is_descending: bool


def selected(
    page: Page, rows: Sequence[dict[str, Any]], search: str, orders: Mapping[str, str], order: str
) -> Selection:
    """The part of *rows* that the page's query asks for: ``search``, ``sort``, ``descending``, ``page``.

    *search* is the key that is searched, *orders* maps a name of ``sort`` to the key, *order* is the default; with "-"
    before it, descending.
    """
    asked = page.request.args
    text = asked.get("search", "").strip()
    chosen = asked.get("sort", order.lstrip("-"))
    descending = asked.get("descending", "1" if order.startswith("-") and "sort" not in asked else "") == "1"
    found = [row for row in rows if text.lower() in _text(row.get(search)).lower()] if text else list(rows)
    if key := orders.get(chosen):
        found.sort(key=lambda row: _comparable(row.get(key)))
        if descending:
            found.reverse()  # also of two rows with the same value, such as images that were pushed in one second
    n_pages = max(1, -(-len(found) // PER_PAGE))
    number = min(max(1, asked.get("page", 1, type=int)), n_pages)
    shown = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    return Selection(shown, len(found), len(rows), number, n_pages, text, chosen, descending)


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _comparable(value: Any) -> Any:
    """*value* so that a row without it comes first."""
    if isinstance(value, (int, float)):
        return value
    return value.astimezone(UTC).timestamp() if isinstance(value, datetime) else _text(value)
