"""The sandbox, put together: the state folder, the registry process, the line of doors, one port."""

import fcntl
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from .. import settings
from .registry.distribution import CannotStart, Distribution

LOOPBACK = "127.0.0.1"
PORTS_TRIED = 50


class Refused(Exception):
    """The sandbox cannot run; the message says why and what to do."""


def serve() -> None:
    """Run in the foreground until SIGTERM or Ctrl-C; raises Refused or CannotStart before it is ready."""
    folder = _prepare(settings.state())
    with _alone(folder):
        secret = _registry_secret(folder)
        blobs = Distribution(folder, secret)
        blobs.start()  # it starts while we import
        try:
            _serve(folder, blobs)
        finally:
            blobs.stop()


def _serve(folder: Path, blobs: Distribution) -> None:
    from cheroot import wsgi

    from . import present

    application, store = assemble(folder, blobs)
    server = _bound(
        folder, lambda port: wsgi.Server((LOOPBACK, port), application, numthreads=32, request_queue_size=128)
    )
    server.shutdown_timeout = 0.3  # what is acknowledged is on disk; idle clients need no patience
    port = server.bind_addr[1]
    present.serve_at(port)
    blobs.wait()
    status = _write_status(folder, port, blobs)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.stop).start())
    print(f"ready {status['endpoint']}", flush=True)
    threading.Thread(target=_seed, daemon=True).start()
    try:
        server.serve()
    finally:
        store.close()
        (folder / "sandbox.json").unlink(missing_ok=True)


def assemble(folder: Path, blobs: Distribution) -> tuple[Any, Any]:
    """The WSGI application over the state in *folder*, and its store."""
    from werkzeug.wrappers import Response

    from . import administrator, aws, durable, ecr
    from .doors import Request, application, line
    from .guard import guard
    from .identity import basic
    from .registry import wire
    from .registry.answers import with_version
    from .store import Store
    from .token import Tokens
    from .validate import validate

    store, tokens = Store(folder / "state.db"), Tokens(folder / "secret")
    ecr.install(store, blobs, tokens)
    durable.restore(store)
    administrator.ensure(store)
    registry = line([with_version, basic(tokens)], wire.answer)
    control = line([validate, durable.durable(store)], aws.answer)

    def house(request: Request) -> Response:
        if request.path == "/v2" or request.path.startswith("/v2/"):
            return registry(request)
        if request.path == "/_sandbox":
            return Response((folder / "sandbox.json").read_bytes(), content_type="application/json")
        return control(request)

    return application(line([guard], house)), store


def _seed() -> None:
    from .mirror import seed

    try:
        seed(settings.base_image_layout())
    except Exception as error:  # the disk is full, or we are being stopped: the course works without a mirror
        print(f"The mirror of the base image could not be filled ({error}).", file=sys.stderr)


def _prepare(folder: Path) -> Path:
    try:
        (folder / "log").mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise Refused(
            f"The state folder {folder} cannot be used ({error.strerror}). Set ECR_TUTORIAL_STATE to a folder of yours."
        ) from error
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[TextIO]:
    """One sandbox a state folder: a lock that the system takes back when the process dies."""
    with (folder / "sandbox.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"A sandbox already runs on {folder}. Use it, or stop it: ecr-lab down") from None
        yield lock


def _bound(folder: Path, make: Any) -> Any:
    """A server on the port asked for or remembered, or on the next free one, which is then remembered."""
    remembered = folder / "port"
    first = settings.port() or _number(remembered) or settings.DEFAULT_PORT
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        if _taken(port):
            continue
        server = make(port)
        with suppress(OSError):
            server.prepare()
            remembered.write_text(str(port))
            if port != first:
                print(f"Port {first} is taken by another program: using {port}.", file=sys.stderr)
            return server
    raise Refused(
        f"The ports {first} to {first + PORTS_TRIED - 1} are all taken. Choose another: ECR_TUTORIAL_PORT=6060"
    )


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _registry_secret(folder: Path) -> str:
    import secrets

    path = folder / "registry-secret"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16))
    return path.read_text()


def _write_status(folder: Path, port: int, blobs: Distribution) -> dict[str, Any]:
    status = {
        "endpoint": f"http://localhost:{port}",
        "port": port,
        "pid": os.getpid(),
        "registry_pid": blobs.pid,
        "state": str(folder),
        "versions": {name: version(name) for name in ("moto", "botocore", "boto3")},
    }
    draft = folder / "sandbox.json.new"
    draft.write_text(json.dumps(status, indent=2))
    draft.replace(folder / "sandbox.json")
    return status


__all__ = ["CannotStart", "Refused", "serve"]
