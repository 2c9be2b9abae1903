"""Middleware 1: only programs on this machine, and no web page that found out our port.

A page of another site can send requests to ``localhost``, or let its own name resolve to 127.0.0.1 (DNS
rebinding): the first has a foreign ``Origin``, the second a foreign ``Host``.
"""

from urllib.parse import urlsplit

from werkzeug.wrappers import Response

from .middleware import Handler, Request

OURS = {"localhost", "127.0.0.1", "::1"}


def guard(request: Request, call_next: Handler) -> Response:
    """Refuse with 403 whatever does not come from this machine and for this machine."""
    if request.remote_addr not in ("127.0.0.1", "::1", None):
        return _refuse(f"requests from {request.remote_addr}")
    if _host(f"//{request.headers.get('Host', '')}") not in OURS:
        return _refuse(f"the host name '{request.headers.get('Host', '')}'")
    origin = request.headers.get("Origin")
    if (origin and _host(origin) not in OURS) or request.headers.get("Sec-Fetch-Site") == "cross-site":
        return _refuse(f"web pages of {origin or 'another site'}")
    return call_next(request)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _refuse(what: str) -> Response:
    return Response(f"The ECR sandbox does not answer {what}: use http://localhost and the port.\n", status=403)
