"""CNCF Distribution: the process that stores the bytes, and how the sandbox talks to it.

It listens where only the sandbox reaches it (a Unix socket in the state folder), so that nobody goes
round ECR's rules. Without the binary it runs as a container on a loopback port.
Source: https://distribution.github.io/distribution/about/configuration/
"""

import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ...processes import command_of

CHUNK = 256 * 1024
BINARIES = ("docker-registry", "registry")
IMAGE = "public.ecr.aws/docker/library/registry:2"
CONTAINER = "learn-amazon-ecr-registry"
PATIENCE = 20  # seconds

CONFIG = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
http:
  net: {net}
  addr: {addr}
  relativeurls: true
  secret: {secret}
"""
# No blob cache: a repository that is deleted takes its layers with it at once.


class CannotStart(Exception):
    """The registry cannot run here; the message says why and what to do."""


class Distribution:
    """A running registry: ``start()`` it, ``request()`` of it, ``stop()`` it. *folder* is the sandbox's state."""

    def __init__(self, folder: Path, secret: str):
        self.root = folder / "registry"
        self._folder = folder
        self._secret = secret
        self._process: subprocess.Popen[bytes] | None = None
        self._address: str | tuple[str, int] = ""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process (it is ready after ``wait()``); raises CannotStart."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._end_orphan()
        binary = next(filter(None, map(shutil.which, BINARIES)), None)
        if binary:
            self._start_binary(binary)
        else:
            self._start_container()

    def wait(self) -> None:
        """Return when the registry answers; raises CannotStart with the end of its log."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if self.request("GET", "/v2/").status == 200:
                    return
            except OSError:
                if self._process and self._process.poll() is not None:
                    break
                time.sleep(0.01)
        lines = self._log.read_text(errors="replace").strip().splitlines()
        raise CannotStart(
            f"The registry did not start: {lines[-1] if lines else 'no message'}. Its log is {self._log}."
        )

    def stop(self) -> None:
        """End the process; what it has acknowledged is on disk."""
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        elif isinstance(self._address, tuple):
            subprocess.run(["docker", "rm", "-f", CONTAINER], capture_output=True)
        self._pidfile.unlink(missing_ok=True)

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | BinaryIO | Iterable[bytes] | None = None,
        chunked: bool = False,
    ) -> http.client.HTTPResponse:
        """One request; *body* is streamed, the answer is to be read by the caller. Raises OSError."""
        connection = _Connection(self._address)
        with suppress(BrokenPipeError, ConnectionResetError):  # it may answer before it has read everything
            connection.request(method, path, body=body, headers=dict(headers or {}), encode_chunked=chunked)
        return connection.getresponse()

    def forget(self, repository: str) -> None:
        """Drop every link of *repository* to layers and manifests; the bytes stay until garbage collection."""
        for part in ("_layers", "_manifests", "_uploads"):
            shutil.rmtree(self._links(repository) / part, ignore_errors=True)

    def forget_upload(self, repository: str, upload: str) -> None:
        """Give back the space of an upload that broke off; the registry itself would keep it for a week."""
        folder = self._links(repository) / "_uploads" / upload
        with suppress(OSError):
            os.truncate(folder / "data", 0)  # the registry may hold the file open
        shutil.rmtree(folder, ignore_errors=True)

    def _links(self, repository: str) -> Path:
        return self.root / "docker/registry/v2/repositories" / repository

    @property
    def _log(self) -> Path:
        return self._folder / "log" / "registry.log"

    @property
    def _pidfile(self) -> Path:
        return self._folder / "registry.pid"

    def _start_binary(self, binary: str) -> None:
        self._address = _socket_path(self._folder)
        Path(self._address).unlink(missing_ok=True)
        config = self._write_config(self.root, "unix", self._address)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [binary, "serve", str(config)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the sandbox, which then stops the registry
                env={"PATH": os.environ.get("PATH", "")},  # REGISTRY_* variables would override the configuration
            )
        self._pidfile.write_text(str(self._process.pid))

    def _start_container(self) -> None:
        if not shutil.which("docker"):
            raise CannotStart("Neither docker-registry nor docker is installed. Run: make setup")
        port = _free_port()
        self._address = ("127.0.0.1", port)
        config = self._write_config(Path("/var/lib/registry"), "tcp", ":5000")
        subprocess.run(["docker", "rm", "-f", CONTAINER], capture_output=True)
        command = ["docker", "run", "-d", "--name", CONTAINER, "-p", f"127.0.0.1:{port}:5000"]
        command += ["--user", f"{os.getuid()}:{os.getgid()}", "-v", f"{self.root}:/var/lib/registry"]
        command += ["-v", f"{config}:/etc/docker/registry/config.yml:ro", IMAGE]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise CannotStart(
                f"There is no docker-registry on PATH and it could not run as a container ({reason}). Run: make setup"
            )

    def _write_config(self, root: Path, net: str, address: str) -> Path:
        path = self._folder / "registry.yml"
        path.touch(mode=0o600)
        values = {"root": root, "net": net, "addr": address, "secret": self._secret}
        path.write_text(CONFIG.format(**{name: json.dumps(str(value)) for name, value in values.items()}))
        return path

    def _end_orphan(self) -> None:
        """A sandbox that was killed leaves its registry behind: end it before another writes to the same folder."""
        try:
            pid = int(self._pidfile.read_text())
            if str(self._folder / "registry.yml") in command_of(pid):
                os.kill(pid, signal.SIGKILL)
        except (OSError, ValueError):
            pass


class _Connection(http.client.HTTPConnection):
    """HTTP over TCP, or over a Unix socket when *address* is a path."""

    def __init__(self, address: str | tuple[str, int]):
        self._path = address if isinstance(address, str) else None
        host, port = ("registry", 80) if isinstance(address, str) else address
        super().__init__(host, port, timeout=600, blocksize=CHUNK)

    def connect(self) -> None:
        if self._path is None:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _socket_path(folder: Path) -> str:
    """In the state folder, or in a short one beside it: a Unix socket's path ends at 104 characters on some systems."""
    path = str(folder / "registry.sock")
    if len(path) < 100:
        return path
    name = hashlib.sha256(path.encode()).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"ecr-lab-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    return str(short / "registry.sock")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
