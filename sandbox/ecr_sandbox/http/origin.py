"""Host and origin checks: only programs on this machine may send requests, and no web page of another origin.

A page can send requests to ``localhost``, or let its own host name resolve to 127.0.0.1 (DNS rebinding). The first
has a foreign ``Origin`` or ``Sec-Fetch-Site``, the second a foreign ``Host``. Another port of localhost is another
origin, but the same site: the pages of JupyterLab at ``localhost:8888`` are refused too, but may link to the console.
Sources: RFC 6454, section 4, and https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
"""

import re
from collections.abc import Callable
from functools import partial

from werkzeug.wrappers import Response

from . import aws_names
from .middleware import Handler, Middleware, Request

OWN_PAGE_OR_NO_PAGE = {"same-origin", "none"}  # values of Sec-Fetch-Site; "none" is an address that the user typed
LOOPBACK = ("127.0.0.1", "::1")
# Answers repeat this header in addresses that clients follow, so it has a name and a port, and nothing else.
LOCALHOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


def check_origin(request: Request, call_next: Handler) -> Response:
    """Refuse with 403 a request that does not come from this machine, or was not meant for it."""
    return _check(_is_localhost, LOOPBACK, "use http://localhost and the port", request, call_next)


def check_names(address: str) -> Middleware:
    """The same for the listener at *address*, which serves AWS's names."""

    def is_served(host: str) -> bool:
        is_address = host.partition(":")[0] == address
        return is_address or _is_localhost(host) or aws_names.place_of(host) is not None

    return partial(_check, is_served, (*LOOPBACK, address), "use a name of AWS's that it serves")


def _is_localhost(host: str) -> bool:
    return LOCALHOST.fullmatch(host) is not None


def _check(
    is_served: Callable[[str], bool], clients: tuple[str, ...], fix: str, request: Request, call_next: Handler
) -> Response:
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    if request.remote_addr not in (*clients, None):
        return _refuse(f"requests from {request.remote_addr}", fix)
    if not is_served(host):
        return _refuse(f"the host name '{host}'", fix)
    if origin and origin.lower() != f"{request.scheme}://{host}".lower():
        return _refuse(f"web pages of {origin}", fix)
    is_foreign = request.headers.get("Sec-Fetch-Site", "none").lower() not in OWN_PAGE_OR_NO_PAGE
    if is_foreign and not _leads_to_console(request):
        return _refuse("web pages of another origin", fix)
    return call_next(request)


def _leads_to_console(request: Request) -> bool:
    """Whether the user follows a link to the console, for example of a notebook; reading a page changes nothing."""
    is_navigation = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    return is_navigation and is_console_path(request.path)


def is_console_path(path: str) -> bool:
    """Whether *path* is one of the console's pages."""
    return path == "/console" or path.startswith("/console/")


def _refuse(what: str, fix: str) -> Response:
    return Response(f"The ECR sandbox does not answer {what}: {fix}.\n", status=403)
