"""The forwarder with a real engine whose ``localhost`` is not ours, as Docker Desktop's is not.

The engine runs in its own network, mount and process namespaces. It sees one address of this machine. Connections
to it reach our loopback, as with Docker Desktop's ``host.docker.internal``. When the shell that started the engine
ends, the kernel removes everything: engine, containers, interfaces, and the images in memory.
"""

import base64
import json
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from ecr_sandbox import docker_forwarder
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.settings import Settings
from helpers import settings
from machine import clients
from tests.sandbox.conftest import Sandbox, free_port, layer

PROGRAMS = ("dockerd", "containerd", "docker", "ip", "ss", "iptables", "unshare", "nsenter")
LACKING = [name for name in PROGRAMS if not clients.find(name)]

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="network namespaces are Linux's"),
    pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root may make a network namespace"),
    pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}"),
]


@pytest.fixture(autouse=True, scope="module")
def fetched_programs() -> Iterator[None]:
    """Add the programs that `make test` downloaded, if this machine does not have them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{os.environ['PATH']}:{clients.CLIENTS / 'bin'}")
        yield


# The first process in the namespaces. The machine stops when its standard input ends.
BOOT = """
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs {data}
echo up
read -r go
ip link set lo up
ip address add {its}/30 dev {inside}
ip link set {inside} up
ip route add default via {ours}
while :; do
    dockerd --host unix://{socket} --data-root {data} --pidfile /run/docker.pid --host-gateway-ip {ours} \\
        --cgroup-parent /{name} --bip 198.18.255.1/24 >> {log} 2>&1
done < /dev/null &
cat > /dev/null
"""


def until(what: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until *what* returns a true value, and return it."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"not true after {seconds} s"
        time.sleep(0.05)
    return found


class VirtualMachine:
    """An engine in its own network, and the one address of this machine that it sees."""

    def __init__(self, folder: Path):
        self.name = f"vm{uuid.uuid4().hex[:8]}"
        third, fourth = os.urandom(2)
        self.ours, self.its = (f"198.18.{third % 255}.{fourth // 4 * 4 + host}" for host in (1, 2))  # RFC 2544's
        self.socket, self.log = folder / "docker.sock", folder / "dockerd.log"
        self.host = f"unix://{self.socket}"
        self.listeners: list[socket.socket] = []
        self.config = folder / "config"
        self.config.mkdir()
        (self.config / "config.json").write_text('{"auths": {"sandbox.invalid": {}}}')
        (folder / "data").mkdir()
        values = vars(self) | {"data": folder / "data", "inside": f"{self.name}i"}
        boot = BOOT.format(**{name: shlex.quote(str(word)) for name, word in values.items()})
        self.shell = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", boot],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self) -> docker.DockerClient:
        """Start the machine and return a client of its engine, as soon as that answers."""
        assert self.shell.stdout.readline() == "up\n"
        ends = f"{self.name} type veth peer name {self.name}i netns {self.shell.pid}"
        subprocess.run(f"ip link add {ends}".split(), check=True)
        subprocess.run(f"ip address add {self.ours}/30 dev {self.name}".split(), check=True)
        subprocess.run(f"ip link set {self.name} up".split(), check=True)
        self.shell.stdin.write("go\n")
        self.shell.stdin.flush()
        until(self.answers)
        return docker.DockerClient(base_url=self.host, timeout=60)

    def answers(self) -> bool:
        done = subprocess.run(["docker", "--host", self.host, "version"], capture_output=True, timeout=30)
        return done.returncode == 0

    def docker(self, command: str, content: bytes | None = None, fails: bool = False) -> str:
        """The output (stdout and stderr) of docker with this engine and *content* as input."""
        done = subprocess.run(
            ["docker", "--config", str(self.config), "--host", self.host, *command.split()],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
        assert bool(done.returncode) is fails, done.stdout.decode()
        return done.stdout.decode()

    def run(self, command: str) -> str:
        """The output of *command* inside the machine."""
        first = Path(f"/proc/{self.shell.pid}/task/{self.shell.pid}/children").read_text().strip()
        inside = ["nsenter", "--target", first, "--all", "sh", "-c", command]
        return subprocess.run(inside, check=True, capture_output=True, text=True, timeout=30).stdout

    def show(self, port: int) -> None:
        """Act as Docker Desktop: forward connections from the machine to this port of our loopback."""
        listener = socket.create_server((self.ours, port))
        self.listeners.append(listener)
        threading.Thread(target=self._relay, args=(listener, port), daemon=True).start()

    def _relay(self, listener: socket.socket, port: int) -> None:
        while True:
            try:
                near = listener.accept()[0]
            except OSError:  # closed
                return
            try:
                far = socket.create_connection(("127.0.0.1", port))
            except OSError:
                near.close()
                continue
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            sink.close()

    def stop(self) -> None:
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.shell.stdin.close()
        self.shell.stdout.close()
        self.shell.wait(30)
        until(lambda: not Path("/sys/class/net", self.name).exists())
        for folder in sorted(self.cgroups(), reverse=True):  # only these outlive the processes
            until(lambda folder=folder: not (folder / "cgroup.procs").read_text())
            folder.rmdir()

    def cgroups(self) -> list[Path]:
        roots = [path for pattern in ("", "*/") for path in Path("/sys/fs/cgroup").glob(f"{pattern}{self.name}")]
        return roots + [each for root in roots for each in root.rglob("*") if each.is_dir()]


@pytest.fixture(scope="module")
def base_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The base image in a file, as `docker save` writes it."""
    file = tmp_path_factory.mktemp("base") / "base.tar"
    subprocess.run(["docker", "save", "--output", str(file), settings.BASE_IMAGE], check=True)
    yield file
    file.unlink()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, base_image: Path) -> Iterator[VirtualMachine]:
    machine = VirtualMachine(tmp_path_factory.mktemp("vm"))
    try:
        machine.start().close()
        machine.docker(f"load --quiet --input {base_image}")
        yield machine
    finally:
        machine.stop()
    assert not Path("/sys/class/net", machine.name).exists()
    assert not machine.cgroups()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that the machine can reach by our address."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox")).start()
    yield sandbox
    assert sandbox.stop() == 0


