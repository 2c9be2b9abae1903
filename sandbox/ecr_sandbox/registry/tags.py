"""The list of a repository's tags.

Source: OCI distribution-spec 1.1, "Content Discovery", "Listing Tags".
"""

import json

from werkzeug.wrappers import Response

from .backend import RegistryRequest
from .pages import next_link, number


def listed(request: RegistryRequest) -> Response:
    """GET: all tags that can be pulled, in the order of their bytes, in pages of ``n`` after ``last``."""
    size = number(request, "n")
    found = request.repository.images.tags(request.http.args.get("last", ""), None if size is None else size + 1)
    shown = found[:size]
    headers = {}
    if size and len(found) > size:
        headers["Link"] = next_link(request, "tags/list", n=size, last=shown[-1])
    text = json.dumps({"name": request.repository.name, "tags": shown})
    return Response(text, headers=headers, content_type="application/json")
