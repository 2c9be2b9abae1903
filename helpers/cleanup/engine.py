"""What the course leaves in Docker on this machine: images and a login."""

import contextlib
import subprocess
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ecr_sandbox import SandboxError
from helpers import settings

from . import repositories
from .kinds import Outcome

if TYPE_CHECKING:
    from helpers.lab import Lab

TASK_CONTAINER = "demo-broken"  # of exercise 09.2


def local_images(lab: "Lab", names: Iterable[str] | None = None) -> list[str]:
    """The names of images in the Docker engine that the course built, pushed or pulled.

    They belong to the repositories *names*, by default to those with the tutorial's tag.
    """
    if names is None:
        names = [found["repository"] for found in repositories.made(lab)]
    stems = {settings.REPOSITORY, lab.repository_uri, *(f"{lab.registry}/{name}" for name in names)}
    found = []
    for image in lab.engine().api.images():  # images.list() inspects each one, which may be deleted meanwhile
        found += [name for name in (*(image["RepoTags"] or []), *(image["RepoDigests"] or [])) if _stem(name) in stems]
    return sorted(found)


def delete_images(lab: "Lab", names: Iterable[str]) -> Outcome:
    """Delete the local images of these repositories; the names with tags that were deleted, and what was not.

    The container of exercise 09.2 is removed first, because an image in use cannot be deleted.
    """
    import docker.errors

    outcome = Outcome([], [])
    try:
        found, engine = local_images(lab, names), lab.engine()
        with contextlib.suppress(docker.errors.NotFound):
            engine.containers.get(TASK_CONTAINER).remove(force=True)
    except (SandboxError, docker.errors.DockerException) as error:
        return Outcome([], [f"images on this machine: {error}"])
    for name in found:
        try:
            engine.images.remove(name, force=True)
        except docker.errors.ImageNotFound:
            pass  # a digest is deleted together with its last tag
        except docker.errors.APIError as error:  # a container that uses it runs
            outcome.problems.append(f"image {name} was not deleted: {error.explanation}")
            continue
        if "@" not in name:
            outcome.names.append(name)
    return outcome


def log_out(lab: "Lab") -> bool:
    """Log Docker out of the registry; False if there is no docker command."""
    try:
        subprocess.run(["docker", "logout", lab.registry], capture_output=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _stem(name: str) -> str:
    """An image's name without its tag or digest."""
    name = name.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name
