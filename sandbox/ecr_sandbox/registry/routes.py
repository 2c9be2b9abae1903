"""The endpoints of the registry protocol under ``/v2/``: which function answers which request, and what errors become.

A request passes this table, then ``RegistryBackend.repository``, which checks whether the caller may do that, and then
the function of its route in ``blobs.py``, ``blob_uploads.py``, ``manifests.py``, ``tags.py`` or ``referrers.py``.
The list of repositories, in ``catalog.py``, belongs to no repository.
Source: OCI distribution-spec 1.1, "Endpoints"; where a registry differs, ``backend.py`` and comments say so.
"""

import re
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Handler, Request
from ecr_sandbox.http.server import BrokenBody

from . import blob_uploads, blobs, body, catalog, manifests, referrers, tags
from .backend import RegistryBackend, RegistryRequest
from .errors import BODY_BROKEN, UNSUPPORTED, Refused, disk_failed
from .responses import refuse


class Route(NamedTuple):
    """A row of the table; *action* is what the caller must be allowed to do (user guide, "image-push-iam")."""

    methods: tuple[str, ...]
    path: re.Pattern[str]
    action: str
    handler: Callable[[RegistryRequest], Response]


ROUTES = [
    Route(tuple(methods.split()), re.compile(rf"/v2/(?P<name>.+?)/{path}"), f"ecr:{action}", handler)
    for methods, path, action, handler in [
        ("POST", r"blobs/uploads/?", "InitiateLayerUpload", blob_uploads.start),
        ("PATCH", r"blobs/uploads/(?P<part>[^/]+)", "UploadLayerPart", blob_uploads.send_part),
        ("PUT", r"blobs/uploads/(?P<part>[^/]+)", "CompleteLayerUpload", blob_uploads.finish),
        ("HEAD GET", r"blobs/uploads/(?P<part>[^/]+)", "UploadLayerPart", blob_uploads.status),
        ("DELETE", r"blobs/uploads/(?P<part>[^/]+)", "UploadLayerPart", blob_uploads.cancel),
        ("HEAD", r"blobs/(?P<part>[^/]+)", "BatchCheckLayerAvailability", blobs.exists),
        ("GET", r"blobs/(?P<part>[^/]+)", "GetDownloadUrlForLayer", blobs.read),
        ("HEAD GET", r"manifests/(?P<part>[^/]+)", "BatchGetImage", manifests.read),
        ("PUT", r"manifests/(?P<part>[^/]+)", "PutImage", manifests.store),
        ("DELETE", r"manifests/(?P<part>[^/]+)", "BatchDeleteImage", manifests.delete),
        ("HEAD GET", r"tags/list", "ListImages", tags.listed),
        ("HEAD GET", r"referrers/(?P<part>[^/]+)", "BatchGetImage", referrers.listed),
    ]
]


def registry(backend: RegistryBackend) -> Handler:
    """The handler of everything under ``/v2/``; requests are authenticated before."""
    return partial(_answer, backend)


def _answer(backend: RegistryBackend, request: Request) -> Response:
    try:
        return _route(backend, request)
    except Refused as no:
        refusal = no.refusal
    except BrokenBody:
        refusal = BODY_BROKEN
    except (OSError, sqlite3.Error) as error:
        refusal = disk_failed(backend.blobs.folder, error)
    body.drain(request)
    return refuse(refusal)


def _welcome(backend: RegistryBackend) -> Response:
    """GET of /v2/: the client may use the registry."""
    response = Response(backend.errors.welcome, content_type="application/json")
    if not backend.errors.welcome:
        del response.headers["Content-Type"]
    return response


def _route(backend: RegistryBackend, request: Request) -> Response:
    if request.path in ("/v2", "/v2/"):
        return _welcome(backend)
    if request.path == catalog.PATH and request.method in ("HEAD", "GET"):
        return catalog.listed(backend, request)
    found = [(route, match) for route in ROUTES if (match := route.path.fullmatch(request.path))]
    for route, match in found:
        if request.method in route.methods:
            repository = backend.repository(request, match["name"], route.action)
            return route.handler(RegistryRequest(request, backend, repository, match.groupdict().get("part", "")))
    if found or request.path == catalog.PATH:  # DELETE of a blob, for example: ECR's API has no such operation either
        raise Refused(UNSUPPORTED)
    return Response("404 page not found\n", status=404, content_type="text/plain; charset=utf-8")
