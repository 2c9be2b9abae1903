"""What the course leaves in Docker on this machine: images and a login."""

import contextlib
import subprocess
from collections.abc import Iterable
from typing import TYPE_CHECKING

from helpers import settings

from . import repositories

if TYPE_CHECKING:
    from helpers.lab import Lab


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


def delete_images(lab: "Lab", names: Iterable[str]) -> list[str]:
    """Delete the local images of these repositories; returns their names with tags. Raises SandboxError."""
    import docker.errors

    found, engine = local_images(lab, names), lab.engine()
    for name in found:
        # A digest is deleted together with its last tag.
        with contextlib.suppress(docker.errors.ImageNotFound):
            engine.images.remove(name, force=True)
    return [name for name in found if "@" not in name]


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
