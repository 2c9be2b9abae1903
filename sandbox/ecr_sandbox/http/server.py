"""The HTTP server: cheroot with limits.

A client that sends nothing waits without a thread. A slow client gets a thread of its own. Neither stops the others.
A request that could be read in two ways is refused (RFC 9112, section 11.2).
"""

import re
import socket
import threading
import time
from collections.abc import Callable, Sized
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from cheroot import wsgi
from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.workers.threadpool import ThreadPool

from .file_slice import FileSlice
from .streams import Reader, stream

MAX_HEAD = 64 * 1024  # bytes of request line and headers
MAX_HEADERS = 100
TIMEOUT = 10  # seconds for a whole head, and for each read of a body
MAX_IDLE_CONNECTIONS = 400  # many systems allow a process 1024 open files
MIN_THREADS = 8  # for fast clients
MAX_THREADS = 256
WATCH_INTERVAL = 0.25  # seconds after which a request counts as slow
MAX_DRAINED = 1024 * 1024  # bytes of a body that are read and dropped; if more follow, the connection is closed
READ_SIZE = 64 * 1024
SINGLE_HEADERS = (
    b"Authorization",
    b"Content-Length",
    b"Content-Type",
    b"Host",
    b"Origin",
    b"Transfer-Encoding",
    b"X-Amz-Date",
)
TOKEN = re.compile(rb"[!#$%&'*+.^`|~0-9A-Za-z-]+")  # RFC 9110 without "_", which WSGI cannot tell from "-"
CONTROL_CHARACTERS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


Part = TypeVar("Part", bytes, memoryview)
Malformed = Callable[[bytes, str], tuple[bytes, str]]


class BrokenBody(ConnectionError):
    """The body of a request ends too early, or is not what its headers say."""


class BodyTooLarge(Exception):
    """The body of a request is over its limit."""


