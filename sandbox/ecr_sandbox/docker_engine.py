"""The Docker engine: which one the user's docker talks to, and whether it can reach the sandbox.

On Docker Desktop the engine lives in a virtual machine, whose ``localhost`` is not ours. Whether that is
so is found out by trying; then a small forwarder inside the machine carries the sandbox's ports to us.

The forwarder shares the network of the engine. A published port would do it no good: Docker Desktop opens
each on the user's machine as well, where the sandbox has it already, and so refuses it ("Ports are not available").
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_sandbox import settings
from ecr_sandbox.errors import SandboxError

if TYPE_CHECKING:
    import docker

SEED_SECONDS = 20
PATIENCE = 10
FORWARDER = "learn-amazon-ecr-forwarder"
HOST_FROM_INSIDE = "host.docker.internal"
DEFAULT_SOCKET = "unix:///var/run/docker.sock"
TASK_LABEL = "learn-amazon-ecr.task-of"  # on containers of Fargate tasks: the state folder of their sandbox

# Runs inside the engine's machine: whoever connects to one of the ports is connected to the host's.
FORWARD = """
import asyncio, sys
dial, *ports = sys.argv[1:]

async def copy(source, sink):
    try:
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
        sink.write_eof()
    except OSError:
        sink.close()

async def serve(reader, writer):
    port = writer.get_extra_info("sockname")[1]
    try:
        far_reader, far_writer = await asyncio.open_connection(dial, port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
    far_writer.close()
    writer.close()

async def main():
    servers = [await asyncio.start_server(serve, "127.0.0.1", int(port)) for port in ports]
    await asyncio.gather(*(server.serve_forever() for server in servers))

asyncio.run(main())
"""


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that name the user's engine once ``DOCKER_CONFIG`` is no longer the user's.

    ``DOCKER_HOST`` if set, else the endpoint of the user's current docker context, else the first socket
    there is. A user without contexts gets the same answer without ``~/.docker/config.json`` being opened.
    """
    host = environ.get("DOCKER_HOST") or _of_context(environ) or _first_socket(environ)
    found = {"DOCKER_HOST": host}
    if environ.get("DOCKER_TLS_VERIFY") and not environ.get("DOCKER_CERT_PATH"):
        found["DOCKER_CERT_PATH"] = str(user_folder(environ))
    return found


def user_folder(environ: Mapping[str, str]) -> Path:
    """The user's own docker configuration folder."""
    return Path(environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def link_plugins(environ: Mapping[str, str], state: Path) -> None:
    """Let the isolated configuration find the user's CLI plugins (buildx, compose): a link, never a copy."""
    plugins, link = user_folder(environ) / "cli-plugins", state / "docker" / "cli-plugins"
    if link.exists() or not plugins.is_dir():
        return
    with contextlib.suppress(FileExistsError):
        link.unlink(missing_ok=True)
        link.symlink_to(plugins.resolve(), target_is_directory=True)


def is_elsewhere(host: str) -> bool:
    """Whether this ``DOCKER_HOST`` names another machine, which can never reach a sandbox on this one."""
    scheme, _, rest = host.partition("://")
    name = rest.rpartition("@")[2].split("/")[0].rsplit(":", 1)[0]
    return scheme in ("tcp", "ssh", "http", "https") and name not in ("localhost", "127.0.0.1", "[::1]")


def client(environ: Mapping[str, str] | None = None) -> "docker.DockerClient":
    """A Docker SDK client for the engine in ``environ``; SandboxError says why when there is none."""
    import docker
    import docker.errors

    where = dict(environ if environ is not None else os.environ)
    where |= variables(where)
    try:
        engine = docker.from_env(environment=where, timeout=120)
        engine.ping()
        return engine
    except Exception as error:
        raise SandboxError(*trouble(error, where["DOCKER_HOST"])) from None


def cli_version() -> str | None:
    """The version of the docker command, or None when there is no such command."""
    try:
        told = subprocess.run(["docker", "--version"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return told.removeprefix("Docker version ").partition(",")[0].strip() or None


def registry_program() -> str | None:
    """Where the registry program is, or None when there is none and a container takes its place."""
    return shutil.which("docker-registry") or shutil.which("registry")


def registry_version() -> str | None:
    """The version of the registry program, or None."""
    program = registry_program()
    if not program:
        return None
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10).stdout
    return told.split()[-1] if told.split() else None


def trouble(error: Exception, host: str) -> tuple[str, str]:
    """What keeps us from the engine, and its mend, from the error that talking to it raised."""
    causes = _causes(error)
    if is_elsewhere(host):
        return (
            f"The Docker engine is on another machine ({host}), which cannot reach this one.",
            "docker context use default, or unset DOCKER_HOST",
        )
    if any(isinstance(cause, PermissionError) for cause in causes):
        socket = host.removeprefix("unix://")
        return (
            f"You may not use the Docker engine's socket {socket} (permission denied).",
            'sudo usermod -aG docker "$USER", then log out and in again',
        )
    if not shutil.which("docker"):
        return "Docker is not installed.", install_docker(sys.platform)
    return "The Docker engine is not running.", start_docker(sys.platform)


def install_docker(platform: str) -> str:
    """How Docker is installed on this kind of machine."""
    if platform.startswith("linux"):
        return "make setup (or install the package docker.io)"
    return "install and start Docker Desktop: https://docs.docker.com/get-started/get-docker/"


def start_docker(platform: str) -> str:
    """How a stopped engine is started on this kind of machine."""
    if platform.startswith("linux"):
        return "make setup (it starts the engine), or sudo service docker start"
    return "start Docker Desktop and wait until its whale stands still"


def reaches(engine: "docker.DockerClient", port: int) -> bool:
    """Whether the engine's ``localhost:port`` is our sandbox.

    Asks the engine to log in with a wrong password: the sandbox refuses it, a wrong machine cannot, and
    a program that accepts it is somebody else's.
    """
    try:
        engine.api.login("AWS", "not-a-password", registry=f"localhost:{port}", reauth=True)
    except Exception as error:
        return was_refused(str(error))
    return False


def was_refused(answer: str) -> bool:
    """Whether these words of the engine come from a registry that refused a password, not from a void."""
    low = answer.lower()
    return any(sign in low for sign in ("status: 400", "status: 401", "unauthorized"))


def make_reachable(engine: "docker.DockerClient", ports: Sequence[int], dial: str = HOST_FROM_INSIDE) -> bool:
    """Let the engine reach the sandbox, whose main port comes first in *ports*.

    True when that took the forwarder, SandboxError when it is impossible.
    """
    found = _forwarders(engine)
    if reaches(engine, ports[0]) and all(container.labels.get("ports") == _listed(ports) for container in found):
        return bool(found)
    remove_forwarder(engine)
    start_forwarder(engine, ports, dial)
    if _becomes_reachable(engine, ports[0]):
        return True
    remove_forwarder(engine)
    raise SandboxError(
        f"The Docker engine cannot reach the sandbox at localhost:{ports[0]}.",
        "ecr-lab down, set ECR_TUTORIAL_PORT to another number, connect again",
    )


def start_forwarder(engine: "docker.DockerClient", ports: Sequence[int], dial: str = HOST_FROM_INSIDE) -> None:
    """Run the forwarder inside the engine's machine; ``dial`` is what it calls the host."""
    import docker.errors

    try:
        engine.containers.run(
            _forwarder_image(engine),
            ["python", "-u", "-c", FORWARD, dial, *map(str, ports)],
            name=FORWARDER,
            detach=True,
            network_mode="host",
            extra_hosts={HOST_FROM_INSIDE: "host-gateway"},
            labels={settings.TAG["Key"]: settings.TAG["Value"], "ports": _listed(ports)},
            restart_policy={"Name": "unless-stopped"},
            stop_signal="SIGINT",  # the first process of a container may ignore SIGTERM, and python does
        )
    except docker.errors.DockerException as error:
        why = str(getattr(error, "explanation", None) or error)
        remove_forwarder(engine)
        raise SandboxError(f"The forwarder to the sandbox did not start ({why}).", "ecr-lab doctor") from None


def _listed(ports: Sequence[int]) -> str:
    return " ".join(map(str, ports))


def remove_forwarder(engine: "docker.DockerClient") -> bool:
    """Remove the forwarder; False when there was none."""
    found = _forwarders(engine)
    for container in found:
        container.remove(force=True)
    return bool(found)


def remove_tasks(engine: "docker.DockerClient", state: Path) -> int:
    """Remove the containers of Fargate tasks that the sandbox of *state* left behind; how many there were."""
    import docker.errors

    found = engine.containers.list(all=True, filters={"label": f"{TASK_LABEL}={state}"}, ignore_removed=True)
    for container in found:
        with contextlib.suppress(docker.errors.APIError):  # somebody else is removing it
            container.remove(force=True, v=True)
    return len(found)


def learn_mirror(engine: "docker.DockerClient", registry: str, password: Callable[[], str]) -> bool:
    """Let the engine know that the sandbox's mirror has the base image's layers; False when there is no mirror.

    A push of an app then mounts these layers there instead of sending them. The engine learns by pulling an
    image that it does not have: the mirror's differs from the base image in its id alone, and goes again at
    once. It keeps a few dozen such places in mind, the newest first, so it is reminded at each connection.
    """
    import docker.errors

    mirror = f"{registry}/{settings.MIRROR_REPOSITORY}:{settings.MIRROR_TAG}"
    auth = {"username": "AWS", "password": password()}
    if not _mirror_is_filled(engine, mirror, auth):
        return False
    try:
        image = engine.images.pull(mirror, auth_config=auth)
        if not engine.images.list(settings.BASE_IMAGE):
            image.tag(settings.BASE_IMAGE)
        engine.images.remove(mirror)
    except docker.errors.DockerException:  # without it a push only takes longer
        return False
    return True


def _mirror_is_filled(engine: "docker.DockerClient", mirror: str, auth: dict[str, str]) -> bool:
    """Whether the mirror has its image; the sandbox fills it just after it starts, from what `make setup` kept."""
    import docker.errors

    expected = _layout_digest()
    end = time.monotonic() + (SEED_SECONDS if expected else 0)
    while True:
        with contextlib.suppress(docker.errors.APIError):
            found = engine.images.get_registry_data(mirror, auth_config=auth).id
            if expected in (None, found):
                return True
        if time.monotonic() > end:
            return False
        time.sleep(0.1)


def _layout_digest() -> str | None:
    """The digest of the image that `make setup` keeps, or None."""
    try:
        return json.loads((settings.base_image_layout() / "index.json").read_text())["manifests"][0]["digest"]
    except OSError:
        return None


def _forwarders(engine: "docker.DockerClient") -> list:
    return engine.containers.list(all=True, filters={"name": f"^/?{FORWARDER}$"})


def _becomes_reachable(engine: "docker.DockerClient", port: int) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if reaches(engine, port):
            return True
        time.sleep(0.2)
    return False


def _forwarder_image(engine: "docker.DockerClient") -> str:
    import docker.errors

    try:
        engine.images.get(settings.BASE_IMAGE)
    except docker.errors.ImageNotFound:
        engine.images.pull(settings.BASE_IMAGE)
    return settings.BASE_IMAGE


def _of_context(environ: Mapping[str, str]) -> str | None:
    """The endpoint of the user's current context, asked of docker itself."""
    contexts = user_folder(environ) / "contexts" / "meta"
    if not contexts.is_dir() or not any(contexts.iterdir()):
        return None
    try:
        told = subprocess.run(
            ["docker", "context", "inspect"], env=dict(environ), capture_output=True, text=True, timeout=10
        )
        return json.loads(told.stdout)[0]["Endpoints"]["docker"]["Host"] or None
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
    """The error and everything under it: the SDK wraps what the system said several times."""
    found, todo = [], [error]
    while todo:
        one = todo.pop()
        if one in found:
            continue
        found.append(one)
        todo += [e for e in (one.__cause__, one.__context__, *one.args) if isinstance(e, BaseException)]
    return found
