"""The containers of tasks in the local Docker engine: created, watched, stopped and removed.

They get less than Docker's defaults: no privileges, none gained by setuid programs, no host network, no host files, no
capabilities but Docker's defaults (which are also Fargate's), and no more processor, memory or processes than the task
has. Their ports are published on the loopback address only.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecr_sandbox.docker_engine import TASK_LABEL

from .tasks import Container, Task

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container as Running

PROCESSES = 1024  # of one container
LOG = {"max-size": "10m", "max-file": "2"}
DEFAULT_STOP = 30  # seconds until SIGKILL: API reference, ContainerDefinition, stopTimeout
PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Limits:
    """The limits of one container: CPU units (1024 are one processor) and MiB."""

    cpu: int
    memory: int


def create(
    engine: "docker.DockerClient",
    task: Task,
    each: Container,
    image: str,
    limits: Limits,
    network_of: str,
    ports: Mapping[str, Any],
    folder: Path,
) -> "Running":
    """Create the container, not started yet: *image* is its id, *network_of* the container whose network it shares.

    Without *network_of* it gets its own network and publishes *ports*. Raises docker.errors.APIError.
    """
    from docker.types import LogConfig, Ulimit

    given = each.definition
    linux = given.get("linuxParameters") or {}
    capabilities = linux.get("capabilities") or {}
    return engine.containers.create(
        image,
        command=given.get("command") or None,
        entrypoint=given.get("entryPoint") or None,
        environment={one["name"]: one.get("value", "") for one in given.get("environment") or []},
        working_dir=given.get("workingDirectory"),
        user=given.get("user"),
        read_only=bool(given.get("readonlyRootFilesystem")),
        tty=bool(given.get("pseudoTerminal")),
        stdin_open=bool(given.get("interactive")),
        init=bool(linux.get("initProcessEnabled")),
        ulimits=[
            Ulimit(name=one["name"], soft=one["softLimit"], hard=one["hardLimit"]) for one in given.get("ulimits") or []
        ],
        name=f"ecs-{task.id[:12]}-{each.name}",
        labels={**(given.get("dockerLabels") or {}), TASK_LABEL: str(folder), "com.amazonaws.ecs.task-arn": task.arn},
        network_mode=f"container:{network_of}" if network_of else "bridge",
        ports=dict(ports),
        use_config_proxy=False,
        privileged=False,
        cap_add=capabilities.get("add") or [],
        cap_drop=capabilities.get("drop") or [],
        security_opt=["no-new-privileges"],
        nano_cpus=limits.cpu * 10**9 // 1024,
        mem_limit=limits.memory * 2**20,
        memswap_limit=limits.memory * 2**20,
        pids_limit=PROCESSES,
        log_config=LogConfig(type="json-file", config=LOG),
    )


@dataclass(frozen=True)
class Endpoint:
    """A container's *address* and hardware address on the engine's network, and its published *ports*."""

    address: str
    mac: str
    ports: Mapping[str, Any]

    def bindings(self, each: Container) -> list[dict[str, Any]]:
        """The port of this machine for each port of a container of the task."""
        return [
            {
                "bindIP": opened["HostIp"],
                "containerPort": port["containerPort"],
                "hostPort": int(opened["HostPort"]),
                "protocol": port.get("protocol", "tcp"),
            }
            for port in each.definition.get("portMappings") or []
            for opened in self.ports.get(_port(port)) or []
        ]


def reachable(running: "Running") -> Endpoint:
    """The addresses of a started container. An engine may give it no address of its own."""
    running.reload()
    settings = running.attrs["NetworkSettings"]
    found: Any = next(iter((settings.get("Networks") or {}).values()), {})
    return Endpoint(found.get("IPAddress") or "", found.get("MacAddress") or "", settings.get("Ports") or {})


def runs_here(engine: "docker.DockerClient", image: str, platform: str) -> bool:
    """Whether the *image* was built for the processor of *platform*.

    Decided from the image's config: an engine may emulate other processors, Fargate does not.
    """
    return bool(engine.images.get(image).attrs["Architecture"] == platform.rpartition("/")[2])


def program(running: "Running") -> str:
    """The path of the program that the container runs, as the kernel's error names it."""
    config = running.attrs["Config"]
    first = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])][:1] or [""]
    if "/" in first[0]:
        return str(first[0])
    environment = dict(each.partition("=")[::2] for each in config.get("Env") or [])
    for folder in environment.get("PATH", PATHS).split(":"):
        if _has(running, f"{folder}/{first[0]}"):
            return f"{folder}/{first[0]}"
    return str(first[0])


def lines(running: "Running") -> Iterator[tuple[str, str]]:
    """Time and text of every line that the container writes, until it ends."""
    rest = b""
    for chunk in running.logs(stream=True, follow=True, timestamps=True):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from map(_line, whole)
    if rest:
        yield _line(rest)


def end(running: "Running") -> tuple[int, bool]:
    """The exit code of a container that has ended, and whether it ran out of memory."""
    code = running.wait(timeout=None)["StatusCode"]
    running.reload()
    return int(code), bool(running.attrs["State"].get("OOMKilled"))


def stop(running: "Running", seconds: int) -> None:
    """Send SIGTERM, and SIGKILL if it still runs *seconds* later."""
    import docker.errors

    with suppress(docker.errors.DockerException):
        running.stop(timeout=seconds)


def remove(running: "Running") -> None:
    """Remove it, whatever its state."""
    import docker.errors

    with suppress(docker.errors.DockerException):
        running.remove(force=True, v=True)


def remove_image(engine: "docker.DockerClient", name: str) -> bool:
    """Remove an image that was pulled for a task, unless another container uses it; whether it is removed."""
    import docker.errors

    try:
        engine.images.remove(name)
    except docker.errors.ImageNotFound:
        return True
    except docker.errors.DockerException:
        return False
    return True


def published(containers: Iterable[Container]) -> dict[str, Any]:
    """Every port of the task, published on a free port of the loopback address; its containers share a network."""
    return {
        _port(port): ("127.0.0.1", None) for each in containers for port in each.definition.get("portMappings") or []
    }


def _port(mapping: Mapping[str, Any]) -> str:
    return f"{mapping['containerPort']}/{mapping.get('protocol', 'tcp')}"


def _has(running: "Running", path: str) -> bool:
    import docker.errors

    try:
        running.get_archive(path)
    except docker.errors.NotFound:
        return False
    return True


def _line(raw: bytes) -> tuple[str, str]:
    moment, _, text = raw.decode(errors="replace").partition(" ")
    return moment, text.rstrip("\r")
