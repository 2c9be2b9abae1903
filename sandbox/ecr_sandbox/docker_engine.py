"""The Docker engine: which one the user's ``docker`` uses, a client for it, and why it cannot be used."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_sandbox import settings
from ecr_sandbox.errors import SandboxError

if TYPE_CHECKING:
    import docker

MIRROR_SECONDS = 20  # how long the sandbox may take to fill the mirror after its start
DEFAULT_SOCKET = "unix:///var/run/docker.sock"
TASK_LABEL = "ecr-sandbox.task-of"  # on containers of Fargate tasks: the state folder of their sandbox


class EngineMissing(SandboxError):
    """Docker is not installed, or its engine is not running."""


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that name the user's engine when ``DOCKER_CONFIG`` is another folder than the user's.

    The engine is ``DOCKER_HOST`` if that is set, else the endpoint of the user's current Docker context, else the
    first socket that exists. Without contexts ``~/.docker/config.json`` is not opened.
    """
    host = environ.get("DOCKER_HOST") or _context_host(environ) or _first_socket(environ)
    found = {"DOCKER_HOST": host}
    if environ.get("DOCKER_TLS_VERIFY") and not environ.get("DOCKER_CERT_PATH"):
        found["DOCKER_CERT_PATH"] = str(user_folder(environ))
    return found


