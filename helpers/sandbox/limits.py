"""Door 0: how much a request may bring, and what is answered when it is broken.

Layers have no limit here: they stream through. Everything else is held in memory, so it has one.
"""

import re

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response

from . import aws, common_errors
from .doors import Handler, Request
from .listener import Body, BodyTooLarge, BrokenBody
from .registry.answers import refuse
from .words import BODY_BROKEN, BODY_TOO_LARGE, PATH_BROKEN, Refusal

UNSEEN = re.compile(r"[\x00-\x1f\x7f]")  # nothing that is asked for has these in its name
API_BODY = 32 * 1024 * 1024  # bytes: UploadLayerPart's 20 MiB in base64, and room


def limits(request: Request, onward: Handler) -> Response:
    """Refuse with 413 a body that is too large; with 400 one that is broken or too deep, and a path that is no text."""
    on_the_wire = request.path == "/v2" or request.path.startswith("/v2/")
    if UNSEEN.search(request.path):
        return refuse(PATH_BROKEN) if on_the_wire else _in_json(PATH_BROKEN)
    body = request.environ.get("wsgi.input")
    if isinstance(body, Body) and "/blobs/uploads" not in request.path:
        body.limit = API_BODY
    try:
        return onward(request)
    except (BodyTooLarge, RequestEntityTooLarge):
        refusal = BODY_TOO_LARGE
    except (BrokenBody, HTTPException, RecursionError):
        refusal = BODY_BROKEN
    return refuse(refusal) if on_the_wire else _in_json(refusal)


def _in_json(refusal: Refusal) -> Response:
    code = "RequestEntityTooLargeException" if refusal is BODY_TOO_LARGE else "SerializationException"
    return aws.refuse_json(common_errors.CommonError(code, code, refusal.message), refusal.status)
