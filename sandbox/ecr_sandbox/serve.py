"""The process of the sandbox: it locks the state folder, starts the app, and serves on its ports."""

import fcntl
import gc
import json
import os
import secrets
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader

from ecr_sandbox import delays, settings
from ecr_sandbox.deferred_import import defer
from ecr_sandbox.http import addresses, aws_names
from ecr_sandbox.http.addresses import AwsNames, LocalPorts
from ecr_sandbox.http.listeners import MAIN, Listeners, NoPort
from ecr_sandbox.settings import Settings
from ecr_sandbox.state import disk
from ecr_sandbox.state.atomic_files import lock_file, write_whole
from ecr_sandbox.state.in_place import InPlace, StateGone
from ecr_sandbox.state.store import is_missing

if TYPE_CHECKING:
    from ecr_sandbox.app import App

RUN = secrets.token_hex(8)  # by which a client recognizes this run: another program may get its port or process number


WATCH_SECONDS = 0.5  # a sandbox that is started on a new folder is not ready earlier


class Refused(Exception):
    """The sandbox cannot run; the message says why and how to fix it."""


def main(sandbox: Settings) -> int:
    """Serve until SIGTERM or Ctrl-C; returns the exit status. If it cannot start, it prints why, in one sentence."""
    _isolate(sandbox)
    try:
        serve(sandbox)
        return 0
    except NoPort as error:
        why = f"{error} Choose another: {sandbox.variables}_PORT=6060"
    except StateGone as error:
        why = f"{error} It has stopped, and has acknowledged no change. Start a new one: {sandbox.command} up"
    except (Refused, ValueError) as error:
        why = str(error)
    except ModuleNotFoundError as error:
        why = f"The Python package '{error.name}' is missing. Install ecr-sandbox again into {sys.prefix}"
    except (OSError, sqlite3.Error) as error:
        wrong, fix = disk.explain(sandbox.state, error)
        why = f"{wrong} {fix}, then run: {sandbox.command} up"
    print(why, file=sys.stderr)
    return 1


def serve(sandbox: Settings) -> None:
    """Run in the foreground until SIGTERM or Ctrl-C; raises Refused before it is ready."""
    _prepare(sandbox)
    with _alone(sandbox) as lock:
        _require_state(sandbox)
        _serve(sandbox, lock)


def _isolate(sandbox: Settings) -> None:
    """Remove the user's AWS keys, settings and models from the environment: moto uses botocore, which reads them."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
        del os.environ[name]
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    os.environ |= sandbox.environ()
    Loader.CUSTOMER_DATA_PATH = os.devnull


def _serve(sandbox: Settings, lock: Path) -> None:
    gc.disable()  # what is imported stays: collections during a start would find nothing
    # moto needs it for server certificates only; it would take 8 MB and 5% of the time of a start.
    if not sandbox.aws_names:
        defer("cryptography.x509")
    settings.ACCOUNT, settings.REGION = sandbox.account, sandbox.region  # before the app's modules read them
    from ecr_sandbox.app import App
    from ecr_sandbox.bad_requests import malformed
    from ecr_sandbox.iam import decision_log

    if sandbox.as_slow_as_aws:
        delays.current = delays.AS_AWS
    if sandbox.decisions:
        decision_log.write_to(sandbox.decisions)
    app, listeners = App(sandbox.state, as_aws=sandbox.aws_names), Listeners(sandbox.state, malformed)
    app.store.in_place.watch(lock)
    try:
        _answer(sandbox, app, listeners)
    finally:
        listeners.close()
        with suppress(OSError):
            app.store.in_place.check()
        app.stop()
        if gone := app.store.in_place.error:
            raise gone  # what is in the folder now, if there is one, is not this sandbox's
        (sandbox.state / "sandbox.json").unlink(missing_ok=True)


def _answer(sandbox: Settings, app: "App", listeners: Listeners) -> None:
    from ecr_sandbox.http.middleware import application

    server = listeners.main(application(app.main_handler), sandbox.port, settings.DEFAULT_PORT)
    port = server.bind_addr[1]
    listeners.behind(lambda name: application(app.handler_for(name)))
    addresses.use((AwsNames if sandbox.aws_names else LocalPorts)(port, listeners.port, listeners.ports))
    for name in (addresses.HUB, addresses.PUBLIC):
        listeners.port(name)
    if sandbox.aws_names:
        _answer_names(sandbox, app, listeners)
    write_status = partial(_write_status, sandbox, _registries(sandbox), listeners, threading.Lock())
    status = write_status()
    listeners.changed = lambda ports: write_status()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=listeners.close).start())
    print(f"ready {status['endpoint']}", flush=True)
    gc.freeze()
    gc.enable()
    if not sandbox.aws_names:  # an account on AWS has no mirror
        threading.Thread(target=_fill_mirror, args=(sandbox.base_image_layout,), daemon=True).start()
    watched = (app.store.in_place, listeners, sandbox.state / "sandbox.json", write_status)
    threading.Thread(target=_watch, args=watched, daemon=True).start()
    app.start()
    server.serve()


def _answer_names(sandbox: Settings, app: "App", listeners: Listeners) -> None:
    """Serve AWS's host names with HTTPS; raises Refused."""
    from ecr_sandbox.http.certificates import Tls, authority
    from ecr_sandbox.http.middleware import application

    tls = Tls(authority(sandbox.state), sandbox.address)
    try:
        listeners.secure((sandbox.address, sandbox.tls_port), application(app.names_handler(sandbox.address)), tls)
    except OSError as error:
        raise Refused(
            f"AWS's names cannot be served on port {sandbox.tls_port} of {sandbox.address} ({error}). "
            f"Run it as root, stop the program that has the port, or set another: --tls-port 8443"
        ) from None


