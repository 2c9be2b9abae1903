"""Bearer tokens: an anonymous client gets a new one; a client with a password gets its password back as the token.

So the registry checks the password, as AWS's does: with an expired one, BuildKit gets an error for the manifest, not
for the token. Passwords of the private registry are not valid here, nor these there.
Sources: https://distribution.github.io/distribution/spec/auth/token/; https://github.com/helm/helm/issues/12491;
https://github.com/aws/karpenter-provider-aws/issues/5186 (where the error appears)
"""

import json
from functools import partial

from werkzeug.wrappers import Response

from ecr_sandbox.auth.token import USER, Caller, ExpiredToken, InvalidToken, Tokens
from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Handler, Middleware, Request
from ecr_sandbox.iam import principals
from ecr_sandbox.registry.errors import denied
from ecr_sandbox.registry.responses import refuse
from ecr_sandbox.services.image_errors import TOKEN_EXPIRED, TOKEN_INVALID

from .errors import not_authorized

REGION = "us-east-1"  # the only one
ANONYMOUS = Caller("", "", REGION)
ANONYMOUS_LIFETIME = 60 * 60  # seconds: https://github.com/oras-project/oras-go/issues/1227


def passwords(tokens: Tokens) -> Tokens:
    """The passwords of ``aws ecr-public get-login-password``, made with the secret of *tokens*."""
    return tokens.elsewhere("ecr-public-authorization-token")


def anonymous_tokens(tokens: Tokens) -> Tokens:
    """The tokens of anonymous clients."""
    return tokens.elsewhere("ecr-public-anonymous-token", ANONYMOUS_LIFETIME)


def credentials(tokens: Tokens, account: str) -> tuple[str, str]:
    """User and password of the administrator of *account*."""
    key = next(key for key, number in principals.ADMINISTRATORS.items() if number == account)
    password, _ = passwords(tokens).mint(Caller(key, account, REGION))
    return USER, password


def token_server(tokens: Tokens) -> Handler:
    """``GET /token/``: the Authorization header names the client; the scope is ignored."""
    return partial(_give, anonymous_tokens(tokens))


def bearer(tokens: Tokens) -> Middleware:
    """Middleware of the registry: it requires a token, and sets the principal of a client with a password."""
    return partial(_bearer, passwords(tokens), anonymous_tokens(tokens))


def _give(anonymous_tokens: Tokens, request: Request) -> Response:
    given = request.authorization
    if given is None:
        token, _ = anonymous_tokens.mint(ANONYMOUS)
    elif given.type == "basic" and given.username == USER:
        token = given.password or ""
    else:
        return refuse(not_authorized(request.own_url))
    return Response(json.dumps({"token": token}), content_type="application/json; charset=utf-8")


def _bearer(passwords: Tokens, anonymous_tokens: Tokens, request: Request, call_next: Handler) -> Response:
    given = request.authorization
    if given is None or given.type != "bearer":
        return refuse(not_authorized(request.own_url))
    token = given.token or ""
    if _is_good(anonymous_tokens, token):
        return call_next(request)
    try:
        request.principal = principals.of(passwords.read(token).access_key)
    except ExpiredToken:
        return refuse(TOKEN_EXPIRED)
    except InvalidToken:
        return refuse(TOKEN_INVALID)
    except ApiError as no:
        return refuse(denied(no.message))
    return call_next(request)


def _is_good(tokens: Tokens, token: str) -> bool:
    try:
        tokens.read(token)
    except (InvalidToken, ExpiredToken):
        return False
    return True
