"""Middleware 2: who is it? ``docker`` says so by Basic authentication with the user ``AWS`` and a token.

A token opens the registries of every account in its Region; what it may do there, IAM decides.
Source: ECR user guide, "Private registry authentication"; ecr words in ``words.py``.
"""

from functools import partial

from ecr_sandbox.aws.errors import CommonError
from ecr_sandbox.http.middleware import Handler, Middleware, Request
from ecr_sandbox.iam import principals
from ecr_sandbox.registry.errors import denied
from ecr_sandbox.registry.responses import refuse
from ecr_sandbox.services.ecr.errors import NOT_AUTHORIZED
from ecr_sandbox.services.image_errors import TOKEN_EXPIRED, TOKEN_INVALID
from werkzeug.wrappers import Response

from .token import USER, ExpiredToken, InvalidToken, Tokens


def basic(tokens: Tokens, region: str) -> Middleware:
    """The door of a registry in *region*, which reads the token with *tokens*."""
    return partial(_basic, tokens, region)


def _basic(tokens: Tokens, region: str, request: Request, call_next: Handler) -> Response:
    given = request.authorization
    if given is None or given.type != "basic":
        return _who_are_you(request)
    try:
        caller = tokens.read(given.password or "")
    except ExpiredToken:
        return refuse(TOKEN_EXPIRED)
    except InvalidToken:
        return refuse(TOKEN_INVALID)
    if given.username != USER or caller.region != region:
        return refuse(TOKEN_INVALID)
    try:
        request.principal = principals.of(caller.access_key)
    except CommonError as no:
        return refuse(denied(no.message))
    request.caller = caller
    return call_next(request)


def _who_are_you(request: Request) -> Response:
    challenge = f'Basic realm="http://{request.host}/",service="ecr.amazonaws.com"'
    return Response(
        NOT_AUTHORIZED, status=401, headers={"Www-Authenticate": challenge}, content_type="text/plain; charset=utf-8"
    )
