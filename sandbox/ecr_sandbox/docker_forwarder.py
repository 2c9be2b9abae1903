"""The forwarder: it lets a Docker engine inside a virtual machine reach the sandbox.

Docker Desktop runs the engine in a virtual machine, and ``localhost`` there is not this machine's. The sandbox tests
whether the engine reaches it. If not, a small container inside the virtual machine forwards the sandbox's ports.

The container uses the engine's network. A published port does not work: Docker Desktop also opens each published port
on the user's machine, where the sandbox already has it, and refuses it with "Ports are not available".
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_sandbox import settings
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.settings import Settings

if TYPE_CHECKING:
    import docker

START_SECONDS = 10
HOST_FROM_INSIDE = "host.docker.internal"
STATE_LABEL = "ecr-sandbox.forwarder-of"  # the state folder of the sandbox
PORTS_LABEL = "ecr-sandbox.ports"

# Runs inside the engine's virtual machine: a connection to one of the ports is forwarded to the same port of the host.
# It listens on both addresses of localhost, because the engine may try either first.
FORWARD = """
import asyncio, errno, sys
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

async def listen(port):
    servers = [await asyncio.start_server(serve, "127.0.0.1", port)]
    try:
        servers.append(await asyncio.start_server(serve, "::1", port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:  # otherwise the machine has no ::1
            raise
    await asyncio.gather(*(server.serve_forever() for server in servers))

async def main():
    await asyncio.gather(*(listen(int(port)) for port in ports))

asyncio.run(main())
"""


def make_reachable(
    engine: "docker.DockerClient", sandbox: Settings, ports: Sequence[int], dial: str = HOST_FROM_INSIDE
) -> bool:
    """Make sure that the engine reaches the sandbox. The sandbox's main port is the first of *ports*.

    Returns whether that needs the forwarder. Raises SandboxError when the engine cannot reach the sandbox.
    """
    found = _forwarders(engine, sandbox.state)
    if reaches(engine, ports[0]) and all(each.labels.get(PORTS_LABEL) == _joined(ports) for each in found):
        return bool(found)
    remove_forwarder(engine, sandbox.state)
    start_forwarder(engine, sandbox.state, ports, dial)
    if _becomes_reachable(engine, ports[0]):
        return True
    remove_forwarder(engine, sandbox.state)
    raise SandboxError(
        f"The Docker engine cannot reach the sandbox at localhost:{ports[0]}.",
        f"{sandbox.command} down, then {sandbox.variables}_PORT=6060 {sandbox.command} up",
    )


def reaches(engine: "docker.DockerClient", port: int) -> bool:
    """Whether ``localhost:port`` is the sandbox for the engine.

    The engine logs in with a wrong password. The sandbox refuses it. If nothing listens there, the error is another
    one. A program that accepts the password is not the sandbox. The user's configuration is not read, because it may
    name a credential helper that is missing.
    """
    try:
        engine.api.login("AWS", "not-a-password", registry=f"localhost:{port}", reauth=True, dockercfg_path=os.devnull)
    except Exception as error:
        return was_refused(str(error))
    return False


def was_refused(message: str) -> bool:
    """Whether the engine's error message says that a registry refused the password."""
    lower = message.lower()
    return any(sign in lower for sign in ("status: 400", "status: 401", "unauthorized"))


def start_forwarder(
    engine: "docker.DockerClient", state: Path, ports: Sequence[int], dial: str = HOST_FROM_INSIDE
) -> None:
    """Run the forwarder in the engine's virtual machine. It connects to *dial*, the host's name there."""
    import docker.errors

    try:
        engine.containers.run(
            _image(engine),
            ["python", "-u", "-c", FORWARD, dial, *map(str, ports)],
            name=f"ecr-sandbox-forwarder-{ports[0]}",
            detach=True,
            network_mode="host",
            extra_hosts={HOST_FROM_INSIDE: "host-gateway"},
            labels={STATE_LABEL: str(state), PORTS_LABEL: _joined(ports)},
            restart_policy={"Name": "unless-stopped"},
            stop_signal="SIGINT",  # the first process of a container may ignore SIGTERM, and python does
        )
    except docker.errors.DockerException as error:
        why = str(getattr(error, "explanation", None) or error)
        remove_forwarder(engine, state)
        raise SandboxError(
            f"The forwarder to the sandbox did not start ({why}).", "docker info, which checks the engine"
        ) from None


def remove_forwarder(engine: "docker.DockerClient", state: Path) -> bool:
    """Remove the forwarder of the sandbox with this state folder; returns whether there was one."""
    found = _forwarders(engine, state)
    for container in found:
        container.remove(force=True)
    return bool(found)


def _forwarders(engine: "docker.DockerClient", state: Path) -> list:
    return engine.containers.list(all=True, filters={"label": f"{STATE_LABEL}={state}"})


def _joined(ports: Sequence[int]) -> str:
    return " ".join(map(str, ports))


def _becomes_reachable(engine: "docker.DockerClient", port: int) -> bool:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if reaches(engine, port):
            return True
        time.sleep(0.2)
    return False


def _image(engine: "docker.DockerClient") -> str:
    import docker.errors

    try:
        engine.images.get(settings.BASE_IMAGE)
    except docker.errors.ImageNotFound:
        engine.images.pull(settings.BASE_IMAGE)
    return settings.BASE_IMAGE
