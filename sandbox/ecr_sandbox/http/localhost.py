"""A server on both addresses of ``localhost``: 127.0.0.1 and, where the machine has it, ::1.

A client may try either first. Another program at one of them would get requests that are meant for the sandbox.
Sources: RFC 6761, section 6.3 (what localhost resolves to), and RFC 6724, section 6 (which address comes first).
"""

import errno
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .server import Listener, Malformed

IPV4, IPV6 = "127.0.0.1", "::1"
NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
RETRY_SECONDS = 0.1


class LocalhostListener(Listener):
    """A server on one *port* of localhost; see Listener for the rest."""

    def __init__(self, port: int, application: Callable[..., Any], malformed: Malformed):
        super().__init__((IPV4, port), application, malformed)
        self._ipv6: socket.socket | None = None

    def prepare(self) -> None:
        """Bind both addresses; raises OSError, and then none is bound."""
        super().prepare()
        try:
            self._ipv6 = _listen(self.bind_addr[1], self.request_queue_size)
        except OSError:
            self.stop()
            raise
        if self._ipv6:
            self._accepting = threading.Thread(target=self._accept, args=(self._ipv6,), daemon=True, name="ipv6")
            self._accepting.start()

    def stop(self) -> None:
        """Close both sockets and all connections."""
        super().stop()
        if self._ipv6:
            with suppress(OSError):  # macOS does not shut down a listening socket
                self._ipv6.shutdown(socket.SHUT_RDWR)  # wakes the thread, which would keep the port
            self._ipv6.close()
            self._accepting.join()

    def _accept(self, listening: socket.socket) -> None:
        """Do for the second socket what cheroot's loop does for the first."""
        while self.ready:
            try:
                connection = self._connections._from_server_socket(listening)  # None after a second without a client
            except OSError:  # too many open files
                time.sleep(RETRY_SECONDS)
                continue
            if connection is not None:
                self.process_conn(connection)


def is_free(port: int) -> bool:
    """Whether no program listens on this port of localhost."""
    return not any(_answers(address, port) for address in (IPV4, IPV6))


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def _listen(port: int, backlog: int) -> socket.socket | None:
    """A socket on this port of ::1; None if the machine has no such address."""
    try:
        listening = socket.socket(socket.AF_INET6)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart gets its port again
            listening.bind((IPV6, port))
            listening.listen(backlog)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        if error.errno in NO_IPV6:
            return None
        raise
    listening.settimeout(1)
    return listening
