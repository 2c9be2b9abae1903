"""CNCF Distribution, the registry that stores the image layers: a program on PATH, else a container."""

from machine import debian
from machine.commands import as_root, find
from machine.say import say


def program() -> str | None:
    """The path of the registry program, if it is installed."""
    return find("docker-registry") or find("registry")


def missing() -> dict[str, str]:
    """The Debian package to install; none where that cannot be done, since a container does as well."""
    if program():
        return {}
    if debian.can_install() and as_root() is not None:
        return {"docker-registry": "stores the image layers (CNCF Distribution)"}
    say("The registry program is not installed: the sandbox will run it as a container.")
    return {}
