"""Door 2: who is it? ``docker`` says so by Basic authentication with the user ``AWS`` and a token.

Source: ECR user guide, "Private registry authentication"; ecr words in ``words.py``.
"""

from functools import partial

from werkzeug.wrappers import Response

from . import present
from .doors import Door, Handler, Request
from .registry.answers import refuse
from .token import USER, ExpiredToken, InvalidToken, Tokens
from .words import NOT_AUTHORIZED, TOKEN_EXPIRED, TOKEN_INVALID


def basic(tokens: Tokens) -> Door:
    """The door that reads the token with *tokens*."""
    return partial(_basic, tokens)


def _basic(tokens: Tokens, request: Request, onward: Handler) -> Response:
    given = request.authorization
    if given is None or given.type != "basic":
        return _who_are_you()
    try:
        caller = tokens.read(given.password or "")
    except ExpiredToken:
        return refuse(TOKEN_EXPIRED)
    except InvalidToken:
        return refuse(TOKEN_INVALID)
    if given.username != USER or not present.is_registry_of(caller.account, caller.region):
        return refuse(TOKEN_INVALID)
    request.caller = caller
    return onward(request)


def _who_are_you() -> Response:
    challenge = f'Basic realm="{present.endpoint()}/",service="ecr.amazonaws.com"'
    return Response(
        NOT_AUTHORIZED, status=401, headers={"Www-Authenticate": challenge}, content_type="text/plain; charset=utf-8"
    )