class Listener(wsgi.Server):
    """A server on one address.

    *malformed* gives body and content type of the answer to a request that cannot be read, from its path (which may be
    empty) and a message.
    """

    max_request_header_size = MAX_HEAD
    timeout = TIMEOUT
    keep_alive_conn_limit = MAX_IDLE_CONNECTIONS
    _connections: Any  # cheroot's types leave it out

    def __init__(self, address: tuple[str, int], application: Callable[..., Any], malformed: Malformed):
        super().__init__(address, application, request_queue_size=128, timeout=TIMEOUT)
        self.malformed = malformed
        self.requests = _Threads(self, min=MIN_THREADS, max=MAX_THREADS)
        self.shutdown_timeout = 0.3  # seconds; every acknowledged change is on disk
        self.ConnectionClass = _Connection
        self.gateway = _Gateway

    def prepare(self) -> None:
        """Bind the address; raises OSError."""
        super().prepare()
        threading.Thread(target=self._watch, daemon=True, name="watch").start()

    def stop(self) -> None:
        """Close the socket and all connections. A connection wakes cheroot's loop, which looks twice a second."""
        if self.ready:
            self._connections._stop_requested = True
            with suppress(OSError):
                socket.create_connection(self.bind_addr[:2], timeout=1).close()
        super().stop()

    def process_conn(self, conn: "_Connection") -> None:
        """Give a client that sends a request to a thread; a new connection waits until it sends one."""
        if conn.last_used is not None:
            super().process_conn(conn)
        elif self.can_add_keepalive_connection:
            self.put_conn(conn)
        else:
            conn.close()

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Log errors of the server; a client that closes the connection is not one."""
        if level >= 40:
            super().error_log(msg, level, traceback)

    def _watch(self) -> None:
        while self.ready:
            time.sleep(WATCH_INTERVAL)
            self.requests.watch(time.monotonic())


class _Threads(ThreadPool):
    """Few threads, which serve many clients faster than many threads do; and two more for each slow client."""

    # cheroot's types leave these out.
    _threads: list[Any]
    _pending_shutdowns: Sized
    _clear_dead_threads: Callable[[], None]
    _spawn_worker: Callable[[], Any]

    def __init__(self, server: Listener, min: int, max: int):
        super().__init__(server, min=min, max=max)
        self._changing = threading.Lock()
        self._stopped = False

    def stop(self, timeout: Any = 5) -> None:
        """End every thread. No new one may start: it would take the shutdown request that another thread waits for."""
        with self._changing:
            self._stopped = True
        super().stop(timeout)

    def watch(self, now: float) -> None:
        """Close connections whose head takes too long; keep *min* threads free of slow clients. Call it often."""
        with self._changing:
            if not self._stopped:
                self._clear_dead_threads()
                busy = [client for thread in self._threads if (client := thread.conn) is not None]
                for client in busy:
                    if client.in_head and now - client.begun > TIMEOUT:
                        with suppress(OSError):
                            client.socket.shutdown(socket.SHUT_RD)
                self._keep(self.min + 2 * sum(now - client.begun > WATCH_INTERVAL for client in busy))

    def _keep(self, wanted: int) -> None:
        ending = len(self._pending_shutdowns)
        more = min(wanted, self.max) - len(self._threads) + ending
        if more > 0:  # not grow(): it waits forever for a thread that has already ended
            self._threads.extend([self._spawn_worker() for _ in range(more)])
        elif more < -self.min:
            self.shrink(ending - more)


class _Request(HTTPRequest):
    """One request, with limits on its head and a body that is read in small parts."""

    path = b""

    def parse_request(self) -> None:
        self.inheaders = _Headers()
        self.conn.begun, self.conn.in_head = time.monotonic(), True
        super().parse_request()
        self.conn.in_head = False

    def read_request_line(self) -> bool:
        try:
            return bool(super().read_request_line())
        except ValueError:
            self.simple_response("400 Bad Request", "Malformed Request-URI")
            return False

    def read_request_headers(self) -> bool:
        if not super().read_request_headers():
            return False
        length, encoding = (self.inheaders.get(name) for name in (b"Content-Length", b"Transfer-Encoding"))
        if encoding is not None and (length is not None or encoding.lower() != b"chunked" or not self.chunked_read):
            self.simple_response("400 Bad Request", "The length of the body is not clear.")
            return False
        if length is not None and not length.isdigit():
            self.simple_response("400 Bad Request", "Malformed Content-Length Header.")
            return False
        return True

    def respond(self) -> None:
        self.rfile = Body(self.conn.rfile, None if self.chunked_read else int(self.inheaders.get(b"Content-Length", 0)))
        self.server.gateway(self).respond()
        self.ensure_headers_sent()
        if self.chunked_write:
            self.conn.wfile.write(b"0\r\n\r\n")
        self.conn.wfile.flush()

    def send_headers(self) -> None:
        self.conn.socket.settimeout(1)  # the client may wait for the answer before it sends more
        drained = self.rfile.drained()
        self.conn.socket.settimeout(TIMEOUT)
        if not drained:
            self.close_connection = self.conn.unread = True  # the rest must not be read as the next request
        self.conn.wfile.holding = True  # a head and a short body go out together
        super().send_headers()
        self.conn.wfile.holding = False

    def simple_response(self, status: Any, msg: str = "") -> None:
        """Refuse a request that cannot be read, as the client's error, and close the connection."""
        status = str(status)
        if status[:3] in ("501", "505"):
            status = "400 Bad Request"
        message = msg or status[4:]
        body, content_type = self.server.malformed(self.path, message)
        head = f"{self.server.protocol} {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        self.close_connection = self.conn.unread = True
        with suppress(OSError):
            self.conn.wfile.write(head.encode() + b"Connection: close\r\n\r\n" + body)


class _Gateway(wsgi.Gateway_10):
    def respond(self) -> None:
        """Call the application and send its answer; a part of a file goes from the disk to the socket."""
        answer = self.req.server.wsgi_app(self.env, self.start_response)
        try:
            if isinstance(answer, FileSlice):
                self.req.ensure_headers_sent()
                self.req.conn.wfile.flush()
                answer.send_to(self.req.conn.socket)
                return
            for chunk in answer:
                if chunk:
                    self.write(chunk)
                if self.req.chunked_write and not self.req.server.ready:
                    break  # a stream of events has no end, and the server is being stopped
        finally:
            self.req.ensure_headers_sent()
            if hasattr(answer, "close"):
                answer.close()


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request
    begun = float("inf")  # the second at which the current request began
    in_head = unread = False

    def __init__(self, server: Listener, client: socket.socket, _makefile: object = None):
        super().__init__(server, client, stream)

    def close(self) -> None:
        """Let a client that is still sending read the answer before the connection is closed."""
        with suppress(OSError):
            if self.unread:
                self.socket.shutdown(socket.SHUT_WR)
                self.socket.settimeout(0.5)
                end = time.monotonic() + 1
                while time.monotonic() < end and self.socket.recv(READ_SIZE):
                    pass
        super().close()


