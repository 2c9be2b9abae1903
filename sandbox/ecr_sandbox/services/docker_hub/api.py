"""The Hub's web API, under ``/hub.docker.com/v2/`` in the place of ``https://hub.docker.com/v2/``.

Paths under ``sandbox/`` are not part of the Hub's API: they replace its website, and set the pull limit.
Sources: https://docs.docker.com/reference/api/hub/latest/; for privacy and deletion Docker's own client,
https://github.com/docker/terraform-provider-docker/blob/main/internal/hubclient/client_repository.go; for
collaborators https://github.com/RyanTheAllmighty/Docker-Hub-API/issues/4.
"""

from dataclasses import replace
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Request

from . import responses
from .accounts import SCOPES, AccessToken, Account, Accounts, Credential, ExpiredToken, Invalid, WrongPassword
from .errors import FROM_ACCESS_TOKEN, INCORRECT_CREDENTIALS, NO_TOKEN, NOT_ALLOWED, NOT_FOUND, TOKEN_EXPIRED
from .limits import PullLimit, Pulls
from .repositories import Exists, NoPrivateLeft, Refused, Repositories, Repository
from .responses import as_json, page, private_by_default, read_body
from .tokens import API_LIFETIME, InvalidToken, Signer

PREFIX = "/hub.docker.com/v2"
CALLER = "hub.api.caller"  # its key in the request's environ
RULES = [
    ("POST", "/users/login", "login"),
    ("POST", "/auth/token", "create_bearer"),
    ("POST", "/access-tokens", "create_token"),
    ("GET", "/access-tokens", "list_tokens"),
    ("GET", "/access-tokens/<token>", "get_token"),
    ("PATCH", "/access-tokens/<token>", "change_token"),
    ("DELETE", "/access-tokens/<token>", "delete_token"),
    ("POST", "/namespaces/<namespace>/repositories", "create_repository"),
    ("GET", "/namespaces/<namespace>/repositories", "list_repositories"),
    ("GET", "/namespaces/<namespace>/repositories/<name>", "get_repository"),
    ("GET", "/namespaces/<namespace>/repositories/<name>/tags", "list_tags"),
    ("GET", "/repositories/<namespace>/<name>", "get_repository"),
    ("DELETE", "/repositories/<namespace>/<name>", "delete_repository"),
    ("POST", "/repositories/<namespace>/<name>/privacy", "set_privacy"),
    ("GET", "/repositories/<namespace>/<name>/collaborators", "list_collaborators"),
    ("POST", "/repositories/<namespace>/<name>/collaborators", "add_collaborator"),
    ("DELETE", "/repositories/<namespace>/<name>/collaborators/<username>", "remove_collaborator"),
    ("POST", "/sandbox/accounts", "sign_up"),
    ("PATCH", "/sandbox/accounts/<username>", "change_account"),
    ("DELETE", "/sandbox/accounts/<username>", "delete_account"),
    ("GET", "/sandbox/pull-limit", "get_pull_limit"),
    ("PUT", "/sandbox/pull-limit", "set_pull_limit"),
]
MAP = Map([Rule(PREFIX + path, methods=[method], endpoint=name) for method, path, name in RULES], strict_slashes=False)


