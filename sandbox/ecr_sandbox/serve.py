"""Runs the sandbox: the state folder, the app, its ports."""

import fcntl
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ecr_sandbox import settings
from ecr_sandbox.deferred_import import defer
from ecr_sandbox.http import addresses
from ecr_sandbox.http.listeners import MAIN, Listeners, NoPort
from ecr_sandbox.state.atomic_files import write_whole

if TYPE_CHECKING:
    from ecr_sandbox.app import App


class Refused(Exception):
    """The sandbox cannot run; the message says why and what to do."""


def serve() -> None:
    """Run in the foreground until SIGTERM or Ctrl-C; raises Refused before it is ready."""
    folder = _prepare(settings.state())
    with _alone(folder):
        _serve(folder)


def _serve(folder: Path) -> None:
    # moto needs it for server certificates only; it would take 8 MB and 5% of the time of a start.
    defer("cryptography.x509")
    from ecr_sandbox.app import App

    app, listeners = App(folder), Listeners(folder)
    try:
        _answer(folder, app, listeners)
    finally:
        listeners.close()
        app.stop()
        (folder / "sandbox.json").unlink(missing_ok=True)


def _answer(folder: Path, app: "App", listeners: Listeners) -> None:
    from ecr_sandbox.http.middleware import application

    server = listeners.main(application(app.main_handler), settings.port(), settings.DEFAULT_PORT)
    port = server.bind_addr[1]
    listeners.behind(lambda name: application(app.handler_for(name)))
    addresses.serve_at(port, listeners.port, listeners.ports)
    for name in (addresses.HUB, addresses.PUBLIC):
        listeners.port(name)
    note = partial(_write_status, folder, listeners, threading.Lock())
    status = note()
    listeners.changed = lambda ports: note()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=listeners.close).start())
    print(f"ready {status['endpoint']}", flush=True)
    threading.Thread(target=_seed, daemon=True).start()
    app.start()
    server.serve()


def _seed() -> None:
    from ecr_sandbox.services.ecr.base_image import seed

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


def _write_status(folder: Path, listeners: Listeners, lock: threading.Lock) -> dict[str, Any]:
    """Note in the state folder what this sandbox is now; *lock* keeps two notes apart."""
    with lock:
        status = _status(folder, listeners.ports())
        write_whole(folder / "sandbox.json", json.dumps(status, indent=2))
        return status


def _status(folder: Path, ports: dict[str, int]) -> dict[str, Any]:
    port = ports[MAIN]
    return {
        "endpoint": f"http://localhost:{port}",
        "port": port,
        "ports": [port, *sorted(set(ports.values()) - {port})],
        "hub": f"http://localhost:{ports[addresses.HUB]}",
        "public": f"http://localhost:{ports[addresses.PUBLIC]}",
        "accounts": {settings.ACCOUNT: "default", settings.OTHER_ACCOUNT: settings.OTHER_PROFILE},
        "pid": os.getpid(),
        "state": str(folder),
        "versions": {name: version(name) for name in ("moto", "botocore", "boto3")},
    }


__all__ = ["NoPort", "Refused", "serve"]
