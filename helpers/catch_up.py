"""``lab.catch_up("08")``: makes true what the notebooks before 08 leave for it, without running them."""

import contextlib
import os
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ecr_sandbox import SandboxError
from helpers import cleanup, names, settings
from helpers.cleanup import engine, repositories
from helpers.errors import LabError, denied_action, refused_head
from helpers.list_all import list_all

if TYPE_CHECKING:
    from helpers.lab import Lab

NOTEBOOKS = tuple(f"{number:02}" for number in range(16))
STANDALONE = "15"  # it needs nothing of the other notebooks
BUILDS = ("00", *NOTEBOOKS[6:15])  # in these, or to catch up for them, the image is built
USES_ECS = ("13", "14", "15")
TAGS = ("v1", "latest")
SAMPLE_APP = settings.PROJECT / "sample_app"


class Step(NamedTuple):
    """One fact that a notebook makes true."""

    notebook: str
    fact: str
    is_true: Callable[["Lab"], bool]
    make: Callable[["Lab"], None]


def catch_up(lab: "Lab", notebook: str) -> None:
    """Make the facts of all notebooks before this one true, and print one line for each."""
    if notebook not in NOTEBOOKS:
        raise LabError(f"There is no notebook {notebook!r}.", f"name one from 00 to {NOTEBOOKS[-1]}, like '08'")
    before = [step for step in STEPS if step.notebook < notebook and notebook != STANDALONE]
    _note(lab, notebook, before)
    if notebook in USES_ECS:
        _make_role_of_ecs(lab)
    if not before:
        print("✔ nothing to catch up")
    if notebook > "05" and before:
        _repair_login(lab)
    for step in before:
        was_true = step.is_true(lab)
        if not was_true:
            step.make(lab)
        print(f"✔ {step.notebook} {step.fact} ({'was there' if was_true else 'made now'})")


def _note(lab: "Lab", notebook: str, before: list[Step]) -> None:
    """Note in the ledger what this notebook and the steps make, before it is made; LabError if a name is taken."""
    if notebook in BUILDS:
        engine.refuse_image_of_others(lab, settings.REPOSITORY)
    cleanup.note(lab, names.made_by(notebook) + [("repository", settings.REPOSITORY)] * bool(before))
    cleanup.registry_settings.note(lab, notebook)


def _make_role_of_ecs(lab: "Lab") -> None:
    """On AWS, make ECS's service-linked role before a cell uses ECS: in a new account that use would fail once.

    It is AWS's and costs nothing, so it stays. A learner who may not make it needs it only in a new account.
    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
    """
    from botocore.exceptions import ClientError

    if lab.target == "aws":
        try:
            lab.client("iam").create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
        except ClientError as error:  # it exists, or
            if action := denied_action(error):
                print(f"? {action} is not allowed: without it ECS does not start in a new account")


def _repair_login(lab: "Lab") -> None:
    """Undo what exercise 05.2 broke, if the learner left it unsolved and ``docker login`` does not repair it."""
    from helpers.exercises.broken import login

    login.remove_missing_helper(lab)


def has_repository(lab: "Lab") -> bool:
    """Whether demo-app-repo exists; LabError if it does and this tutorial did not make it."""
    return repositories.exists(lab.client(), settings.REPOSITORY)


def is_logged_in(lab: "Lab") -> bool:
    """Whether Docker has a password that the registry accepts; LabError if its credential helper does not run."""
    import docker.auth
    import docker.errors
    import requests

    try:
        login = docker.auth.load_config(credstore_env=dict(os.environ)).resolve_authconfig(lab.registry)
    except docker.errors.DockerException:
        raise LabError(
            f"Docker cannot read its credentials for {lab.registry}.",
            "remove credHelpers and credsStore from Docker's config.json, or install the program that they name",
        ) from None
    if not login or not login.get("password"):
        return False
    auth = (login.get("username") or "", login["password"])
    return requests.get(f"{lab.registry_url}/v2/", auth=auth, timeout=10).status_code == 200


def is_built(lab: "Lab") -> bool:
    """Whether the image demo-app-repo is the result of building sample_app.

    It is built to find out: that takes no time if nothing has changed, and fills the builder's cache if the image
    was pulled. If it cannot be built now, the existing image is accepted.
    """
    before = image_id(lab, settings.REPOSITORY)
    if before:
        with contextlib.suppress(SandboxError):
            _build(lab)
    return before != "" and image_id(lab, settings.REPOSITORY) == before


def is_tagged(lab: "Lab") -> bool:
    """Whether the image also has the repository's address, as v1 and latest."""
    built = image_id(lab, settings.REPOSITORY)
    return all(image_id(lab, f"{lab.repository_uri}:{tag}") == built for tag in TAGS)


def is_pushed(lab: "Lab") -> bool:
    """Whether the repository has both tags."""
    return not _missing_tags(lab)


def _create_repository(lab: "Lab") -> None:
    lab.client().create_repository(repositoryName=settings.REPOSITORY, tags=[settings.TAG])


def log_in(lab: "Lab") -> None:
    """Log Docker in to the registry; LabError if that fails."""
    docker("login", "--username", "AWS", "--password-stdin", lab.registry, stdin=lab.password())


def _build(lab: "Lab") -> None:
    docker("build", "-t", settings.REPOSITORY, str(SAMPLE_APP))


def _tag(lab: "Lab") -> None:
    for tag in TAGS:
        docker("tag", settings.REPOSITORY, f"{lab.repository_uri}:{tag}")


def _push(lab: "Lab") -> None:
    for tag in _missing_tags(lab):
        docker("push", f"{lab.repository_uri}:{tag}")


STEPS = (
    Step("04", f"repository {settings.REPOSITORY} exists", has_repository, _create_repository),
    Step("05", "Docker is logged in to the registry", is_logged_in, log_in),
    Step("06", f"image {settings.REPOSITORY} is built from sample_app", is_built, _build),
    Step("07", f"the image is tagged {settings.REPOSITORY}:v1 and :latest", is_tagged, _tag),
    Step("08", f"v1 and latest are in {settings.REPOSITORY}", is_pushed, _push),
)


def docker(*arguments: str, stdin: str = "") -> None:
    """Run a docker command; LabError with the last line of its output if it fails."""
    try:
        ran = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, text=True)
    except FileNotFoundError:
        raise LabError("Docker is not installed.", "ecr-lab doctor") from None
    if ran.returncode:
        error = (ran.stderr.strip() or ran.stdout.strip() or f"exit status {ran.returncode}").splitlines()[-1]
        raise LabError(f"docker {arguments[0]} failed: {error.rstrip('.')}.", refused_head(error) or "ecr-lab doctor")


def image_id(lab: "Lab", name: str) -> str:
    """The id of the local image of this name; "" if there is none."""
    from docker.errors import ImageNotFound

    try:
        return str(lab.engine().images.get(name).id)
    except ImageNotFound:
        return ""


def _missing_tags(lab: "Lab") -> list[str]:
    images = list_all(
        lab.client(), "list_images", "imageIds", repositoryName=settings.REPOSITORY, filter={"tagStatus": "TAGGED"}
    )
    return [tag for tag in TAGS if tag not in {image["imageTag"] for image in images}]
