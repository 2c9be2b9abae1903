"""What each notebook leaves behind for the next ones, and how to make it true without them."""

import base64
import contextlib
import http.client
import os
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ecr_sandbox.errors import LabError

from helpers import settings

if TYPE_CHECKING:
    from helpers.lab import Lab

NOTEBOOKS = tuple(f"{number:02}" for number in range(16))
UNAIDED = "15"  # there the learner makes everything, and nothing of the other notebooks' is needed
TAGS = ("v1", "latest")
SAMPLE_APP = settings.PROJECT / "sample_app"


class Step(NamedTuple):
    """One fact that a notebook leaves behind."""

    notebook: str
    fact: str
    is_true: Callable[["Lab"], bool]
    make: Callable[["Lab"], None]


def catch_up(lab: "Lab", notebook: str) -> None:
    """Make the facts of all notebooks before this one true, one line for each."""
    if notebook not in NOTEBOOKS:
        raise LabError(f"There is no notebook {notebook!r}.", f"name one from 00 to {NOTEBOOKS[-1]}, like '08'")
    before = [step for step in STEPS if step.notebook < notebook and notebook != UNAIDED]
    if not before:
        print("✔ nothing to catch up: this notebook needs nothing from those before it")
    for step in before:
        there = step.is_true(lab)
        if not there:
            step.make(lab)
        print(f"✔ {step.notebook} {step.fact} ({'was there' if there else 'made now'})")


def has_repository(lab: "Lab") -> bool:
    """Whether demo-app-repo exists."""
    ecr = lab.client()
    try:
        return bool(ecr.describe_repositories(repositoryNames=[settings.REPOSITORY])["repositories"])
    except ecr.exceptions.RepositoryNotFoundException:
        return False


def is_logged_in(lab: "Lab") -> bool:
    """Whether the password that Docker keeps for the registry is one the registry accepts."""
    import docker.auth

    kept = docker.auth.load_config(credstore_env=dict(os.environ)).resolve_authconfig(lab.registry)
    if not kept or not kept.get("password"):
        return False
    basic = base64.b64encode(f"{kept.get('username')}:{kept['password']}".encode()).decode()
    plain = lab.target == "sandbox"
    talk = (http.client.HTTPConnection if plain else http.client.HTTPSConnection)(lab.registry, timeout=10)
    try:
        talk.request("GET", "/v2/", headers={"Authorization": f"Basic {basic}"})
        return talk.getresponse().status == 200
    finally:
        talk.close()


def is_built(lab: "Lab") -> bool:
    """Whether demo-app-repo is what building sample_app gives.

    That is found out by building: it takes no time when nothing is new, and it brings the builder's cache
    back when the image was not built here but pulled. Where it cannot be built now, the image there will do.
    """
    before = _image_id(lab, settings.REPOSITORY)
    if before:
        with contextlib.suppress(LabError):
            _build(lab)
    return before is not None and _image_id(lab, settings.REPOSITORY) == before


def is_tagged(lab: "Lab") -> bool:
    """Whether it has the repository's address too, as v1 and latest."""
    built = _image_id(lab, settings.REPOSITORY)
    return all(_image_id(lab, f"{lab.repository_uri}:{tag}") == built for tag in TAGS)


def is_pushed(lab: "Lab") -> bool:
    """Whether the repository has both tags."""
    return not _missing_tags(lab)


def _create_repository(lab: "Lab") -> None:
    lab.client().create_repository(repositoryName=settings.REPOSITORY, tags=[settings.TAG])


def _log_in(lab: "Lab") -> None:
    _docker("login", "--username", "AWS", "--password-stdin", lab.registry, stdin=lab.password())


def _build(lab: "Lab") -> None:
    _docker("build", "-t", settings.REPOSITORY, str(SAMPLE_APP))


def _tag(lab: "Lab") -> None:
    for tag in TAGS:
        _docker("tag", settings.REPOSITORY, f"{lab.repository_uri}:{tag}")


def _push(lab: "Lab") -> None:
    for tag in _missing_tags(lab):
        _docker("push", f"{lab.repository_uri}:{tag}")


STEPS = (
    Step("04", f"repository {settings.REPOSITORY} exists", has_repository, _create_repository),
    Step("05", "Docker is logged in to the registry", is_logged_in, _log_in),
    Step("06", f"image {settings.REPOSITORY} is built from sample_app", is_built, _build),
    Step("07", f"the image is tagged {settings.REPOSITORY}:v1 and :latest", is_tagged, _tag),
    Step("08", f"v1 and latest are in {settings.REPOSITORY}", is_pushed, _push),
)


def _docker(*words: str, stdin: str | None = None) -> None:
    """Run a docker command; LabError with its own last words when it fails."""
    try:
        ran = subprocess.run(["docker", *words], input=stdin, capture_output=True, text=True)
    except FileNotFoundError:
        raise LabError("Docker is not installed.", "ecr-lab doctor") from None
    if ran.returncode:
        said = (ran.stderr.strip() or ran.stdout.strip() or f"exit status {ran.returncode}").splitlines()[-1]
        raise LabError(f"docker {words[0]} failed: {said.rstrip('.')}.", "ecr-lab doctor")


def _image_id(lab: "Lab", name: str) -> str | None:
    import docker.errors

    try:
        return lab.engine().images.get(name).id
    except docker.errors.ImageNotFound:
        return None


def _missing_tags(lab: "Lab") -> list[str]:
    ecr = lab.client()
    pages = ecr.get_paginator("list_images").paginate(
        repositoryName=settings.REPOSITORY, filter={"tagStatus": "TAGGED"}
    )
    there = {image["imageTag"] for page in pages for image in page["imageIds"]}
    return [tag for tag in TAGS if tag not in there]
