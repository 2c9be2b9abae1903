"""The Hub's web API, under ``/hub.docker.com/v2/`` in the place of ``https://hub.docker.com/v2/``.

What is under ``sandbox/`` is no part of it: it stands for what people do on the website, and for time passing.
Sources: https://docs.docker.com/reference/api/hub/latest/; for privacy and deletion Docker's own client,
https://github.com/docker/terraform-provider-docker/blob/main/internal/hubclient/client_repository.go; for
collaborators https://github.com/RyanTheAllmighty/Docker-Hub-API/issues/4.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ecr_sandbox.http.middleware import Request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from .accounts import SCOPES, AccessToken, Account, Accounts, Credential, ExpiredToken, Invalid, WrongPassword
from .errors import FROM_ACCESS_TOKEN, INCORRECT_CREDENTIALS, NO_TOKEN, NOT_ALLOWED, NOT_FOUND, TOKEN_EXPIRED
from .limits import PullLimit, Pulls
from .repositories import Exists, NoPrivateLeft, Refused, Repositories, Repository
from .tokens import API_LIFETIME, InvalidToken, Signer

PREFIX = "/hub.docker.com/v2"
VISITOR = "hub.api.visitor"  # where it is kept in the request's environ
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


class Fault(Exception):
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
            fault = Fault(error.code or 404, NOT_FOUND if error.code == 404 else error.description or "")
        except Fault as error:
            fault = error
        except Exists as error:
            fault = Fault(409, str(error))
        except (Invalid, NoPrivateLeft, Refused) as error:
            fault = Fault(400, str(error))
        return _json({"message": str(fault), "errinfo": {}}, fault.status)

    # --- who is it ----------------------------------------------------------------------------------------------------

    def login(self, request: Request) -> Response:
        """The older of the two ways to a token."""
        body = _body(request)
        return self._bearer(body.get("username"), body.get("password"), "token")

    def create_bearer(self, request: Request) -> Response:
        """A token for a password or a personal access token."""
        body = _body(request)
        return self._bearer(body.get("identifier"), body.get("secret"), "access_token")

    def _bearer(self, username: Any, secret: Any, field: str) -> Response:
        try:
            who = self._accounts.check(str(username), str(secret))
        except WrongPassword:
            return _json({"detail": INCORRECT_CREDENTIALS, "message": INCORRECT_CREDENTIALS}, 401)
        except ExpiredToken:
            return _json({"detail": TOKEN_EXPIRED, "message": TOKEN_EXPIRED}, 401)
        return _json({field: self._signer.mint("api", {"sub": who.account.username, "token": who.token})})

    def _visitor(self, request: Request) -> Credential | None:
        """Who asks, found out once a request: an access token's use is written down each time it is read."""
        if VISITOR not in request.environ:
            request.environ[VISITOR] = self._recalled(request)
        return request.environ[VISITOR]

    def _recalled(self, request: Request) -> Credential | None:
        given = request.authorization
        if given is None:
            return None
        try:  # the older form of the header is "JWT …"
            content = self._signer.read("api", given.token or "", API_LIFETIME)
            return self._accounts.recall(content["sub"], content["token"])
        except (InvalidToken, WrongPassword, ExpiredToken):
            raise Fault(401, NO_TOKEN) from None

    def _who(self, request: Request) -> Credential:
        who = self._visitor(request)
        if who is None:
            raise Fault(401, NO_TOKEN)
        return who

    def _owner(self, request: Request, namespace: str) -> Account:
        """The caller, who must own *namespace* and be more than a token that only pulls and pushes."""
        who = self._who(request)
        if who.account.username != namespace or not who.covers("repo:admin"):
            raise Fault(403, NOT_ALLOWED)
        return who.account

    # --- personal access tokens ---------------------------------------------------------------------------------------

    def create_token(self, request: Request) -> Response:
        """The one answer that has the secret in it."""
        body, who = _body(request), self._in_person(request)
        scopes = body.get("scopes")
        if not isinstance(scopes, list) or not scopes or not set(map(str, scopes)) <= set(SCOPES):
            raise Invalid(f"scopes must be a list of {', '.join(SCOPES)}; each includes those before it.")
        token, secret = self._accounts.create_token(
            who.username, str(body.get("token_label", "")), max(scopes, key=SCOPES.index), body.get("expires_at")
        )
        return _json(_token(token, secret), 201)

    def list_tokens(self, request: Request) -> Response:
        tokens = self._accounts.tokens(self._in_person(request).username)
        active = sum(token.is_active for token in tokens)
        return _json({**_page([_token(token) for token in tokens]), "active_count": active})

    def get_token(self, request: Request, token: str) -> Response:
        return _json(_token(self._token(request, token)))

    def change_token(self, request: Request, token: str) -> Response:
        body, found = _body(request), self._token(request, token)
        return _json(_token(self._accounts.change_token(found, body.get("token_label"), body.get("is_active"))))

    def delete_token(self, request: Request, token: str) -> Response:
        self._accounts.delete_token(self._token(request, token))
        return Response(status=204)

    def _in_person(self, request: Request) -> Account:
        """The caller, signed in with the password: an access token must not make others."""
        who = self._who(request)
        if who.token:
            raise Fault(403, FROM_ACCESS_TOKEN)
        return who.account

    def _token(self, request: Request, token: str) -> AccessToken:
        found = self._accounts.token(self._in_person(request).username, token)
        if found is None:
            raise Fault(404, NOT_FOUND)
        return found

    # --- repositories -------------------------------------------------------------------------------------------------

    def create_repository(self, request: Request, namespace: str) -> Response:
        body, owner = _body(request), self._owner(request, namespace)
        texts = [str(body.get(field) or "") for field in ("name", "description", "full_description")]
        private = body.get("is_private", owner.private_by_default)
        repository = self._repositories.create(owner, texts[0], bool(private), *texts[1:])
        return _json(self._repository(request, repository), 201)

    def list_repositories(self, request: Request, namespace: str) -> Response:
        visible = [each for each in self._repositories.of(namespace) if self._visible(request, each)]
        return _json(_page([self._repository(request, each) for each in visible]))

    def get_repository(self, request: Request, namespace: str, name: str) -> Response:
        return _json(self._repository(request, self._find(request, namespace, name)))

    def delete_repository(self, request: Request, namespace: str, name: str) -> Response:
        self._repositories.delete(self._mine(request, namespace, name))
        return Response(status=202)

    def set_privacy(self, request: Request, namespace: str, name: str) -> Response:
        repository = self._mine(request, namespace, name)
        private = _body(request).get("is_private")
        if not isinstance(private, bool):
            raise Invalid("is_private must be true or false.")
        return _json(self._repository(request, self._repositories.set_privacy(repository, private)))

    def list_tags(self, request: Request, namespace: str, name: str) -> Response:
        repository = self._find(request, namespace, name)
        images = self._repositories.images(repository.full_name).all()
        tags = [{"name": tag, "digest": each.digest, "full_size": each.size} for each in images for tag in each.tags]
        return _json(_page(sorted(tags, key=lambda tag: str(tag["name"]))))

    def list_collaborators(self, request: Request, namespace: str, name: str) -> Response:
        names = self._repositories.collaborators(self._mine(request, namespace, name))
        return _json(_page([{"user": each} for each in names]))

    def add_collaborator(self, request: Request, namespace: str, name: str) -> Response:
        repository, username = self._mine(request, namespace, name), str(_body(request).get("user", ""))
        account = self._accounts.find(username)
        if account is None:
            raise Fault(404, NOT_FOUND)
        self._repositories.add_collaborator(repository, account)
        return _json({"user": username}, 201)

    def remove_collaborator(self, request: Request, namespace: str, name: str, username: str) -> Response:
        self._repositories.remove_collaborator(self._mine(request, namespace, name), username)
        return Response(status=204)

    def _find(self, request: Request, namespace: str, name: str) -> Repository:
        repository = self._repositories.find(f"{namespace}/{name}")
        if repository is None or not self._visible(request, repository):
            raise Fault(404, NOT_FOUND)
        return repository

    def _mine(self, request: Request, namespace: str, name: str) -> Repository:
        self._owner(request, namespace)
        return self._find(request, namespace, name)

    def _visible(self, request: Request, repository: Repository) -> bool:
        if not repository.is_private:
            return True
        who = self._visitor(request)
        return who is not None and self._repositories.is_member(who.account, repository) and who.covers("repo:read")

    def _repository(self, request: Request, repository: Repository) -> dict[str, Any]:
        """The fields of the API's ``repository_info``; the number of the status "Locked" is ours."""
        who = self._visitor(request)
        mine = who is not None and who.account.username == repository.namespace
        collaborators = self._repositories.collaborators(repository)
        writes = mine or (who is not None and who.account.username in collaborators)
        return {
            "namespace": repository.namespace,
            "name": repository.name,
            "user": repository.namespace,
            "hub_user": repository.namespace,
            "repository_type": "image",
            "description": repository.description,
            "full_description": repository.full_description,
            "is_private": repository.is_private,
            "is_automated": False,
            "status": 0 if repository.locked else 1,
            "status_description": "Locked" if repository.locked else "Active",
            "pull_count": repository.pull_count,
            "star_count": 0,
            "has_starred": False,
            "collaborator_count": len(collaborators),
            "date_registered": repository.registered,
            "last_updated": repository.updated,
            "permissions": {"read": True, "write": writes, "admin": mine},
        }

    # --- what is only here --------------------------------------------------------------------------------------------

    def sign_up(self, request: Request) -> Response:
        """Stands for signing up in a browser."""
        body = _body(request)
        account = self._accounts.sign_up(
            str(body.get("username", "")),
            str(body.get("password", "")),
            str(body.get("plan", "personal")),
            _private(body) or False,
        )
        return _json(_account(account), 201)

    def change_account(self, request: Request, username: str) -> Response:
        """Stands for the pages Billing and Default privacy."""
        body, owner = _body(request), self._owner(request, username)
        plan = body.get("plan")
        account = self._accounts.change(owner.username, plan if plan is None else str(plan), _private(body))
        self._repositories.unlock(account)
        return _json(_account(account))

    def delete_account(self, request: Request, username: str) -> Response:
        """So that a lesson begins afresh: the account goes with all it has, and nobody asks for its password."""
        self._repositories.clear(username)
        self._accounts.delete(username)
        return Response(status=204)

    def get_pull_limit(self, request: Request) -> Response:
        """The limit in force, and what the real Hub's is."""
        return _json({**vars(self._pulls.settings()), "of_the_real_hub": vars(PullLimit())})

    def set_pull_limit(self, request: Request) -> Response:
        """Another limit, for a lesson that cannot wait for a hundred pulls; all counting starts anew."""
        body = _body(request)
        asked = {name: body[name] for name in ("anonymous", "personal", "window") if name in body}
        for name, number in asked.items():
            if type(number) is not int or number < (1 if name == "window" else 0):
                raise Invalid(f"{name} must be a whole number, not negative.")
        self._pulls.set(replace(PullLimit(), **asked))
        return self.get_pull_limit(request)


def _private(body: dict[str, Any]) -> bool | None:
    privacy = body.get("default_privacy")
    if privacy not in (None, "public", "private"):
        raise Invalid("default_privacy must be public or private.")
    return None if privacy is None else privacy == "private"


def _account(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "username": account.username,
        "plan": account.plan,
        "default_privacy": "private" if account.private_by_default else "public",
        "date_joined": account.joined,
        "type": "User",
    }


def _token(token: AccessToken, secret: str = "") -> dict[str, Any]:
    return {
        "uuid": token.uuid,
        "token_label": token.label,
        "scopes": [token.scope],
        "is_active": token.is_active,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used": token.last_used,
        "generated_by": "manual",
        "token": secret,
    }


def _page(results: Sequence[Any]) -> dict[str, Any]:
    return {"count": len(results), "next": None, "previous": None, "results": results}


def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError:
        raise Invalid("The body must be JSON.") from None
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    return body


def _json(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status=status, content_type="application/json")
