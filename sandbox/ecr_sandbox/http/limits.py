"""Middleware 0: how much a request may bring, and what is answered when it is broken.

Layers have no limit here: they stream through. Everything else is held in memory, so it has one.
"""

import re

from ecr_sandbox.aws import dispatch, errors
from ecr_sandbox.registry.errors import BODY_BROKEN, BODY_TOO_LARGE, PATH_BROKEN, Refusal
from ecr_sandbox.registry.responses import refuse
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response

from .middleware import Handler, Request
from .server import Body, BodyTooLarge, BrokenBody

UNSEEN = re.compile(r"[\x00-\x1f\x7f]")  # nothing that is asked for has these in its name
API_BODY = 32 * 1024 * 1024  # bytes: UploadLayerPart's 20 MiB in base64, and room


def limits(request: Request, call_next: Handler) -> Response:
    """Refuse with 413 a body that is too large; with 400 one that is broken or too deep, and a path that is no text."""
    on_the_wire = request.path == "/v2" or request.path.startswith("/v2/")
    if UNSEEN.search(request.path):
        return refuse(PATH_BROKEN) if on_the_wire else _in_json(PATH_BROKEN)
    body = request.environ.get("wsgi.input")
    if isinstance(body, Body) and "/blobs/uploads" not in request.path:
        body.limit = API_BODY
    try:
        return call_next(request)
    except (BodyTooLarge, RequestEntityTooLarge):
        refusal = BODY_TOO_LARGE
    except (BrokenBody, HTTPException, RecursionError):
        refusal = BODY_BROKEN
    return refuse(refusal) if on_the_wire else _in_json(refusal)


def _in_json(refusal: Refusal) -> Response:
    code = "RequestEntityTooLargeException" if refusal is BODY_TOO_LARGE else "SerializationException"
    return dispatch.refuse_json(errors.CommonError(code, code, refusal.message), refusal.status)