def user_folder(environ: Mapping[str, str]) -> Path:
    """The user's own Docker configuration folder."""
    return Path(environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def link_plugins(environ: Mapping[str, str], state: Path) -> None:
    """Link the user's CLI plugins (buildx, compose) into the isolated Docker configuration. Nothing is copied."""
    plugins, link = user_folder(environ) / "cli-plugins", state / "docker" / "cli-plugins"
    if link.exists() or not plugins.is_dir():
        return
    with contextlib.suppress(FileExistsError):
        link.unlink(missing_ok=True)
        link.symlink_to(plugins.resolve(), target_is_directory=True)


def client(environ: Mapping[str, str] | None = None) -> "docker.DockerClient":
    """A Docker SDK client for the engine in *environ*; SandboxError says why there is none."""
    import docker

    where = dict(environ if environ is not None else os.environ)
    where |= variables(where)
    try:
        engine = docker.from_env(environment=where, timeout=120)
        engine.ping()
        return engine
    except Exception as error:
        raise explain_engine_error(error, where["DOCKER_HOST"]) from None


def cli_version() -> str | None:
    """The version of the ``docker`` command, or None when there is no such command."""
    try:
        output = subprocess.run(["docker", "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return output.removeprefix("Docker version ").partition(",")[0].strip() or None


def explain_engine_error(error: Exception, host: str) -> SandboxError:
    """Why the engine at *host* cannot be used and how to fix it, from the *error* of a request to it."""
    if is_remote_engine(host):
        return SandboxError(
            f"The Docker engine is on another machine ({host}), which cannot reach this one.",
            "docker context use default, or unset DOCKER_HOST",
        )
    if any(isinstance(cause, PermissionError) for cause in _causes(error)):
        socket = host.removeprefix("unix://")
        return SandboxError(
            f"You are not allowed to use the Docker engine's socket {socket} (permission denied).",
            'sudo usermod -aG docker "$USER", then log out and in again',
        )
    if not shutil.which("docker"):
        return EngineMissing("Docker is not installed.", install_docker(sys.platform))
    return EngineMissing("The Docker engine is not running.", start_docker(sys.platform))


def is_remote_engine(host: str) -> bool:
    """Whether this ``DOCKER_HOST`` is another machine, which cannot reach a sandbox on this one."""
    scheme, _, rest = host.partition("://")
    name = rest.rpartition("@")[2].split("/")[0].rsplit(":", 1)[0]
    return scheme in ("tcp", "ssh", "http", "https") and name not in ("localhost", "127.0.0.1", "[::1]")


def install_docker(platform: str) -> str:
    """How to install Docker on this system."""
    if platform.startswith("linux"):
        return "install the package docker.io, or see https://docs.docker.com/engine/install/"
    return "install and start Docker Desktop: https://docs.docker.com/get-started/get-docker/"


def start_docker(platform: str) -> str:
    """How to start the engine on this system."""
    if platform.startswith("linux"):
        return "sudo service docker start"
    return "start Docker Desktop and wait until it says that the engine is running"


def remove_tasks(engine: "docker.DockerClient", state: Path) -> int:
    """Remove the containers of Fargate tasks of the sandbox with this *state* folder; returns their number."""
    import docker.errors

    found = engine.containers.list(all=True, filters={"label": f"{TASK_LABEL}={state}"}, ignore_removed=True)
    for container in found:
        with contextlib.suppress(docker.errors.APIError):  # another process is removing it
            container.remove(force=True, v=True)
    return len(found)


def pull_mirror(engine: "docker.DockerClient", registry: str, password: Callable[[], str], layout: Path) -> bool:
    """Let the engine learn that the sandbox's mirror has the layers of the base image; False without a mirror.

    A push of an image on that base then mounts these layers instead of uploading them. The engine learns it from a
    pull of an image that it does not have. The mirror's image differs from the base image in its id only, and is
    removed after the pull. The engine remembers only the newest few dozen such places, so this runs at each connection.
    *layout* is the OCI image layout that fills the mirror.
    """
    import docker.errors

    mirror = f"{registry}/{settings.MIRROR_REPOSITORY}:{settings.MIRROR_TAG}"
    auth = {"username": "AWS", "password": password()}
    if not _mirror_is_filled(engine, mirror, auth, _layout_digest(layout)):
        return False
    try:
        image = engine.images.pull(mirror, auth_config=auth)
        if not engine.images.list(settings.BASE_IMAGE):
            image.tag(settings.BASE_IMAGE)
        engine.images.remove(mirror)
    except docker.errors.DockerException:  # without the mirror a push takes longer, but works
        return False
    return True


def _mirror_is_filled(engine: "docker.DockerClient", mirror: str, auth: dict[str, str], expected: str | None) -> bool:
    """Whether the mirror has its image. The sandbox fills it right after its start, if there is a layout."""
    import docker.errors

    end = time.monotonic() + (MIRROR_SECONDS if expected else 0)
    while True:
        with contextlib.suppress(docker.errors.APIError):
            found = engine.images.get_registry_data(mirror, auth_config=auth).id
            if expected in (None, found):
                return True
        if time.monotonic() > end:
            return False
        time.sleep(0.1)


def _layout_digest(layout: Path) -> str | None:
    try:
        return json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    except OSError:
        return None


def _context_host(environ: Mapping[str, str]) -> str | None:
    """The endpoint of the user's current context, as ``docker`` gives it."""
    contexts = user_folder(environ) / "contexts" / "meta"
    if not contexts.is_dir() or not any(contexts.iterdir()):
        return None
    try:
        inspected = subprocess.run(
            ["docker", "context", "inspect"], env=dict(environ), capture_output=True, text=True, timeout=10
        )
        return json.loads(inspected.stdout)[0]["Endpoints"]["docker"]["Host"] or None
    except (OSError, ValueError, LookupError, TypeError, subprocess.TimeoutExpired):
        return None


def _first_socket(environ: Mapping[str, str]) -> str:
    home, runtime = Path.home(), Path(environ.get("XDG_RUNTIME_DIR") or "/run/user/0")
    sockets = (
        Path("/var/run/docker.sock"),
        runtime / "docker.sock",
        home / ".docker" / "run" / "docker.sock",
        runtime / "podman" / "podman.sock",
        Path("/run/podman/podman.sock"),
    )
    return next((f"unix://{path}" for path in sockets if _exists(path)), DEFAULT_SOCKET)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _causes(error: BaseException) -> list[BaseException]:
    """The error and all its causes: the Docker SDK wraps the system's error several times."""
    found, todo = [], [error]
    while todo:
        one = todo.pop()
        if one in found:
            continue
        found.append(one)
        todo += [e for e in (one.__cause__, one.__context__, *one.args) if isinstance(e, BaseException)]
    return found
