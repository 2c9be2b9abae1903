"""How the registry answers: with JSON for a refusal, and its version always.

Source: OCI distribution-spec, "Error Codes".
"""

import json

from werkzeug.wrappers import Response

from ..words import Refusal


def refuse(refusal: Refusal) -> Response:
    """The HTTP answer of *refusal* (werkzeug leaves out the body when the request was a HEAD)."""
    return Response(json.dumps(refusal.body()), status=refusal.status, content_type="application/json; charset=utf-8")
