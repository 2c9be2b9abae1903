"""Bearer tokens: a stranger is given one; to who signs in, the token server hands back his password.

So the registry itself says what is wrong with a password, as AWS's does: with one that is too old, BuildKit is refused
when it asks for the manifest, not for a token. The private registry's password is worth nothing here, nor this one
there. Sources: https://distribution.github.io/distribution/spec/auth/token/; https://github.com/helm/helm/issues/12491;
https://github.com/aws/karpenter-provider-aws/issues/5186 (where the refusal comes)
"""

import json
from functools import partial

from ecr_sandbox.auth.token import USER, Caller, ExpiredToken, InvalidToken, Tokens
from ecr_sandbox.aws.errors import CommonError
from ecr_sandbox.http.middleware import Handler, Middleware, Request
from ecr_sandbox.iam import principals
from ecr_sandbox.registry.errors import denied
from ecr_sandbox.registry.responses import refuse
from ecr_sandbox.services.image_errors import TOKEN_EXPIRED, TOKEN_INVALID
from werkzeug.wrappers import Response

from .errors import not_authorized

REGION = "us-east-1"  # the only one
STRANGER = Caller("", "", REGION)
STRANGERS_LIFETIME = 60 * 60  # seconds: https://github.com/oras-project/oras-go/issues/1227


def passwords(tokens: Tokens) -> Tokens:
    """The passwords of ``aws ecr-public get-login-password``, made with the secret of *tokens*."""
    return tokens.elsewhere("ecr-public-authorization-token")


def strangers(tokens: Tokens) -> Tokens:
    """The tokens of who does not sign in."""
    return tokens.elsewhere("ecr-public-anonymous-token", STRANGERS_LIFETIME)


def credentials(tokens: Tokens, account: str) -> tuple[str, str]:
    """User and password of the administrator of *account*."""
    key = next(key for key, number in principals.ADMINISTRATORS.items() if number == account)
    password, _ = passwords(tokens).mint(Caller(key, account, REGION))
    return USER, password


def token_server(tokens: Tokens) -> Handler:
    """``GET /token/``: for whom, is in the Authorization header; for what, nobody asks."""
    return partial(_give, strangers(tokens))


def bearer(tokens: Tokens) -> Middleware:
    """The door of the registry: nobody comes in without a token; the request of who signed in gets its principal."""
    return partial(_bearer, passwords(tokens), strangers(tokens))


def _give(strangers: Tokens, request: Request) -> Response:
    given = request.authorization
    if given is None:
        token, _ = strangers.mint(STRANGER)
    elif given.type == "basic" and given.username == USER:
        token = given.password or ""
    else:
        return refuse(not_authorized(request.host))
    return Response(json.dumps({"token": token}), content_type="application/json; charset=utf-8")


def _bearer(passwords: Tokens, strangers: Tokens, request: Request, call_next: Handler) -> Response:
    given = request.authorization
    if given is None or given.type != "bearer":
        return refuse(not_authorized(request.host))
    token = given.token or ""
    if _is_good(strangers, token):
        return call_next(request)
    try:
        request.principal = principals.of(passwords.read(token).access_key)
    except ExpiredToken:
        return refuse(TOKEN_EXPIRED)
    except InvalidToken:
        return refuse(TOKEN_INVALID)
    except CommonError as no:
        return refuse(denied(no.message))
    return call_next(request)


def _is_good(tokens: Tokens, token: str) -> bool:
    try:
        tokens.read(token)
    except (InvalidToken, ExpiredToken):
        return False
    return True
