"""Listeners: each registry has a port of its own in this process. The state folder keeps the ports by name.

AWS distinguishes registries by host name (``<account>.dkr.ecr.<region>.amazonaws.com``, ``public.ecr.aws``,
``docker.io``), the sandbox by port, because ``docker`` keeps one login for each host and port.
"""

import json
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ecr_sandbox.state.atomic_files import write_whole

PORTS_TRIED = 50
MAIN = "sandbox"

Application = Callable[..., Any]  # WSGI
Malformed = Callable[[bytes, str], tuple[bytes, str]]  # see server.Listener


class NoPort(Exception):
    """Other programs use every port that was tried."""


class Listeners:
    """The ports of one sandbox; *folder* is its state. *malformed* answers requests that cannot be read."""

    def __init__(self, folder: Path, malformed: Malformed):
        self._malformed = malformed
        self._file = folder / "ports.json"
        self._lock = threading.Lock()
        self._closing, self._closed = threading.Lock(), False
        self._ports = remembered(folder)
        self._servers: dict[str, Any] = {}
        self._secure: list[Any] = []
        self.changed: Callable[[dict[str, int]], Any] = lambda ports: None  # called when a name gets a port

    def main(self, application: Application, asked: int | None, default: int) -> Any:
        """The server of the main port, bound but not yet serving; raises NoPort.

        Its port is *asked*, or that of the last run, or *default*; or the next that is free.
        """
        reserved = set() if asked else self._reserved(MAIN)
        server = self._bound(MAIN, application, asked or self._ports.get(MAIN, default), reserved)
        self._servers[MAIN] = server
        return server

    def behind(self, application: Callable[[str], Application]) -> None:
        """Set the function that makes the application for a name, and serve every name of the last run again."""
        self._application = application
        for name in [name for name in self._ports if name != MAIN]:
            self.port(name)

    def port(self, name: str) -> int:
        """The port of *name*, which is served from now on. Raises NoPort."""
        with self._lock:
            if name not in self._servers:
                start = self._ports.get(name, self._servers[MAIN].bind_addr[1] + 1)
                server = self._bound(name, self._application(name), start, self._reserved(name))
                threading.Thread(target=server.serve, daemon=True, name=name).start()
                self._servers[name] = server
                self.changed(self.ports())
            return self._servers[name].bind_addr[1]

    def secure(self, address: tuple[str, int], application: Application, tls: Any) -> None:
        """Serve *application* with HTTPS at *address* too; *tls* is ``certificates.Tls``. Raises OSError."""
        from .server import Listener

        server = Listener(address, application, self._malformed)
        server.ssl_adapter = tls
        server.prepare()
        threading.Thread(target=server.serve, daemon=True, name="aws-names").start()
        self._secure.append(server)

    def ports(self) -> dict[str, int]:
        """The port of every name that is served."""
        return {name: server.bind_addr[1] for name, server in self._servers.items()}

    def close(self) -> None:
        """Stop all servers; the state folder keeps their ports. A second call waits for the same end."""
        with self._closing:
            servers = [] if self._closed else [*self._servers.values(), *self._secure]
            closing = [threading.Thread(target=each.stop) for each in servers]
            self._closed = True
            for each in closing:
                each.start()
            for each in closing:
                each.join()

    def _reserved(self, name: str) -> set[int]:
        return {port for other, port in self._ports.items() if other != name}

    def _bound(self, name: str, application: Application, start: int, reserved: set[int]) -> Any:
        from .localhost import LocalhostListener, is_free  # cheroot, which a reader of remembered() does not need

        for port in range(start, min(start + PORTS_TRIED, 65536)):
            if port in reserved or not is_free(port):
                continue
            server = LocalhostListener(port, application, self._malformed)
            try:
                server.prepare()
            except OSError:  # another program was faster
                continue
            try:
                self._remember(name, port, start)
            except BaseException:  # the disk is full: close() would not know this server
                server.stop()
                raise
            return server
        raise NoPort(f"The ports {start} to {start + PORTS_TRIED - 1} are all taken.")

    def _remember(self, name: str, port: int, wanted: int) -> None:
        if port != wanted and (name == MAIN or name in self._ports):
            print(replaced(wanted, port), file=sys.stderr)
        if self._ports.get(name) != port:
            ports = {**self._ports, name: port}
            write_whole(self._file, json.dumps(ports, indent=2))
            self._ports = ports


def remembered(folder: Path) -> dict[str, int]:
    """The port of each name in the state *folder*; empty if nothing was served from there."""
    with suppress(OSError, ValueError, AttributeError):
        return {str(name): int(port) for name, port in json.loads((folder / "ports.json").read_text()).items()}
    return {}


def replaced(wanted: int, port: int) -> str:
    """The sentence that *port* is used in place of the one that was wanted."""
    return f"Port {wanted} is taken by another program: using {port}."
