"""The repositories of the private registry: list, create, delete."""

from typing import Any

from werkzeug.wrappers import Response

from ecr_sandbox.http import addresses

from . import confirmation, images, words
from .commands import commands
from .forms import pairs
from .lists import selected
from .page import Page

LIST = "/ecr/private-registry/repositories"
SORTED_BY = {"name": "repositoryName", "created": "createdAt"}
MOST_FILTERS = 5


def home(page: Page) -> Response:
    """The console's first page is the list."""
    return page.redirect(page.url(LIST))


def index(page: Page) -> Response:
    """The list, with search, order and pages."""
    found = page.all("ecr", "DescribeRepositories", "repositories")
    repositories = selected(page, found, search="repositoryName", orders=SORTED_BY, order="name")
    return page.render("repositories.html", repositories=repositories)


def create(page: Page) -> Response:
    """*Create private repository*, and what its form asks for."""
    parameters = _parameters(page)
    if page.is_post and page.attempt("ecr", "CreateRepository", **parameters):
        return page.redirect(page.url(LIST), f"Successfully created repository {parameters['repositoryName']}.")
    return page.render(
        "create_repository.html",
        **_checked(page, parameters),
        is_before_2024=_is_before_2024(page),
        host=addresses.current.registry_host(page.account, page.region),
        filters=page.request.form.getlist("filter"),
    )


def check(page: Page) -> Response:
    """What the form says while it is filled in: whether the name is valid, and the commands that do the same."""
    return page.render("create_repository_check.html", **_checked(page, _parameters(page)))


def delete(page: Page) -> Response:
    """Ask for confirmation, and delete a repository with its images."""
    images.described(page, page.request.values.get("repository", ""))
    return delete_from(page, "ecr", LIST)


def delete_from(page: Page, service: str, then: str) -> Response:
    """The same in the registry of *service*; *then* is the path of its list."""
    name = page.request.values.get("repository", "")
    sentence = f"Delete repository {name} permanently? Its images are deleted too. This can't be undone."
    calls = [(service, "DeleteRepository", {"repositoryName": name, "force": True})]
    question = confirmation.Question(f"Delete {name}", sentence, calls, then, {"repository": [name]})
    return confirmation.answer(page, question, f"Successfully deleted repository {name}.")


def _checked(page: Page, parameters: dict[str, Any]) -> dict[str, Any]:
    name = parameters["repositoryName"]
    return {
        "name": name,
        "name_error": words.name_error(name, *_name_rule(page)) if name else "",
        "commands": commands("ecr", "CreateRepository", parameters),
        "form": page.request.form,
    }


def _name_rule(page: Page) -> tuple[int, int, str]:
    """The shortest and longest name, and its pattern, of the API's own model."""
    members = page.client("ecr").meta.service_model.operation_model("CreateRepository").input_shape.members
    rule = members["repositoryName"].metadata
    return rule["min"], rule["max"], rule["pattern"]


def _parameters(page: Page) -> dict[str, Any]:
    """The parameters of CreateRepository that the form gives; the defaults of the API are left out."""
    form = page.request.form
    parameters: dict[str, Any] = {"repositoryName": form.get("name", "")}
    if tags := [{"Key": key, "Value": value} for key, value in pairs(form.get("tags", ""))]:
        parameters["tags"] = tags
    parameters |= mutability(page)
    if form.get("scan_on_push"):
        parameters["imageScanningConfiguration"] = {"scanOnPush": True}
    return parameters | encryption(page)


def encryption(page: Page) -> dict[str, Any]:
    """The parameter about encryption; none for the default."""
    if page.request.form.get("encryption") != "KMS":
        return {}
    key = page.request.form.get("kms_key", "").strip()
    return {"encryptionConfiguration": {"encryptionType": "KMS", **({"kmsKey": key} if key else {})}}


def mutability(page: Page, *, keep_default: bool = False) -> dict[str, Any]:
    """The parameters about tag mutability; none for the default, unless *keep_default*."""
    filters = [each.strip() for each in page.request.form.getlist("filter") if each.strip()]
    mode = page.request.form.get("mutability", "MUTABLE") + ("_WITH_EXCLUSION" if filters else "")
    if mode == "MUTABLE" and not keep_default:
        return {}
    exclusions = [{"filterType": "WILDCARD", "filter": each} for each in filters]
    name = "imageTagMutabilityExclusionFilters"
    return {"imageTagMutability": mode, **({name: exclusions} if exclusions else {})}


def _is_before_2024(page: Page) -> bool:
    return page.request.args.get("words") == "before-2024"
