"""Limits of a request: the size of its body, and the characters of its path. Broken bodies are refused here too.

Layers have no limit, because they are streamed. Everything else is held in memory.
"""

import re
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from io import BytesIO

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response

from .middleware import Handler, Middleware, Request
from .server import Body, BodyTooLarge, BrokenBody

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")  # no repository and no operation has these in its name
MAX_API_BODY = 32 * 1024 * 1024  # bytes: the 20 MiB of UploadLayerPart in base64, and some more


class Problem(Enum):
    """Why a request cannot be read."""

    BODY_TOO_LARGE = auto()
    BODY_BROKEN = auto()  # it ends too early, is nested too deeply, or is not what its headers say
    PATH_BROKEN = auto()


Refuse = Callable[[Request, Problem], Response]


def enforce_limits(refuse: Refuse) -> Middleware:
    """Middleware that answers a request that cannot be read with *refuse*."""
    return partial(_enforce, refuse)


def _enforce(refuse: Refuse, request: Request, call_next: Handler) -> Response:
    if CONTROL_CHARACTERS.search(request.path):
        return refuse(request, Problem.PATH_BROKEN)
    body = request.environ.get("wsgi.input")
    if isinstance(body, Body) and "/blobs/uploads" not in request.path:
        body.limit = MAX_API_BODY
    try:
        return call_next(request)
    except (BodyTooLarge, RequestEntityTooLarge):
        return refuse(_without_body(request), Problem.BODY_TOO_LARGE)
    except (BrokenBody, HTTPException, RecursionError):
        return refuse(_without_body(request), Problem.BODY_BROKEN)


def _without_body(request: Request) -> Request:
    """*request* with an empty body: a form that could not be read cannot say in which protocol to answer."""
    return Request({**request.environ, "wsgi.input": BytesIO(), "CONTENT_LENGTH": "0"})
