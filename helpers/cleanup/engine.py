"""What the course leaves in Docker on this machine: containers, images and a login."""

import contextlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecr_sandbox import SandboxError
from helpers import ledger, names, settings
from helpers.errors import LabError
from helpers.ledger import Entry

from . import repositories
from .kinds import Outcome

if TYPE_CHECKING:
    from helpers.lab import Lab

TASK_CONTAINER = f"{settings.PREFIX}broken"  # of exercise 09.2
CONTAINERS = (TASK_CONTAINER, "learn-ecr-first", "learn-ecr-demo")
TITLE = "org.opencontainers.image.title"  # sample_app/Dockerfile sets it


def is_ours(labels: Mapping[str, str] | None) -> bool:
    """Whether an image or container with these labels is of the sample app, or made by an exercise."""
    labels = labels or {}
    return labels.get(TITLE) == "demo-app" or labels.get(settings.TAG["Key"]) == settings.TAG["Value"]


def refuse_image_of_others(lab: "Lab", name: str) -> None:
    """LabError if the engine has an image of this name that this course did not build."""
    from docker.errors import ImageNotFound

    try:
        labels = lab.engine().images.get(name).labels
    except (ImageNotFound, SandboxError):  # without an engine nothing is built either
        return
    noted = {entry.name for entry in ledger.entries(lab.account) if entry.kind == "image"}
    if not is_ours(labels) and name not in noted:
        raise LabError(
            f"The image {name} on this machine was not built by this course, so it stays.", names.ANOTHER_PREFIX
        )


def container(lab: "Lab", name: str) -> Any:
    """The container of this name, or None; LabError if it is not one of this course."""
    from docker.errors import NotFound

    try:
        found = lab.engine().containers.get(name)
    except NotFound:
        return None
    if not is_ours(found.labels):
        raise LabError(
            f"The container {name} is not of this course, so it stays.", f"docker rename {name} another-name"
        )
    return found


def local_images(lab: "Lab", names: Iterable[str] | None = None) -> list[str]:
    """The names of images in the Docker engine that the course built, pushed or pulled.

    They have the address of one of the repositories *names* (by default those with the tutorial's tag), or of one in
    the ledger. Of an image of the course, names in the registry count too, with or without a repository, and names
    that begin as the course's do.
    """
    return sorted(name for image in _images(lab, names) for name in image["names"])


def _images(lab: "Lab", names: Iterable[str] | None) -> list[dict[str, Any]]:
    """``{"id", "names"}`` of the images of which `local_images` has the names, and of the course's without a name.

    Those are left by a build or an import that gave their name to another image.
    """
    if names is None:
        names = [found["repository"] for found in repositories.made(lab)]
    noted = ledger.entries(lab.account)
    private = {*names, *(entry.name for entry in noted if entry.kind == "repository")}
    addresses = {lab.repository_uri, *(f"{lab.registry}/{name}" for name in private)}
    addresses |= {entry.name for entry in noted if entry.kind == "image"}
    registries = tuple(address for address in addresses if address.endswith("/"))
    names_of_ours = (f"{lab.registry}/", settings.REPOSITORY, settings.PREFIX)
    found = []
    for image in lab.engine().api.images():  # images.list() inspects each one, which may be deleted meanwhile
        starts = registries + (names_of_ours if is_ours(image["Labels"]) else ())
        named = [*(image["RepoTags"] or []), *(image["RepoDigests"] or [])]
        named = [name for name in named if not name.startswith("<none>")]
        mine = [name for name in named if {name, _stem(name)} & addresses or name.startswith(starts)]
        if mine or (not named and is_ours(image["Labels"])):
            found.append({"id": image["Id"], "names": mine})
    return found


def note_registry(lab: "Lab", registry: str) -> None:
    """Note in the ledger that all images of this registry in the engine are the course's."""
    ledger.note(Entry(lab.account, lab.region, "image", f"{registry}/"))


def clean_up(lab: "Lab", names: Iterable[str], dry_run: bool = False) -> Outcome:
    """Delete the course's containers and images; the names with tags that were deleted, and what was not.

    Containers first, because an image in use cannot be deleted. *names* are repositories that were deleted just now.
    """
    import docker.errors

    try:
        images = _images(lab, names)
        found = sorted(name for image in images for name in image["names"] or [image["id"]])
        if not dry_run:
            _remove_containers(lab, {image["id"] for image in images})
    except (SandboxError, docker.errors.DockerException) as error:
        return Outcome([], [f"images on this machine: {error}"])
    return Outcome(list(filter(_is_tag, found)), []) if dry_run else _delete(lab, found)


def _remove_containers(lab: "Lab", images: Collection[str]) -> None:
    """Remove the containers of the course, by their names, and those that a killed cell left of its *images*."""
    import docker.errors

    engine = lab.engine()
    for each in engine.api.containers(all=True):
        of_an_image = each["ImageID"] in images or each["Names"][0].removeprefix("/") in CONTAINERS
        if of_an_image and is_ours(each["Labels"]):
            with contextlib.suppress(docker.errors.NotFound):
                engine.api.remove_container(each["Id"], force=True)


def _delete(lab: "Lab", images: Iterable[str]) -> Outcome:
    import docker.errors

    outcome, engine = Outcome([], []), lab.engine()
    for name in images:
        try:
            engine.images.remove(name, force=True)
        except docker.errors.ImageNotFound:
            pass  # a digest is deleted together with its last tag
        except docker.errors.APIError as error:  # a container that uses it runs
            outcome.problems.append(f"image {name} was not deleted: {error.explanation}")
            continue
        if _is_tag(name):
            outcome.names.append(name)
    return outcome


def log_out() -> None:
    """Delete all logins in the course's own Docker configuration; the learner's is not changed."""
    path = Path(os.environ["DOCKER_CONFIG"], "config.json")
    if not path.is_relative_to(settings.state()) or not path.exists():
        return
    config = json.loads(path.read_text())
    config.pop("credHelpers", None)  # of an exercise
    # An entry for another host keeps Docker from choosing a credential store.
    config["auths"] = {"nowhere.invalid": {}}
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(config))
    new.replace(path)


def _is_tag(name: str) -> bool:
    """Whether this names an image by a tag, and not by its digest or id."""
    return "@" not in name and not name.startswith("sha256:")


def _stem(name: str) -> str:
    """An image's name without its tag or digest."""
    name = name.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name
