"""JSON bodies of the web API: what an operation reads, and the objects that it answers."""

import json
from collections.abc import Sequence
from typing import Any

from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Request

from .accounts import AccessToken, Account, Invalid
from .repositories import Repository


def read_body(request: Request) -> dict[str, Any]:
    """The JSON object in *request*; raises Invalid."""
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError:
        raise Invalid("The body must be JSON.") from None
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    return body


def private_by_default(body: dict[str, Any]) -> bool | None:
    """The field ``default_privacy``, None if it is not given; raises Invalid."""
    privacy = body.get("default_privacy")
    if privacy not in (None, "public", "private"):
        raise Invalid("default_privacy must be public or private.")
    return None if privacy is None else privacy == "private"


def as_json(content: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json.dumps(content), status=status, content_type="application/json")


def page(results: Sequence[Any]) -> dict[str, Any]:
    """A list, which here always has one page."""
    return {"count": len(results), "next": None, "previous": None, "results": results}


def account(account: Account) -> dict[str, Any]:
    """An account, without its password."""
    return {
        "id": account.id,
        "username": account.username,
        "plan": account.plan,
        "default_privacy": "private" if account.private_by_default else "public",
        "date_joined": account.joined,
        "type": "User",
    }


def access_token(token: AccessToken, secret: str = "") -> dict[str, Any]:
    """A personal access token; only the answer that creates it has the *secret*."""
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


def repository(repository: Repository, collaborators: Sequence[str], caller: str | None) -> dict[str, Any]:
    """The fields of ``repository_info``, as *caller* (a user name) sees them; the number of "Locked" is ours."""
    mine = caller == repository.namespace
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
        "permissions": {"read": True, "write": mine or caller in collaborators, "admin": mine},
    }
