"""Host and origin checks: only programs on this machine may send requests, and no web page of another origin.

A page can send requests to ``localhost``, or let its own host name resolve to 127.0.0.1 (DNS rebinding). The first
has a foreign ``Origin`` or ``Sec-Fetch-Site``, the second a foreign ``Host``. Another port of localhost is another
origin, but the same site: the pages of JupyterLab at ``localhost:8888`` are refused too, but may link to the console.
Sources: RFC 6454, section 4, and https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
"""

import re

from werkzeug.wrappers import Response

from .middleware import Handler, Request

OWN_PAGE_OR_NO_PAGE = {"same-origin", "none"}  # values of Sec-Fetch-Site; "none" is an address that the user typed
# Answers repeat this header in addresses that clients follow, so it has a name and a port, and nothing else.
HOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


def check_origin(request: Request, call_next: Handler) -> Response:
    """Refuse with 403 a request that does not come from this machine, or was not meant for it."""
    if request.remote_addr not in ("127.0.0.1", "::1", None):
        return _refuse(f"requests from {request.remote_addr}")
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    if not HOST.fullmatch(host):
        return _refuse(f"the host name '{host}'")
    if origin and origin.lower() != f"http://{host}".lower():
        return _refuse(f"web pages of {origin}")
    if request.headers.get("Sec-Fetch-Site", "none").lower() not in OWN_PAGE_OR_NO_PAGE and not _leads_to_console(
        request
    ):
        return _refuse("web pages of another origin")
    return call_next(request)


def _leads_to_console(request: Request) -> bool:
    """Whether the user follows a link to the console, for example of a notebook; reading a page changes nothing."""
    is_navigation = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    return is_navigation and is_console_path(request.path)


def is_console_path(path: str) -> bool:
    """Whether *path* is one of the console's pages."""
    return path == "/console" or path.startswith("/console/")


def _refuse(what: str) -> Response:
    return Response(f"The ECR sandbox does not answer {what}: use http://localhost and the port.\n", status=403)
