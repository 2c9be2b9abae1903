"""Lists that come in pages: the tags of a repository, the repositories of a registry.

Source: OCI distribution-spec 1.1, "Content Discovery"; RFC 8288. ECR's pages differ: see ``services/lists.py``.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Request

from .errors import PAGE_INVALID, Refused

Page = tuple[list[str], str | None]  # the names of a page, and the ``last`` of the next one


def answer(
    request: Request, page: Callable[[int | None, str | None], Page], body: Callable[[list[str]], Any], media_type: str
) -> Response:
    """The page that *request* asks for with ``n`` and ``last``, and the link to the next one; raises Refused."""
    size = number(request, "n")
    names, last = page(size, request.args.get("last"))
    headers = {} if last is None else {"Link": next_link(request, **({"n": size} if size else {}), last=last)}
    return Response(json.dumps(body(names), indent=4) + "\n", headers=headers, content_type=media_type)


def number(request: Request, name: str) -> int | None:
    """The number *name* in the query, None when it is not there; raises Refused when it is not a number."""
    given = request.args.get(name)
    if given is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,15}", given):
        raise Refused(PAGE_INVALID)
    return int(given)


def next_link(request: Request, **query: Any) -> str:
    """The header Link for the next page of what *request* asks for: its address with another *query*."""
    return f'<{request.base_url}?{urlencode(query)}>; rel="next"'
