"""What clients ask of a registry under ``/v2/``: which request leads to which function, and what a failure becomes.

A request passes: this table; ``House.repository``, which asks whether the caller may; the function of its line, in
``layers.py``, ``pushing.py``, ``manifests.py`` or ``discovery.py``. Bytes stream on to Distribution.
Source: OCI distribution-spec 1.1, "Endpoints"; where a registry differs: ``house.py`` and the comments.
"""

import re
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from werkzeug.wrappers import Response

from ..doors import Handler, Request
from ..listener import BrokenBody
from ..words import BODY_BROKEN, UNSUPPORTED, Refused
from . import body, discovery, disk, layers, manifests, pushing
from .answers import refuse
from .distribution import ClientGone
from .house import Ask, House


class Route(NamedTuple):
    """A line of the table; *action* is what ECR's proxy asks IAM (user guide, "image-push-iam")."""

    methods: tuple[str, ...]
    path: re.Pattern[str]
    action: str
    handler: Callable[[Ask], Response]


ROUTES = [
    Route(tuple(methods.split()), re.compile(rf"/v2/(?P<name>.+?)/{path}"), f"ecr:{action}", handler)
    for methods, path, action, handler in [
        ("POST", r"blobs/uploads/?", "InitiateLayerUpload", pushing.start),
        ("PATCH", r"blobs/uploads/(?P<part>[^/]+)", "UploadLayerPart", pushing.send_part),
        ("PUT", r"blobs/uploads/(?P<part>[^/]+)", "CompleteLayerUpload", pushing.finish),
        ("HEAD GET", r"blobs/uploads/(?P<part>[^/]+)", "UploadLayerPart", pushing.status),
        ("DELETE", r"blobs/uploads/(?P<part>[^/]+)", "UploadLayerPart", pushing.cancel),
        ("HEAD", r"blobs/(?P<part>[^/]+)", "BatchCheckLayerAvailability", layers.exists),
        ("GET", r"blobs/(?P<part>[^/]+)", "GetDownloadUrlForLayer", layers.read),
        ("HEAD GET", r"manifests/(?P<part>[^/]+)", "BatchGetImage", manifests.read),
        ("PUT", r"manifests/(?P<part>[^/]+)", "PutImage", manifests.store),
        ("DELETE", r"manifests/(?P<part>[^/]+)", "BatchDeleteImage", manifests.delete),
        ("HEAD GET", r"tags/list", "ListImages", discovery.tags),
        ("HEAD GET", r"referrers/(?P<part>[^/]+)", "BatchGetImage", discovery.referrers),
    ]
]


def registry(house: House) -> Handler:
    """The handler of everything under ``/v2/``; a request has passed the identity door."""
    return partial(_answer, house)


def _answer(house: House, request: Request) -> Response:
    try:
        return _route(house, request)
    except Refused as no:
        refusal = no.refusal
    except (BrokenBody, ClientGone):
        refusal = BODY_BROKEN
    except (OSError, sqlite3.OperationalError) as error:
        refusal = disk.worded(house.blobs.root, error)
    body.drain(request)
    return refuse(refusal)


def _route(house: House, request: Request) -> Response:
    if request.path in ("/v2", "/v2/"):
        return Response("{}", content_type="application/json")
    found = [(route, match) for route in ROUTES if (match := route.path.fullmatch(request.path))]
    for route, match in found:
        if request.method in route.methods:
            repository = house.repository(request, match["name"], route.action)
            return route.handler(Ask(request, house, repository, match.groupdict().get("part", "")))
    if found:  # a DELETE of a layer, for one: ECR's API has no such operation either
        raise Refused(UNSUPPORTED)
    return Response("404 page not found\n", status=404, content_type="text/plain; charset=utf-8")
