"""A call written anew in JSON, as moto reads it.

moto also reads a JSON body as a form, whose ``Action`` would win: a text such as ``x&Action=DeleteSecret`` would run an
operation that IAM did not authorize. Without ``&`` a body is no form.
"""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from ecr_sandbox.http.middleware import Request


def in_json(request: Request, target: str, content_type: str, content: Mapping[str, Any], path: str = "/") -> Request:
    """The same call with the body *content*; *target* names the operation, as the header does."""
    body = json.dumps(dict(content)).replace("&", r"\u0026").encode()
    environ = {
        **request.environ,
        "PATH_INFO": path,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_X_AMZ_TARGET": target,
        "wsgi.input": BytesIO(body),
    }
    environ = {name: value for name, value in environ.items() if not name.startswith(("HTTP_SMITHY", "werkzeug."))}
    written = Request(environ)
    written.principal, written.call, written.parameters = request.principal, request.call, request.parameters
    return written
