"""Amazon ECS: task definitions: list, create, deregister, delete."""

import platform
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from .confirmation import Question, answer
from .forms import pairs
from .page import Page

LIST = "/ecs/task-definitions"
TRUSTED = "ecs-tasks.amazonaws.com"
CPU = {"256": ".25 vCPU", "512": ".5 vCPU", "1024": "1 vCPU", "2048": "2 vCPU"}
MEMORY = {"512": ".5 GB", "1024": "1 GB", "2048": "2 GB", "4096": "4 GB"}
PROCESSORS = {"X86_64": "Linux/X86_64", "ARM64": "Linux/ARM64"}
HERE = "ARM64" if platform.machine().lower() in ("arm64", "aarch64") else "X86_64"  # what this machine builds


def index(page: Page) -> Response:
    """The families."""
    families = page.all("ecs", "ListTaskDefinitionFamilies", "families", status="ALL")
    return page.render("task_definitions.html", families=families)


def family(page: Page, name: str) -> Response:
    """The revisions of a family, the newest first, and the JSON of the newest."""
    arns = [
        arn
        for status in ("ACTIVE", "INACTIVE")
        for arn in page.all("ecs", "ListTaskDefinitions", "taskDefinitionArns", familyPrefix=name, status=status)
    ]
    revisions = [page.call("ecs", "DescribeTaskDefinition", taskDefinition=arn)["taskDefinition"] for arn in arns]
    if not revisions:
        raise NotFound(f"There is no task definition {name}.")
    return page.render(
        "task_definition.html", name=name, revisions=sorted(revisions, key=lambda each: -each["revision"])
    )


def deregister(page: Page, name: str) -> Response:
    """*Deregister* a revision: tasks that run continue, new ones do not start."""
    revision = f"{name}:{page.request.values.get('revision', '')}"
    calls = [("ecs", "DeregisterTaskDefinition", {"taskDefinition": revision})]
    sentence = f"Deregister {revision}? It becomes inactive, and no new task can use it. Then it can be deleted."
    return _ask(page, name, "Deregister", sentence, calls, f"{revision} is inactive.", "")


def delete(page: Page, name: str) -> Response:
    """*Delete* an inactive revision."""
    revision = f"{name}:{page.request.values.get('revision', '')}"
    calls = [("ecs", "DeleteTaskDefinitions", {"taskDefinitions": [revision]})]
    return _ask(page, name, "Delete", f"Delete {revision}?", calls, f"{revision} was deleted.", "delete")


def create(page: Page) -> Response:
    """*Create new task definition*: one container on Fargate."""
    form = page.request.form
    if page.is_post and page.attempt("ecs", "RegisterTaskDefinition", **_parameters(page)):
        return page.redirect(page.url(f"{LIST}/{form['family']}"), f"The task definition {form['family']} was created.")
    roles = page.all("iam", "ListRoles", "Roles")
    return page.render(
        "create_task_definition.html",
        form=form,
        roles=[each for each in roles if TRUSTED in str(each["AssumeRolePolicyDocument"])],
        choices={"cpu": CPU, "memory": MEMORY, "processor": PROCESSORS},
        defaults={"cpu": "1024", "memory": "2048", "processor": HERE},
    )


def _parameters(page: Page) -> dict[str, Any]:
    """The parameters of RegisterTaskDefinition that the form gives."""
    form = page.request.form
    container: dict[str, Any] = {"name": form.get("name", ""), "image": form.get("image", "").strip()}
    if port := form.get("port", type=int):
        container["portMappings"] = [{"containerPort": port}]
    if command := form.get("command", "").strip():
        container["command"] = [part.strip() for part in command.split(",")]
    parameters: dict[str, Any] = {"family": form.get("family", ""), "containerDefinitions": [container]}
    parameters |= {"cpu": form.get("cpu", ""), "memory": form.get("memory", ""), "networkMode": "awsvpc"}
    parameters["requiresCompatibilities"] = ["FARGATE"]
    parameters["runtimePlatform"] = {"cpuArchitecture": form.get("processor", HERE)}
    if role := form.get("role"):
        parameters["executionRoleArn"] = role
    if tags := [{"key": key, "value": value} for key, value in pairs(form.get("tags", ""))]:
        parameters["tags"] = tags
    return parameters


def _ask(page: Page, name: str, verb: str, sentence: str, calls: Any, done: str, word: str) -> Response:
    fields = {"revision": [page.request.values.get("revision", "")]}
    question = Question(f"{verb} task definition", sentence, calls, f"{LIST}/{name}", fields, word, verb)
    return answer(page, question, done, then=LIST if verb == "Delete" else "")
