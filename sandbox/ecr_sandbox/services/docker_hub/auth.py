"""The token server, on the real Hub https://auth.docker.io/token, and the middleware that reads its tokens.

``docker`` requests a token with GET and Basic authentication, containerd and BuildKit with an OAuth2 form. A token
grants the requested actions that are allowed, even if none is: the registry refuses later and hides what exists.
Sources: https://distribution.github.io/distribution/spec/auth/token/ and …/oauth/
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Handler, Middleware, Request
from ecr_sandbox.registry.responses import refuse

from .accounts import EVERYTHING, Accounts, Credential, ExpiredToken, WrongPassword, now
from .errors import INSUFFICIENT_SCOPES, TOKEN_EXPIRED, UNSUPPORTED_GRANT, WRONG_PASSWORD, unauthorized
from .repositories import Repositories
from .scopes import Scope, parse_all
from .tokens import REGISTRY_LIFETIME, Bearer, InvalidToken, Signer, mint_bearer, read_bearer

CALLER = "hub.caller"  # the key of the caller in the request's environ


@dataclass(frozen=True)
class Caller:
    """The caller of the registry: *who* is None for an anonymous client, *bearer* is the token."""

    who: Credential | None
    bearer: Bearer


class _Unauthorized(Exception):
    """Raised to answer 401 with these details."""


class TokenServer:
    """Gives tokens to signed-in and anonymous clients."""

    def __init__(self, accounts: Accounts, repositories: Repositories, signer: Signer):
        self._accounts, self._repositories, self._signer = accounts, repositories, signer

    def answer(self, request: Request) -> Response:
        """``GET /token`` and ``POST /token``."""
        try:
            if request.method == "POST":
                return self._oauth(request)
            given = request.authorization
            who = self._check(given.username, given.password) if given and given.type == "basic" else None
            return _json(self._token(who, parse_all(request.args.getlist("scope"))))
        except _Unauthorized as no:
            return _json({"details": str(no)}, 401)

    def _oauth(self, request: Request) -> Response:
        form = request.form
        if form.get("grant_type") == "password":
            who = self._check(form.get("username"), form.get("password"))
        elif form.get("grant_type") == "refresh_token":
            who = self._recall(form.get("refresh_token", ""))
        else:
            return _json({"details": UNSUPPORTED_GRANT}, 400)
        answer = self._token(who, parse_all(form.getlist("scope")))
        if form.get("access_type") == "offline":
            answer["refresh_token"] = self._signer.mint("refresh", {"sub": who.account.username, "token": who.token})
        return _json(answer)

    def _check(self, username: str | None, secret: str | None) -> Credential:
        try:
            return self._accounts.check(username or "", secret or "")
        except WrongPassword:
            raise _Unauthorized(WRONG_PASSWORD) from None
        except ExpiredToken:
            raise _Unauthorized(TOKEN_EXPIRED) from None

    def _recall(self, refresh_token: str) -> Credential:
        try:
            content = self._signer.read("refresh", refresh_token)
            return self._accounts.renew(content["sub"], content["token"])
        except (InvalidToken, WrongPassword):
            raise _Unauthorized(WRONG_PASSWORD) from None
        except ExpiredToken:
            raise _Unauthorized(TOKEN_EXPIRED) from None

    def _token(self, who: Credential | None, scopes: Iterable[Scope]) -> dict[str, Any]:
        access: dict[str, frozenset[str]] = {}
        for scope in scopes:
            if scope.kind == "repository":
                granted = self._repositories.allowed(who, scope.name, scope.actions)
                if not self._repositories.covered(who, scope.name, granted):
                    raise _Unauthorized(INSUFFICIENT_SCOPES)
                access[scope.name] = access.get(scope.name, frozenset()) | granted
        username = who.account.username if who else None
        token = mint_bearer(self._signer, username, who.scope if who else None, access)
        return {"token": token, "access_token": token, "expires_in": REGISTRY_LIFETIME, "issued_at": now()}


def bearer(accounts: Accounts, signer: Signer) -> Middleware:
    """Middleware of the registry: it puts the caller of a token on the request, and refuses an invalid token.

    A request without a token passes: the repository answers which token it needs.
    """
    return partial(_bearer, accounts, signer)


def _bearer(accounts: Accounts, signer: Signer, request: Request, call_next: Handler) -> Response:
    given = request.authorization
    if given and given.type == "bearer":
        try:
            token = read_bearer(signer, given.token or "")
        except InvalidToken:
            return refuse(unauthorized(request.host, error="invalid_token"))
        account = accounts.find(token.username) if token.username else None
        if token.username and account is None:
            return refuse(unauthorized(request.host, error="invalid_token"))
        who = Credential(account, token.scope or EVERYTHING) if account else None
        request.environ[CALLER] = Caller(who, token)
    elif request.path in ("/v2", "/v2/"):
        return refuse(unauthorized(request.host))
    return call_next(request)


def _json(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status=status, content_type="application/json; charset=utf-8")
