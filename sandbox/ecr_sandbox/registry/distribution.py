"""CNCF Distribution: the process that stores the bytes, and how the sandbox talks to it.

It listens where only the sandbox reaches it (a Unix socket in the state folder), so that nobody goes
round ECR's rules. Without the binary it runs as a container on a loopback port. When it ends, it is started again,
and requests wait for it meanwhile.
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
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from ecr_sandbox.state.atomic_files import write_whole
from ecr_sandbox.state.processes import running

from .content_store import Tree
from .leases import ABOUT_BLOBS, Promises

CHUNK = 256 * 1024
BINARIES = ("docker-registry", "registry")
IMAGE = "public.ecr.aws/docker/library/registry:2"
CONTAINER = "learn-amazon-ecr-registry"
PATIENCE = 20  # seconds
PATIENCE_WITH_DOWNLOAD = 300  # seconds, in which a container's image may have to be pulled
HEALTHY = 5.0  # seconds after which an end is an accident, not a habit
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds before another start, if it keeps ending

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


class Interrupted(OSError):
    """The registry ended in the middle of this; the request may be sent again."""

    def __init__(self) -> None:
        super().__init__("the program that stores the layers was interrupted; it is running again, so push once more")


class ClientGone(OSError):
    """The body could not be read to its end."""


class Distribution:
    """A running registry: ``start()`` it, ``request()`` of it, ``stop()`` it. *folder* is the sandbox's state.

    *changed* is called whenever it has become another process.
    """

    def __init__(self, folder: Path, secret: str):
        self.root = folder / "registry"
        self.tree = Tree(self.root)
        self.promises = Promises(self.tree)
        self.changed: Callable[[], Any] = lambda: None
        self._folder = folder
        self._secret = secret
        self._process: subprocess.Popen[bytes] | None = None
        self._address: str | tuple[str, int] = ""
        self._patience = PATIENCE
        self._ending = threading.Event()
        self._lock = threading.Lock()  # round starting and stopping

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process (it is ready after ``wait()``); raises CannotStart."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._end_orphans()
        self._log.write_bytes(b"")
        self._launch()

    def wait(self) -> None:
        """Return when the registry answers, as from now on it always will; raises CannotStart with its last words."""
        end = time.monotonic() + self._patience
        while time.monotonic() < end:
            try:
                if self._ask(time.monotonic(), "GET", "/v2/").status == 200:
                    threading.Thread(target=self._watch, daemon=True, name="registry").start()
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
        self._ending.set()
        with self._lock:
            if self._process:
                self._process.terminate()  # the client of a container passes it on
                try:
                    self._process.wait(5)
                except subprocess.TimeoutExpired:
                    self._process.kill()
            if isinstance(self._address, tuple):
                subprocess.run(["docker", "rm", "-f", CONTAINER], capture_output=True)

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | BinaryIO | Iterable[bytes] | None = None,
        chunked: bool = False,
    ) -> http.client.HTTPResponse:
        """One request; *body* is streamed, the answer is to be read by the caller.

        It waits while the registry is being started again. Raises OSError: Interrupted if the registry ended in the
        middle of it, ClientGone if *body* did.
        """
        end = time.monotonic() + PATIENCE
        with self.promises.asking(method, path) as answered:
            answer = self._ask(end, method, path, headers, body, chunked)
            if answer.status >= 500 and method in ("GET", "HEAD") and self._mended(path):
                answer.close()
                answer = self._ask(end, method, path, headers, body, chunked)
            answered(answer.status)
            return answer

    def size(self, repository: str, digest: str, promised: bool = False) -> int | None:
        """How many bytes the blob *digest* of *repository* has, or None; *promised*: a client will count on it."""
        if not promised:
            return self.tree.size(repository, digest)
        with self.promises.asking("HEAD", f"/v2/{repository}/blobs/{digest}") as answered:
            size = self.tree.size(repository, digest)
            answered(404 if size is None else 200)
            return size

    def forget(self, repository: str) -> None:
        """Drop every link of *repository* to layers and manifests; the bytes stay until garbage collection."""
        for part in ("_layers", "_manifests", "_uploads"):
            shutil.rmtree(self.tree.repository(repository) / part, ignore_errors=True)
        self.promises.forget(repository)
        self.tree.forget_synced()

    def forget_upload(self, repository: str, upload: str) -> None:
        """Give back the space of an upload that broke off; the registry itself would keep it for a week."""
        folder = self.tree.repository(repository) / "_uploads" / upload
        with suppress(OSError):
            os.truncate(folder / "data", 0)  # the registry may hold the file open
        shutil.rmtree(folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._folder / "log" / "registry.log"

    @property
    def _config(self) -> Path:
        return self._folder / "registry.yml"

    def _ask(
        self,
        end: float,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | BinaryIO | Iterable[bytes] | None = None,
        chunked: bool = False,
    ) -> http.client.HTTPResponse:
        """The request, as often as it may be sent, until *end*. Raises OSError."""
        # A second PUT would not find the upload that the first one may have finished.
        may_repeat = method in ("GET", "HEAD", "POST") and (body is None or isinstance(body, bytes))
        streamed = _told_apart(body) if isinstance(body, Iterator) else body
        while True:
            connection = self._connected(end)
            try:
                with suppress(BrokenPipeError, ConnectionResetError):  # it may answer before it has read everything
                    connection.request(method, path, streamed, dict(headers or {}), encode_chunked=chunked)
                return connection.getresponse()
            except (http.client.HTTPException, ConnectionError) as error:
                connection.close()
                if not may_repeat or time.monotonic() > end:
                    raise Interrupted from error
            except BaseException:
                connection.close()  # else the registry waits for the rest
                raise

    def _connected(self, end: float) -> "_Connection":
        while True:
            connection = _Connection(self._address)
            try:
                connection.connect()
                return connection
            except (ConnectionError, FileNotFoundError):
                if time.monotonic() >= end or self._ending.is_set():
                    raise
                time.sleep(0.01)

    def _mended(self, path: str) -> bool:
        about = ABOUT_BLOBS.fullmatch(path)
        return about is not None and self.tree.mend(about["repository"], about["what"])

    def _watch(self) -> None:
        """Start the process again whenever it ends, ever more slowly if that does not help."""
        pause = 0.0
        while self._process:
            began = time.monotonic()
            status = self._process.wait()
            if self._ending.is_set():
                return
            pause = 0.0 if time.monotonic() - began > HEALTHY else min(2 * pause or FIRST_PAUSE, LONGEST_PAUSE)
            print(f"The registry ended (status {status}): it is started again. Its log: {self._log}", file=sys.stderr)
            if self._ending.wait(pause):
                return
            try:
                self._launch()
                self.changed()
            except (OSError, CannotStart) as error:  # a full disk, say: the next round tries again
                print(f"The registry could not be started again ({error}).", file=sys.stderr)

    def _launch(self) -> None:
        with self._lock:
            if self._ending.is_set():
                return
            binary = next(filter(None, map(shutil.which, BINARIES)), None)
            command = self._binary(binary) if binary else self._container()
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    command,
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for the sandbox, which then stops the registry
                    # REGISTRY_* variables would override the configuration
                    env={name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")},
                )

    def _end_orphans(self) -> None:
        """A sandbox that was killed leaves its registry behind: end it before another writes to the same folder."""
        for mark in (f"serve {self._config}", f"{self._config}:/etc/docker"):
            for pid in running(mark):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    def _binary(self, binary: str) -> list[str]:
        self._address = _socket_path(self._folder)
        Path(self._address).unlink(missing_ok=True)
        self._write_config(self.root, "unix", self._address)
        return [binary, "serve", str(self._config)]

    def _container(self) -> list[str]:
        """Its client stays in the foreground, so that the end of the one is the end of the other."""
        if not shutil.which("docker"):
            raise CannotStart("Neither docker-registry nor docker is installed. Run: make setup")
        self._patience = PATIENCE_WITH_DOWNLOAD
        port = self._address[1] if isinstance(self._address, tuple) else _free_port()
        self._address = ("127.0.0.1", port)
        self._write_config(Path("/var/lib/registry"), "tcp", ":5000")
        subprocess.run(["docker", "rm", "-f", CONTAINER], capture_output=True)
        command = ["docker", "run", "--rm", "--name", CONTAINER, "-p", f"127.0.0.1:{port}:5000"]
        command += ["--user", f"{os.getuid()}:{os.getgid()}", "-v", f"{self.root}:/var/lib/registry"]
        return [*command, "-v", f"{self._config}:/etc/docker/registry/config.yml:ro", IMAGE]

    def _write_config(self, root: Path, net: str, address: str) -> None:
        values = {"root": root, "net": net, "addr": address, "secret": self._secret}
        text = CONFIG.format(**{name: json.dumps(str(value)) for name, value in values.items()})
        if not self._config.exists() or self._config.read_text() != text:  # a full disk is no reason not to start
            write_whole(self._config, text, 0o600)


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


def _told_apart(body: Iterable[bytes]) -> Iterator[bytes]:
    """The same; a failure to read it is not one of the registry's."""
    try:
        yield from body
    except OSError as error:
        raise ClientGone(f"the client hung up: {error}") from error


def _socket_path(folder: Path) -> str:
    """In the state folder, or in a short one beside it: a Unix socket's path ends at 104 characters on some systems."""
    path = str(folder / "registry.sock")
    if len(path) < 100:
        return path
    name = hashlib.sha256(path.encode()).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"ecr-lab-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.is_symlink() or short.stat().st_uid != os.getuid() or short.stat().st_mode & 0o077:
        raise CannotStart(f"The folder {short} belongs to somebody else. Set ECR_TUTORIAL_STATE to a shorter path.")
    return str(short / "registry.sock")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
