"""The console's paths, and what every page has in common: its user, the check of forms, and errors."""

import hmac
from collections.abc import Callable
from importlib import import_module
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import BaseConverter, Map, RequestRedirect, Rule
from werkzeug.wrappers import Response

from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Handler, Request

from . import changes
from .page import CSRF_TOKEN, HEADERS, Page, Sandbox

STATIC = Path(__file__).with_name("static")
REPOSITORY = "/ecr/repositories/private/<repository:repository>"

# path -> module and view; the paths follow those of the AWS console.
PATHS = {
    "/": "repositories.home",
    "/switch-user": "users.switch",
    "/ecr/private-registry/repositories": "repositories.index",
    "/ecr/create-repository": "repositories.create",
    "/ecr/create-repository/check": "repositories.check",
    "/ecr/delete-repository": "repositories.delete",
    "/ecr/push-commands": "images.push_commands",
    REPOSITORY: "images.index",
    f"{REPOSITORY}/_/delete-images": "images.delete",
    f"{REPOSITORY}/_/scans": "images.scans",
    f"{REPOSITORY}/_/image/<digest>": "images.show",
    f"{REPOSITORY}/_/image/<digest>/manifest": "images.manifest",
    f"{REPOSITORY}/_/image/<digest>/scan": "images.scan",
    f"{REPOSITORY}/_/image/<digest>/storage": "images.storage",
    f"{REPOSITORY}/_/permissions": "permissions.repository",
    f"{REPOSITORY}/_/lifecycle-policy": "lifecycle.show",
    f"{REPOSITORY}/_/lifecycle-policy/test": "lifecycle.test",
    f"{REPOSITORY}/_/edit": "repository_settings.show",
    "/ecr/private-registry/permissions": "permissions.registry",
    "/ecr/private-registry/scanning": "registry_settings.scanning",
    "/ecr/private-registry/blob-mounting": "registry_settings.blob_mounting",
    "/ecr/private-registry/replication": "registry_settings.replication",
    "/ecr/private-registry/pull-through-cache": "rules.pull_through_cache",
    "/ecr/private-registry/creation-templates": "rules.creation_templates",
    "/ecr/public-registry/repositories": "public_registry.index",
    "/ecr/public-registry/delete-repository": "public_registry.delete",
    "/ecr/repositories/public/<repository:repository>": "public_registry.images",
    "/iam/users": "iam.users",
    "/iam/users/<name>": "iam.user",
    "/iam/users/<name>/_/delete": "iam.delete_user",
    "/iam/groups": "iam.groups",
    "/iam/groups/<name>": "iam.group",
    "/iam/groups/<name>/_/delete": "iam.delete_group",
    "/iam/roles": "iam.roles",
    "/iam/roles/<name>": "iam.role",
    "/iam/roles/<name>/_/delete": "iam.delete_role",
    "/iam/policies": "iam_policies.policies",
    "/iam/delete-policy": "iam_policies.delete",
    "/iam/policies/<path:arn>": "iam_policies.policy",
    "/iam/access-denied": "iam.access_denied",
    "/ecs/clusters": "ecs.clusters",
    "/ecs/clusters/<name>": "ecs.cluster",
    "/ecs/clusters/<name>/_/delete": "ecs.delete_cluster",
    "/ecs/clusters/<name>/_/delete-service": "ecs.delete_service",
    "/ecs/clusters/<name>/_/run-task": "ecs.run_task",
    "/ecs/clusters/<name>/_/stop-task": "ecs.stop_task",
    "/ecs/clusters/<name>/_/tasks/<task>": "ecs.task",
    "/ecs/create-task-definition": "task_definitions.create",
    "/ecs/task-definitions": "task_definitions.index",
    "/ecs/task-definitions/<name>": "task_definitions.family",
    "/ecs/task-definitions/<name>/_/delete": "task_definitions.delete",
    "/ecs/task-definitions/<name>/_/deregister": "task_definitions.deregister",
    "/eventbridge/events": "events.index",
    "/billing": "billing.index",
}


class RepositoryConverter(BaseConverter):
    """A repository's name: it has slashes, and no part of it begins with "_"."""

    part_isolating = False
    regex = r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*"


def pages(sandbox: Sandbox) -> Handler:
    """The handler of every path of the console."""
    rules = [Rule(path, endpoint=view) for path, view in PATHS.items()]
    rules.append(Rule("/static/<name>", endpoint="static"))
    rules.append(Rule("/changes", endpoint="changes"))
    paths = Map(rules, converters={"repository": RepositoryConverter}, strict_slashes=False, merge_slashes=False)

    def handler(request: Request) -> Response:
        router = paths.bind("localhost", path_info=request.path.removeprefix("/console") or "/")
        try:
            endpoint, arguments = router.match()
        except (HTTPException, RequestRedirect):
            endpoint, arguments = "", {}
        if endpoint == "static":
            return _static(arguments["name"])
        if endpoint == "changes":
            return changes.stream(sandbox.wait_for_change, request.args.get("since", type=int))
        return _answer(Page(request, sandbox), endpoint, dict(arguments))

    return handler


def _answer(page: Page, endpoint: str, arguments: dict[str, Any]) -> Response:
    """The page of the view *endpoint*; an error of AWS's API becomes a page with its sentence."""
    if page.request.method not in ("GET", "HEAD", "POST"):
        return _problem(page, 405, "Method Not Allowed", "The console answers GET and POST.")
    if page.is_post and not hmac.compare_digest(page.request.form.get("csrf_token", "").encode(), CSRF_TOKEN.encode()):
        why = "The form is of another page, or from before the sandbox's last start. Load the page again."
        return _problem(page, 403, "The form was not accepted", why)
    if not endpoint:
        return _problem(page, 404, "Page not found", "The console has no page with this address.")
    try:
        return _view(endpoint)(page, **arguments)
    except ClientError as error:
        page.report(error)
        return page.render("error.html", title="Error")
    except NotFound as error:
        return _problem(page, 404, "Not found", error.description or "")
    except ApiError as error:  # the chosen user does not exist any more
        return _problem(page, 403, error.code, f"{page.user}: {error.message} Choose another user above.")
    except BotoCoreError as error:
        return _problem(page, 502, type(error).__name__, str(error))


def _view(endpoint: str) -> Callable[..., Response]:
    module, _, name = endpoint.partition(".")
    view: Callable[..., Response] = getattr(import_module(f"{__package__}.{module}"), name)
    return view


def _problem(page: Page, status: int, title: str, why: str) -> Response:
    page.status, page.error = status, {"code": title, "message": why}
    return page.render("error.html", title=title)


def _static(name: str) -> Response:
    """A file of the folder static; a *name* that the router accepts has no "/"."""
    file = STATIC / name
    if not file.is_file():
        return Response("Not found\n", status=404)
    headers = {**HEADERS, "Cache-Control": "no-cache"}
    return Response(file.read_bytes(), headers=headers, content_type=guess_type(name)[0] or "text/plain")
