"""The templates, and the form in which they show times, sizes, documents and the API's words."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import words

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


_templates.globals["OWN_PAGE"] = "This page is of the sandbox only."
_templates.globals["UNDATED"] = words.UNDATED


def render(template: str, **values: Any) -> str:
    """The text of *template*; every value is escaped."""
    return _templates.get_template(template).render(**values)


def _time(moment: datetime | float | str | None) -> str:
    """A time as the AWS console writes it; a text is in the form of ISO 8601."""
    if moment is None:
        return "-"
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, UTC)
    return moment.astimezone(UTC).strftime("%B %d, %Y, %H:%M:%S (UTC)")


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.2f}"


def _pretty(document: str | Mapping[str, Any]) -> str:
    return json.dumps(json.loads(document) if isinstance(document, str) else document, indent=2, default=str)


def _pretty_or_text(text: str) -> str:
    """*text* as indented JSON; as it is, when it is none: the user is writing it."""
    try:
        return _pretty(text)
    except ValueError:
        return text


def _trusted(document: Mapping[str, Any]) -> str:
    """Who a trust policy trusts."""
    statements = document.get("Statement", [])
    found = [each.get("Principal", {}) for each in (statements if isinstance(statements, list) else [statements])]
    names = [name for each in found for name in (each.values() if isinstance(each, dict) else [each])]
    return ", ".join(", ".join(name) if isinstance(name, list) else str(name) for name in names)


_templates.filters |= {
    "time": _time,
    "zip": zip,
    "megabytes": _megabytes,
    "pretty": _pretty,
    "pretty_or_text": _pretty_or_text,
    "pretty_or_empty": lambda text: _pretty(text) if text else "",
    "trusted": _trusted,
    "criterion": words.CRITERIA.get,
    "mutability": words.MUTABILITY.get,
    "encryption": words.ENCRYPTION.get,
    "artifact_type": words.artifact_type,
    "scan_status": words.status,
    "counted": words.counted,
}
