"""Host and origin checks: only programs on this machine may send requests, and no web page of another site.

A page of another site can send requests to ``localhost``, or let its own host name resolve to 127.0.0.1 (DNS
rebinding). The first has a foreign ``Origin``, the second a foreign ``Host``.
"""

import re
from urllib.parse import urlsplit

from werkzeug.wrappers import Response

from .middleware import Handler, Request

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
# Answers repeat this header in addresses that clients follow, so it has a name and a port, and nothing else.
HOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


def check_origin(request: Request, call_next: Handler) -> Response:
    """Refuse with 403 a request that does not come from this machine, or was not meant for it."""
    if request.remote_addr not in ("127.0.0.1", "::1", None):
        return _refuse(f"requests from {request.remote_addr}")
    if not HOST.fullmatch(request.headers.get("Host", "")):
        return _refuse(f"the host name '{request.headers.get('Host', '')}'")
    origin = request.headers.get("Origin")
    if (origin and _host(origin) not in LOCAL_HOSTS) or request.headers.get("Sec-Fetch-Site") == "cross-site":
        return _refuse(f"web pages of {origin or 'another site'}")
    return call_next(request)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _refuse(what: str) -> Response:
    return Response(f"The ECR sandbox does not answer {what}: use http://localhost and the port.\n", status=403)
