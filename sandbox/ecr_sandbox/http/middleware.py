"""Middleware: a function of the request and of *call_next*, which passes the request to the rest of the chain.

Each middleware answers the request itself or passes it on. ``app.py`` builds the chains.
"""

import string
from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import quote

from moto.core.request import Request as MotoRequest
from werkzeug.datastructures import Authorization
from werkzeug.wrappers import Response


class Principal(Protocol):
    """Who sent a request, as far as most code needs to know it. IAM's own type is ``iam.evaluate.Principal``."""

    @property
    def arn(self) -> str:
        """The ARN of a user, of a role session or of an account's root."""

    @property
    def account(self) -> str:
        """The account number."""


class Request(MotoRequest):
    """A request, and what the middleware found out about it."""

    from_wsgi_server = True  # the server writes the Date header, moto does not need to
    principal: Principal | None = None  # set by auth; None for an anonymous client
    parameters: Mapping[str, Any] = MappingProxyType({})  # set by aws/validation.py: as JSON has them
    call: object | None = None  # set by aws/call.py, read with iam.requests.call_of

    @property
    def own_url(self) -> str:
        """The scheme, the host and the port by which the client reached the sandbox."""
        return f"{self.scheme}://{self.host}"

    @property
    def authorization(self) -> Authorization | None:
        """The Authorization header, or None; werkzeug raises ValueError for one that is not ASCII."""
        try:
            return super().authorization
        except ValueError:
            return None


Handler = Callable[[Request], Response]
Middleware = Callable[[Request, Handler], Response]


def chain(middleware: Sequence[Middleware], last: Handler) -> Handler:
    """A handler that passes a request through *middleware*, in this order, to *last*."""
    return reduce(lambda call_next, each: partial(_call, each, call_next), reversed(middleware), last)


def _call(middleware: Middleware, call_next: Handler, request: Request) -> Response:
    return middleware(request, call_next)


def application(handler: Handler) -> Callable[..., Any]:
    """The WSGI application that answers with *handler*."""

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        # The server ends the stream where the body ends, also with chunked encoding.
        environ["wsgi.input_terminated"] = True
        response = handler(Request(environ))
        # docker prints the status line as it is, and werkzeug writes "400 BAD REQUEST".
        response.status = f"{response.status_code} {HTTPStatus(response.status_code).phrase}"
        for name, value in list(response.headers):
            if not value.isascii():  # a name from the request, for example
                response.headers[name] = quote(value, safe=string.printable)
        return response(environ, start_response)

    return app