class ApiError(Exception):
    """Raised to answer *status* with this message."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class Api:
    """The web API's operations; each takes a request and the parts of its path."""

    def __init__(self, accounts: Accounts, repositories: Repositories, pulls: Pulls, signer: Signer):
        self._accounts, self._repositories, self._pulls, self._signer = accounts, repositories, pulls, signer

    def answer(self, request: Request) -> Response:
        """The JSON answer to any request under the prefix."""
        try:
            endpoint, parts = MAP.bind_to_environ(request.environ).match()
            return getattr(self, endpoint)(request, **parts)
        except HTTPException as error:
            refusal = ApiError(error.code or 404, NOT_FOUND if error.code == 404 else error.description or "")
        except ApiError as error:
            refusal = error
        except Exists as error:
            refusal = ApiError(409, str(error))
        except (Invalid, NoPrivateLeft, Refused) as error:
            refusal = ApiError(400, str(error))
        return as_json({"message": str(refusal), "errinfo": {}}, refusal.status)

    # --- authentication -----------------------------------------------------------------------------------------------

    def login(self, request: Request) -> Response:
        """The older of the two operations that give a token."""
        body = read_body(request)
        return self._bearer(body.get("username"), body.get("password"), "token")

    def create_bearer(self, request: Request) -> Response:
        """A token for a password or a personal access token."""
        body = read_body(request)
        return self._bearer(body.get("identifier"), body.get("secret"), "access_token")

    def _bearer(self, username: Any, secret: Any, field: str) -> Response:
        try:
            who = self._accounts.check(str(username), str(secret))
        except WrongPassword:
            return as_json({"detail": INCORRECT_CREDENTIALS, "message": INCORRECT_CREDENTIALS}, 401)
        except ExpiredToken:
            return as_json({"detail": TOKEN_EXPIRED, "message": TOKEN_EXPIRED}, 401)
        return as_json({field: self._signer.mint("api", {"sub": who.account.username, "token": who.token})})

    def _caller(self, request: Request) -> Credential | None:
        """The caller, read once a request, because reading an access token records its use."""
        if CALLER not in request.environ:
            request.environ[CALLER] = self._authenticated(request)
        return request.environ[CALLER]

    def _authenticated(self, request: Request) -> Credential | None:
        given = request.authorization
        if given is None:
            return None
        try:  # the older form of the header is "JWT …"
            content = self._signer.read("api", given.token or "", API_LIFETIME)
            return self._accounts.renew(content["sub"], content["token"])
        except (InvalidToken, WrongPassword, ExpiredToken):
            raise ApiError(401, NO_TOKEN) from None

    def _who(self, request: Request) -> Credential:
        who = self._caller(request)
        if who is None:
            raise ApiError(401, NO_TOKEN)
        return who

    def _owner(self, request: Request, namespace: str) -> Account:
        """The caller, who must own *namespace*; a token that only pulls and pushes is not enough."""
        who = self._who(request)
        if who.account.username != namespace or not who.covers("repo:admin"):
            raise ApiError(403, NOT_ALLOWED)
        return who.account

    # --- personal access tokens ---------------------------------------------------------------------------------------

    def create_token(self, request: Request) -> Response:
        """The only answer with the secret."""
        body, who = read_body(request), self._signed_in_with_password(request)
        scopes = body.get("scopes")
        if not isinstance(scopes, list) or not scopes or not set(map(str, scopes)) <= set(SCOPES):
            raise Invalid(f"scopes must be a list of {', '.join(SCOPES)}; each includes those before it.")
        token, secret = self._accounts.create_token(
            who.username, str(body.get("token_label", "")), max(scopes, key=SCOPES.index), body.get("expires_at")
        )
        return as_json(responses.access_token(token, secret), 201)

    def list_tokens(self, request: Request) -> Response:
        tokens = self._accounts.tokens(self._signed_in_with_password(request).username)
        active = sum(token.is_active for token in tokens)
        return as_json({**page([responses.access_token(token) for token in tokens]), "active_count": active})

    def get_token(self, request: Request, token: str) -> Response:
        return as_json(responses.access_token(self._token(request, token)))

    def change_token(self, request: Request, token: str) -> Response:
        body, found = read_body(request), self._token(request, token)
        return as_json(
            responses.access_token(self._accounts.change_token(found, body.get("token_label"), body.get("is_active")))
        )

    def delete_token(self, request: Request, token: str) -> Response:
        self._accounts.delete_token(self._token(request, token))
        return Response(status=204)

    def _signed_in_with_password(self, request: Request) -> Account:
        """The caller, signed in with the password: an access token must not create others."""
        who = self._who(request)
        if who.token:
            raise ApiError(403, FROM_ACCESS_TOKEN)
        return who.account

    def _token(self, request: Request, token: str) -> AccessToken:
        found = self._accounts.token(self._signed_in_with_password(request).username, token)
        if found is None:
            raise ApiError(404, NOT_FOUND)
        return found

    # --- repositories -------------------------------------------------------------------------------------------------

    def create_repository(self, request: Request, namespace: str) -> Response:
        body, owner = read_body(request), self._owner(request, namespace)
        texts = [str(body.get(field) or "") for field in ("name", "description", "full_description")]
        private = body.get("is_private", owner.private_by_default)
        repository = self._repositories.create(owner, texts[0], bool(private), *texts[1:])
        return as_json(self._repository(request, repository), 201)

    def list_repositories(self, request: Request, namespace: str) -> Response:
        visible = [each for each in self._repositories.of(namespace) if self._visible(request, each)]
        return as_json(page([self._repository(request, each) for each in visible]))

    def get_repository(self, request: Request, namespace: str, name: str) -> Response:
        return as_json(self._repository(request, self._find(request, namespace, name)))

    def delete_repository(self, request: Request, namespace: str, name: str) -> Response:
        self._repositories.delete(self._mine(request, namespace, name))
        return Response(status=202)

    def set_privacy(self, request: Request, namespace: str, name: str) -> Response:
        repository = self._mine(request, namespace, name)
        private = read_body(request).get("is_private")
        if not isinstance(private, bool):
            raise Invalid("is_private must be true or false.")
        return as_json(self._repository(request, self._repositories.set_privacy(repository, private)))

    def list_tags(self, request: Request, namespace: str, name: str) -> Response:
        repository = self._find(request, namespace, name)
        images = self._repositories.images(repository.full_name).all()
        tags = [{"name": tag, "digest": each.digest, "full_size": each.size} for each in images for tag in each.tags]
        return as_json(page(sorted(tags, key=lambda tag: str(tag["name"]))))

    def list_collaborators(self, request: Request, namespace: str, name: str) -> Response:
        names = self._repositories.collaborators(self._mine(request, namespace, name))
        return as_json(page([{"user": each} for each in names]))

    def add_collaborator(self, request: Request, namespace: str, name: str) -> Response:
        repository, username = self._mine(request, namespace, name), str(read_body(request).get("user", ""))
        account = self._accounts.find(username)
        if account is None:
            raise ApiError(404, NOT_FOUND)
        self._repositories.add_collaborator(repository, account)
        return as_json({"user": username}, 201)

    def remove_collaborator(self, request: Request, namespace: str, name: str, username: str) -> Response:
        self._repositories.remove_collaborator(self._mine(request, namespace, name), username)
        return Response(status=204)

    def _find(self, request: Request, namespace: str, name: str) -> Repository:
        repository = self._repositories.find(f"{namespace}/{name}")
        if repository is None or not self._visible(request, repository):
            raise ApiError(404, NOT_FOUND)
        return repository

    def _mine(self, request: Request, namespace: str, name: str) -> Repository:
        self._owner(request, namespace)
        return self._find(request, namespace, name)

    def _visible(self, request: Request, repository: Repository) -> bool:
        if not repository.is_private:
            return True
        who = self._caller(request)
        return who is not None and self._repositories.is_member(who.account, repository) and who.covers("repo:read")

    def _repository(self, request: Request, repository: Repository) -> dict[str, Any]:
        caller = self._caller(request)
        username = caller.account.username if caller else None
        return responses.repository(repository, self._repositories.collaborators(repository), username)

    # --- under sandbox/ -----------------------------------------------------------------------------------------------

    def sign_up(self, request: Request) -> Response:
        """Replaces the website's sign-up page."""
        body = read_body(request)
        account = self._accounts.sign_up(
            str(body.get("username", "")),
            str(body.get("password", "")),
            str(body.get("plan", "personal")),
            private_by_default(body) or False,
        )
        return as_json(responses.account(account), 201)

    def change_account(self, request: Request, username: str) -> Response:
        """Replaces the website's pages Billing and Default privacy."""
        body, owner = read_body(request), self._owner(request, username)
        plan = body.get("plan")
        account = self._accounts.change(owner.username, plan if plan is None else str(plan), private_by_default(body))
        self._repositories.unlock(account)
        return as_json(responses.account(account))

    def delete_account(self, request: Request, username: str) -> Response:
        """Delete the account with its repositories, without its password, so that a lesson can start again."""
        self._repositories.clear(username)
        self._accounts.delete(username)
        return Response(status=204)

    def get_pull_limit(self, request: Request) -> Response:
        """The current limit, and the real Hub's."""
        return as_json({**vars(self._pulls.settings()), "of_the_real_hub": vars(PullLimit())})

    def set_pull_limit(self, request: Request) -> Response:
        """Change the limit, for a lesson that cannot wait for a hundred pulls, and reset all counts."""
        body = read_body(request)
        asked = {name: body[name] for name in ("anonymous", "personal", "window") if name in body}
        for name, number in asked.items():
            if type(number) is not int or number < (1 if name == "window" else 0):
                raise Invalid(f"{name} must be a whole number, not negative.")
        self._pulls.set(replace(PullLimit(), **asked))
        return self.get_pull_limit(request)