class _Headers(dict[bytes, bytes]):
    """The headers of a request; ValueError (answered 400) for headers that could be read in two ways."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        if len(self) >= MAX_HEADERS:
            raise ValueError("Too many headers.")
        if not TOKEN.fullmatch(name) or CONTROL_CHARACTERS.search(value):
            raise ValueError("Illegal header line.")
        if name in self and name in SINGLE_HEADERS:
            raise ValueError("A header came twice.")
        super().__setitem__(name, value)


class Body:
    """The body of a request: *length* bytes of *file*, or chunks if *length* is None (RFC 9112, section 7.1)."""

    def __init__(self, file: Reader, length: int | None):
        self._file, self._chunked = file, length is None
        self._left = length or 0  # bytes of the body or of the chunk
        self._taken = 0
        self._ended = length == 0
        self._broken = False
        self.limit = float("inf")  # bytes

    def read(self, size: int | None = -1) -> bytes:
        """The next *size* bytes, fewer only at the end; all when less than 0. Raises BrokenBody, BodyTooLarge."""
        parts, wanted = [], float("inf") if size is None or size < 0 else size
        while wanted and (part := self._next(int(min(wanted, READ_SIZE)), self._file.read)):
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def readinto(self, buffer: memoryview | bytearray) -> int:
        """Fill *buffer*; the number of bytes, fewer than it takes only at the end. Raises BrokenBody, BodyTooLarge."""
        view, done = memoryview(buffer), 0
        while rest := view[done:]:
            received = self._next(len(rest), partial(_read_into, self._file, rest))
            if not received:
                break
            done += len(received)
        return done

    def drained(self) -> bool:
        """Read and drop what is left of the body, up to MAX_DRAINED bytes; whether that was all."""
        end = self._taken + MAX_DRAINED
        with suppress(BrokenBody, BodyTooLarge):
            while self._taken + self._left <= end and self._next(READ_SIZE, self._file.read):
                pass
        return self._ended

    def _next(self, size: int, read: Callable[[int], Part]) -> Part | bytes:
        """Up to *size* bytes, of one chunk at most, by *read*; none at the end."""
        if self._broken:
            raise BrokenBody("The body of the request is broken.")
        self._broken = True  # until this read succeeds
        try:
            if self._chunked and not self._left and not self._ended:
                self._next_chunk()
            if self._taken + self._left > self.limit:
                raise BodyTooLarge
            part = b"" if self._ended else read(min(size, self._left))
            if not part and not self._ended:
                raise BrokenBody("The body of the request ends too early.")
            self._left -= len(part)
            self._taken += len(part)
            if not self._left and part:
                self._end_chunk()
        except OSError as error:
            raise error if isinstance(error, BrokenBody) else BrokenBody(f"The body did not come: {error}.") from error
        self._broken = False
        return part

    def _next_chunk(self) -> None:
        size = self._line().split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size):
            raise BrokenBody("The size of a chunk is not a number.")
        self._left = int(size, 16)
        if not self._left:
            for _ in range(MAX_HEADERS):  # trailers are not used
                if self._line() == b"\r\n":
                    self._ended = True
                    return
            raise BrokenBody("Too many trailers.")

    def _end_chunk(self) -> None:
        if not self._chunked:
            self._ended = True
        elif self._file.read(2) != b"\r\n":
            raise BrokenBody("A chunk is longer than it says.")

    def _line(self) -> bytes:
        line = self._file.readline(1024)
        if not line.endswith(b"\r\n"):
            raise BrokenBody("A chunk has no size.")
        return line


def _read_into(file: Reader, view: memoryview, size: int) -> memoryview:
    """The part of *view* that was filled, at most *size* bytes."""
    return view[: file.readinto(view[:size])]
