"""The list of a registry's repositories. Distribution defines it; OCI's specification does not.

Source: https://distribution.github.io/distribution/spec/api/, "Listing Repositories".
"""

from functools import partial

from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Request

from . import pages
from .backend import RegistryBackend

PATH = "/v2/_catalog"


def listed(backend: RegistryBackend, request: Request) -> Response:
    """GET: the repositories that the caller may see, in pages; raises Refused."""
    return pages.answer(request, partial(backend.catalog, request), _body, backend.errors.lists)


def _body(names: list[str]) -> dict[str, list[str]]:
    return {"repositories": names}
