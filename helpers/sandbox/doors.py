"""A request passes a line of doors; the first that objects answers, as AWS would.

A door is a function of the request and of *onward*, which asks the next door.
"""

import string
from collections.abc import Callable, Sequence
from functools import partial, reduce
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from moto.core.request import Request as MotoRequest
from werkzeug.wrappers import Response

from .token import Caller

if TYPE_CHECKING:
    from .iam import Principal


class Request(MotoRequest):
    """A request on its way: each door may note what it found out."""

    from_wsgi_server = True  # the server writes the Date header, moto need not
    caller: Caller | None = None
    principal: "Principal | None" = None


Handler = Callable[[Request], Response]
Door = Callable[[Request, Handler], Response]


def line(doors: Sequence[Door], last: Handler) -> Handler:
    """One handler that asks *doors* in order and then *last*."""
    return reduce(lambda onward, door: partial(_ask, door, onward), reversed(doors), last)


def _ask(door: Door, onward: Handler, request: Request) -> Response:
    return door(request, onward)


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
