"""``ecr-lab room``: runs the room's server until Ctrl-C."""

import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Iterator
from urllib.parse import quote

import ecr_sandbox
from helpers.errors import LabError

from . import settings
from .server import Server

PORT = 8899
EVERY_ADDRESS = ("0.0.0.0", "::")
SAVE_INTERVAL = 1  # seconds


def run(address: str, port: int, base_path: str) -> None:
    """Serve the room at *address* until Ctrl-C or SIGTERM. LabError if the address or port cannot be used."""
    chosen, learners = settings.load()
    server = Server(learners, chosen)
    try:
        settings.save(chosen, learners.as_data())
    except OSError as error:
        raise LabError(f"The state folder cannot be written: {error.strerror}.", "set ECR_TUTORIAL_STATE") from None
    base_path = f"/{quote(base_path.strip('/'), safe='/~')}/".replace("//", "/")
    with listening(server, address, port, base_path):
        _print_addresses(chosen, address, port, base_path)
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        while not ended.wait(SAVE_INTERVAL):
            _save(server)
    _save(server)
    print("\n✔ The room is closed. The lessons of the learners continue.")
    print("  ecr-lab room opens it again at the same address, ecr-lab room --forget deletes what it keeps")


@contextlib.contextmanager
def listening(server: Server, address: str, port: int, base_path: str = "/") -> Iterator[int]:
    """Serve in the background; the port. LabError if the address or port cannot be used."""
    listener = ecr_sandbox.HttpListener((address, port), server.application(base_path), _malformed)
    try:
        # Tried first, because the listener's error has no number.
        socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET).close()
        listener.prepare()
    except OSError as error:
        raise _explained(error, address, port) from None
    thread = threading.Thread(target=listener.serve, daemon=True, name="room")
    thread.start()
    try:
        yield listener.bind_addr[1]
    finally:
        listener.stop()
        thread.join(5)


def _print_addresses(chosen: settings.Secrets, address: str, port: int, base_path: str) -> None:
    for_learners = own_address() if address in EVERY_ADDRESS else address
    for_teacher = "127.0.0.1" if address in EVERY_ADDRESS else address
    print(f"✔ your page: {_url(for_teacher, port, base_path)}?key={chosen.key}")
    print(f"✔ a learner types: ecr-lab join '{_url(for_learners, port, base_path)}?code={chosen.code}' --name NAME")
    if _is_loopback(address):
        print("  only this machine can connect; for the network of the room add --address 0.0.0.0")
    else:
        print("  everyone in this network can connect; joining needs the code, reading needs the key")
    print("  Ctrl-C closes the room", flush=True)


def own_address() -> str:
    """The address of this machine in its network; that of loopback if there is no network. It sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737): only the route is looked up
        except OSError:
            return "127.0.0.1"
        return str(trial.getsockname()[0])


def _url(address: str, port: int, base_path: str) -> str:
    return f"http://{f'[{address}]' if ':' in address else address}:{port}{base_path}"


def _is_loopback(address: str) -> bool:
    return address in ("localhost", "::1") or address.startswith("127.")


def _save(server: Server) -> None:
    """Keep what has changed. A full disk does not close the room."""
    with server.lock:
        changed, server.changed = server.changed, False
        data = server.learners.as_data() if changed else []
    if changed:
        with contextlib.suppress(OSError):
            settings.save(server.secrets, data)


def _malformed(path: bytes, sentence: str) -> tuple[bytes, str]:
    return f"{sentence}\n".encode(), "text/plain; charset=utf-8"


def _explained(error: OSError, address: str, port: int) -> LabError:
    if error.errno == errno.EADDRINUSE:
        return LabError(f"Port {port} is taken.", f"end that program, or ecr-lab room --port {port + 1}")
    if error.errno == errno.EACCES:
        return LabError(f"Port {port} is for root only.", "choose one above 1023 with --port")
    return LabError(f"This machine has no address {address}.", "give --address one of this machine's, or 0.0.0.0")
