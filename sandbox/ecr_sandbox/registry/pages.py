"""Lists that come in pages: numbers in the query, and the link to the next page.

Source: OCI distribution-spec 1.1, "Content Discovery"; RFC 8288.
"""

import re
from typing import Any
from urllib.parse import urlencode

from .backend import RegistryRequest
from .errors import PAGE_INVALID, Refused


def number(request: RegistryRequest, name: str) -> int | None:
    """The number *name* in the query, None when it is not there; raises Refused when it is not a number."""
    given = request.http.args.get(name)
    if given is None:
        return None
    if not re.fullmatch(r"[0-9]{1,15}", given):
        raise Refused(PAGE_INVALID)
    return int(given)


def next_link(request: RegistryRequest, path: str, **query: Any) -> str:
    """The header Link for the next page of *path* in the repository."""
    return f'</v2/{request.repository.name}/{path}?{urlencode(query)}>; rel="next"'
