"""A request passes a line of middleware; the first that objects answers, as AWS would.

A door is a function of the request and of *call_next*, which asks the next door.
"""

import string
from collections.abc import Callable, Sequence
from functools import partial, reduce
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ecr_sandbox.auth.token import Caller
from moto.core.request import Request as MotoRequest
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from ecr_sandbox.iam.evaluate import Principal


class Request(MotoRequest):
    """A request on its way: each door may note what it found out."""

    from_wsgi_server = True  # the server writes the Date header, moto need not
    caller: Caller | None = None
    principal: "Principal | None" = None


Handler = Callable[[Request], Response]
Middleware = Callable[[Request, Handler], Response]


def chain(middleware: Sequence[Middleware], last: Handler) -> Handler:
    """One handler that asks *middleware* in order and then *last*."""
    return reduce(lambda call_next, door: partial(_ask, door, call_next), reversed(middleware), last)


def _ask(door: Middleware, call_next: Handler, request: Request) -> Response:
    return door(request, call_next)


def application(handler: Handler) -> Callable[..., Any]:
    """The WSGI application that answers with *handler*."""

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        # The server ends the stream where the body ends, also of a chunked one.
        environ["wsgi.input_terminated"] = True
        response = handler(Request(environ))
        # docker prints the status line as it is; werkzeug would shout "400 BAD REQUEST".
        response.status = f"{response.status_code} {HTTPStatus(response.status_code).phrase}"
        for name, value in list(response.headers):
            if not value.isascii():  # a name from the request, say
                response.headers[name] = quote(value, safe=string.printable)
        return response(environ, start_response)

    return app
