"""The list of a repository's tags.

Source: OCI distribution-spec 1.1, "Content Discovery", "Listing Tags".
"""

from werkzeug.wrappers import Response

from . import pages
from .backend import RegistryRequest
from .errors import PAGE_INVALID, Refused
from .images import Images
from .pages import Page


def listed(request: RegistryRequest) -> Response:
    """GET: the tags that can be pulled, in pages."""
    repository = request.repository

    def body(tags: list[str]) -> dict[str, str | list[str]]:
        return {"name": repository.name, "tags": tags}

    return pages.answer(request.http, repository.tags, body, request.backend.errors.lists)


def by_name(images: Images, size: int | None, last: str | None) -> Page:
    """Up to *size* tags after *last* in the order of their bytes, as the specification says; raises Refused."""
    if size is not None and size < 0:
        raise Refused(PAGE_INVALID)
    found = images.tags(last or "", None if size is None else size + 1)
    shown = found[:size]
    return shown, shown[-1] if shown and len(found) > len(shown) else None
