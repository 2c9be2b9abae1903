"""A server that runs in a thread of the test."""

import contextlib
import threading
from collections.abc import Iterator

from ecr_sandbox.http.server import Listener


@contextlib.contextmanager
def served(server: Listener) -> Iterator[int]:
    """The port of *server*, which is stopped at the end."""
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.bind_addr[1]
    finally:
        server.stop()
        thread.join()