def _watch(in_place: InPlace, listeners: Listeners, status_file: Path, write_status: Callable[[], Any]) -> None:
    """Stop the servers when the state is gone. The file by which clients find them is written again."""
    while not in_place.gone.wait(WATCH_SECONDS):
        with suppress(OSError):
            in_place.check()
            if not status_file.exists():
                write_status()
    listeners.close()


def _fill_mirror(layout: Path) -> None:
    from ecr_sandbox.services.ecr.base_image import seed

    try:
        seed(layout)
    except Exception as error:  # a full disk, or the sandbox is being stopped; it works without the mirror
        print(f"The mirror of the base image could not be filled ({error}).", file=sys.stderr)


def _prepare(sandbox: Settings) -> None:
    folder = sandbox.state
    try:
        (folder / "log").mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        wrong, _ = disk.explain(folder, error)
        raise Refused(f"{wrong} Set {sandbox.variables}_STATE to a folder of yours.") from error


def _require_state(sandbox: Settings) -> None:
    """Refuse to start with layers and without the file that says which images they belong to."""
    layers = next(filter(Path.exists, (sandbox.state / name for name in ("registry", "blobs/sha256"))), None)
    if layers and any(layers.iterdir()) and is_missing(sandbox.state / "state.db"):
        raise Refused(
            f"The state file {sandbox.state / 'state.db'} is missing or empty, but there are layers in {layers}. "
            f"Restore the file, or remove everything: {sandbox.command} reset"
        )


@contextmanager
def _alone(sandbox: Settings) -> Iterator[Path]:
    """Lock the state folder for this process. The system releases the lock when the process ends."""
    path = sandbox.state / "sandbox.lock"
    with lock_file(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"A sandbox already runs on {sandbox.state}. Use it, or stop it: {sandbox.command} down"
            ) from None
        yield path


def _registries(sandbox: Settings) -> dict[str, str]:
    current = addresses.current
    registry = current.registry_host(sandbox.account, sandbox.region)
    return {"registry": registry, "public_registry": current.public_host()}


def _write_status(
    sandbox: Settings, registries: dict[str, str], listeners: Listeners, lock: threading.Lock
) -> dict[str, Any]:
    """Write sandbox.json, one thread at a time. A listener that is being added calls it, so it asks for no port."""
    with lock:
        status = _status(sandbox, listeners.ports()) | registries
        write_whole(sandbox.state / "sandbox.json", json.dumps(status, indent=2))
        return status


def _status(sandbox: Settings, ports: dict[str, int]) -> dict[str, Any]:
    port, accounts = ports[MAIN], {sandbox.account: "default", settings.OTHER_ACCOUNT: settings.OTHER_PROFILE}
    return {
        "endpoint": f"http://localhost:{port}",
        "port": port,
        "ports": [port, *sorted(set(ports.values()) - {port})],
        "hub": f"http://localhost:{ports[addresses.HUB]}",
        "public": f"http://localhost:{ports[addresses.PUBLIC]}",
        "accounts": accounts,
        "region": sandbox.region,
        "aws_names": _names(sandbox, accounts) if sandbox.aws_names else None,
        "pid": os.getpid(),
        "run": RUN,
        "state": str(sandbox.state),
        "versions": {name: version(name) for name in ("moto", "botocore", "boto3")},
    }


def _names(sandbox: Settings, accounts: Iterable[str]) -> dict[str, Any]:
    """What clients need to use AWS's names: the file with the CA, and which names lead to which address."""
    from ecr_sandbox.http.certificates import CA_FILE

    names = aws_names.names(accounts, dict.fromkeys((sandbox.region, settings.REGION)))
    return {"ca": str(sandbox.state / CA_FILE), "address": sandbox.address, "names": names}
