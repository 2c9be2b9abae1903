"""Basic authentication of the registry: ``docker`` sends the user ``AWS`` and a password.

A password is valid in the registries of every account in its Region; IAM decides what it allows there.
Source: ECR user guide, "Private registry authentication".
"""

from collections.abc import Callable
from functools import partial

from werkzeug.wrappers import Response

from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Handler, Middleware, Principal, Request

from .token import USER, ExpiredToken, InvalidToken, Tokens


class NoCredentials(Exception):
    """The request has no Basic authentication."""


PrincipalOf = Callable[[str], Principal]  # by access key; raises ApiError
Refuse = Callable[[Request, Exception], Response]


def authenticate(tokens: Tokens, region: str, principal_of: PrincipalOf, refuse: Refuse) -> Middleware:
    """Middleware of a registry in *region* that reads the password with *tokens* and sets the request's principal.

    *refuse* gives the answer to NoCredentials, InvalidToken, ExpiredToken and ApiError (of *principal_of*).
    """
    return partial(_authenticate, tokens, region, principal_of, refuse)


def _authenticate(
    tokens: Tokens, region: str, principal_of: PrincipalOf, refuse: Refuse, request: Request, call_next: Handler
) -> Response:
    try:
        request.principal = principal_of(_access_key(tokens, region, request))
    except (NoCredentials, InvalidToken, ExpiredToken, ApiError) as error:
        return refuse(request, error)
    return call_next(request)


def _access_key(tokens: Tokens, region: str, request: Request) -> str:
    given = request.authorization
    if given is None or given.type != "basic":
        raise NoCredentials
    caller = tokens.read(given.password or "")
    if given.username != USER or caller.region != region:
        raise InvalidToken
    return caller.access_key
