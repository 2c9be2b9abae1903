"""What the answers of registries have in common: JSON for a refusal, and a header with the protocol's version.

Source: OCI distribution-spec, "Error Codes".
"""

import json

from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Handler, Request

from .errors import Refusal


def refuse(refusal: Refusal) -> Response:
    """The HTTP answer of *refusal* (werkzeug leaves out the body when the request was a HEAD)."""
    return Response(
        json.dumps(refusal.body()),
        status=refusal.status,
        headers=dict(refusal.headers),
        content_type="application/json; charset=utf-8",
    )


def with_version(request: Request, call_next: Handler) -> Response:
    """Middleware that adds the protocol's version to every answer, refusals too."""
    response = call_next(request)
    response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
    return response
