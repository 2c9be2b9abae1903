"""A Docker engine whose ``localhost`` is not ours, as Docker Desktop's is not, and whose bridge is its own.

The engine runs in its own network, mount and process namespaces. It sees one address of this machine. Connections
to it reach our loopback, as with Docker Desktop's ``host.docker.internal``. When the shell that started the engine
ends, the kernel removes everything: engine, containers, interfaces, and the images in memory.
"""

import contextlib
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import docker
import pytest

from helpers import settings
from machine import clients

PROGRAMS = ("dockerd", "containerd", "docker", "ip", "ss", "iptables", "unshare", "nsenter")
LACKING = [name for name in PROGRAMS if not clients.find(name)]

NEEDS = [  # the marks of a file of tests that use this engine
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="network namespaces are Linux's"),
    pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root may make a network namespace"),
    pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}"),
]

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
        self.folder = folder
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
        inside = self.inside(["sh", "-c", command])
        return subprocess.run(inside, check=True, capture_output=True, text=True, timeout=30).stdout

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command that runs *command* inside the machine."""
        first = Path(f"/proc/{self.shell.pid}/task/{self.shell.pid}/children").read_text().strip()
        return ["nsenter", "--target", first, "--all", "--", *command]

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


@contextlib.contextmanager
def running(folder: Path) -> Iterator[VirtualMachine]:
    """A machine whose engine has the base image; *folder* is for its files. Nothing of it is left afterwards."""
    with pytest.MonkeyPatch.context() as patch:  # the programs that `make test` downloaded come last
        patch.setenv("PATH", f"{os.environ['PATH']}:{clients.CLIENTS / 'bin'}")
        base = folder / "base.tar"
        subprocess.run(["docker", "save", "--output", str(base), settings.BASE_IMAGE], check=True)
        machine = VirtualMachine(folder)
        try:
            machine.start().close()
            machine.docker(f"load --quiet --input {base}")
            base.unlink()
            yield machine
        finally:
            machine.stop()
        assert not Path("/sys/class/net", machine.name).exists()
        assert not machine.cgroups()