@pytest.fixture
def its_engine(machine: VirtualMachine, sandbox: Sandbox) -> Iterator[docker.DockerClient]:
    """The machine's engine, without a forwarder before and after the test."""
    client = docker.DockerClient(base_url=machine.host, timeout=60)
    yield client
    docker_forwarder.remove_forwarder(client, sandbox.state)
    client.close()


def of(sandbox: Sandbox) -> Settings:
    """The settings of a running sandbox."""
    return Settings(sandbox.state, sandbox.port)


def ports(sandbox: Sandbox) -> list[int]:
    """The sandbox's ports as its status lists them, the main port first."""
    return json.loads((sandbox.state / "sandbox.json").read_text())["ports"]


def shown(machine: VirtualMachine, sandbox: Sandbox) -> list[int]:
    """The sandbox's ports, all reachable from the machine from now on."""
    known = [listener.getsockname()[1] for listener in machine.listeners]
    for port in ports(sandbox):
        if port not in known:
            machine.show(port)
    return ports(sandbox)


def push_and_pull(machine: VirtualMachine, ecr: Any) -> None:
    """Log in, push and pull with the machine's engine and the credentials of *ecr*."""
    [token] = ecr.get_authorization_token()["authorizationData"]
    user, password = base64.b64decode(token["authorizationToken"]).decode().split(":", 1)
    registry = token["proxyEndpoint"].removeprefix("http://")
    name = f"through-{uuid.uuid4().hex[:8]}"
    ecr.create_repository(repositoryName=name)
    image = f"{registry}/{name}:v1"
    assert "Login Succeeded" in machine.docker(
        f"login --username {user} --password-stdin {registry}", password.encode()
    )
    machine.docker(f"import - {image}", layer(os.urandom(3_000_000)))  # larger than any buffer on the path
    assert "digest: sha256:" in machine.docker(f"push {image}")
    machine.docker(f"rmi {image}")
    assert "Downloaded newer image" in machine.docker(f"pull {image}")
    machine.docker(f"rmi {image}")


def answer_of(port: int) -> str:
    """A command that prints the status of the registry at this port for an anonymous client."""
    program = f"import requests; print(requests.get('http://localhost:{port}/v2/').status_code)"
    return f'{sys.executable} -c "{program}"'


def test_without_a_forwarder_the_engine_cannot_connect(machine, sandbox, its_engine):
    shown(machine, sandbox)
    assert docker_forwarder.reaches(its_engine, sandbox.port) is False
    assert "connection refused" in machine.docker(f"pull {sandbox.registry}/none:v1", fails=True)


def test_with_a_forwarder_login_push_and_pull_work_on_every_port(machine, sandbox, its_engine):
    every = shown(machine, sandbox)
    assert len(every) > 1
    assert docker_forwarder.make_reachable(its_engine, of(sandbox), every) is True
    assert docker_forwarder.reaches(its_engine, sandbox.port) is True
    push_and_pull(machine, sandbox.client())
    for port in every:
        here = subprocess.run(["sh", "-c", answer_of(port)], check=True, capture_output=True, text=True).stdout
        assert machine.run(answer_of(port)) == here != "", port


def test_the_forwarder_publishes_no_port(machine, sandbox, its_engine):
    """Docker Desktop opens a published port on the user's own machine, where the sandbox listens already."""
    docker_forwarder.make_reachable(its_engine, of(sandbox), shown(machine, sandbox))
    [forwarder] = its_engine.containers.list()
    assert not forwarder.attrs["HostConfig"]["PortBindings"]
    assert not any(forwarder.ports.values())
    listening = machine.run("ss --no-header --listening --tcp --numeric").split()[3::5]
    assert {f"{ip}:{port}" for ip in ("127.0.0.1", "[::1]") for port in ports(sandbox)} <= set(listening)
    assert all(address.startswith(("127.0.0.1:", "[::1]:")) for address in listening)


def test_a_working_forwarder_is_kept(machine, sandbox, its_engine):
    every = shown(machine, sandbox)
    docker_forwarder.make_reachable(its_engine, of(sandbox), every)
    [before] = its_engine.containers.list()
    assert docker_forwarder.make_reachable(its_engine, of(sandbox), every) is True
    [after] = its_engine.containers.list()
    assert (after.id, after.attrs["State"]["StartedAt"]) == (before.id, before.attrs["State"]["StartedAt"])


def test_a_port_added_later_is_forwarded(machine, sandbox, its_engine):
    before = shown(machine, sandbox)
    docker_forwarder.make_reachable(its_engine, of(sandbox), before)
    other = sandbox.client(region="eu-west-1", key=(settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY))
    [token] = other.get_authorization_token()["authorizationData"]
    port = int(token["proxyEndpoint"].rsplit(":", 1)[1])
    assert port not in before
    after = shown(machine, sandbox)
    assert port in after
    assert docker_forwarder.reaches(its_engine, port) is False

    assert docker_forwarder.make_reachable(its_engine, of(sandbox), after) is True
    push_and_pull(machine, other)
    push_and_pull(machine, sandbox.client())


def test_the_forwarder_restarts_with_the_engine_and_does_not_delay_it(machine, sandbox, its_engine):
    docker_forwarder.make_reachable(its_engine, of(sandbox), shown(machine, sandbox))
    first = machine.run("cat /run/docker.pid")
    machine.run(f"kill {first}")
    until(lambda: machine.run("cat /run/docker.pid || true") not in ("", first) and machine.answers())
    assert "using the force" not in machine.log.read_text(), "the engine had to kill the forwarder after 10 s"
    until(lambda: docker_forwarder.reaches(its_engine, sandbox.port))
    push_and_pull(machine, sandbox.client())


def test_the_forwarder_outlives_the_sandbox(machine, sandbox, its_engine):
    docker_forwarder.make_reachable(its_engine, of(sandbox), shown(machine, sandbox))
    sandbox.stop()
    assert docker_forwarder.reaches(its_engine, sandbox.port) is False
    sandbox.start()
    assert docker_forwarder.reaches(its_engine, sandbox.port) is True


def test_a_forwarder_is_removed(machine, sandbox, its_engine):
    docker_forwarder.make_reachable(its_engine, of(sandbox), shown(machine, sandbox))
    assert docker_forwarder.remove_forwarder(its_engine, sandbox.state) is True
    assert its_engine.containers.list(all=True) == []
    assert docker_forwarder.reaches(its_engine, sandbox.port) is False
    assert docker_forwarder.remove_forwarder(its_engine, sandbox.state) is False


def test_an_unreachable_sandbox_is_an_error_and_leaves_no_container(machine, sandbox, its_engine, monkeypatch):
    port = free_port()
    monkeypatch.setattr(docker_forwarder, "START_SECONDS", 1)
    with pytest.raises(SandboxError, match=f"cannot reach the sandbox at localhost:{port}"):
        docker_forwarder.make_reachable(its_engine, of(sandbox), [port])
    assert its_engine.containers.list(all=True) == []
