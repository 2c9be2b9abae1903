"""Before the doors: the server, and what of HTTP it takes.

cheroot reads the requests; here it learns its limits. A client that says nothing waits without a thread, one that is
slow holds a thread of its own, and neither stops the others. A request that could be read in two ways is refused
(RFC 9112, section 11.2).
"""

import json
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

HEAD = 64 * 1024  # bytes of request line and headers
HEADERS = 100
PATIENCE = 10  # seconds for a whole head, and for each piece of a body
CONNECTIONS = 400  # that wait for their next request; a process may often have 1024 files open, and no more
THREADS = 8  # for clients that are quick
MOST_THREADS = 256
WATCH = 0.25  # seconds after which a request under way counts as slow
DRAINED = 1024 * 1024  # bytes of a body that nobody wanted; if more is coming, the connection is closed
PIECE = 64 * 1024
ONCE = (b"Authorization", b"Content-Length", b"Content-Type", b"Host", b"Origin", b"Transfer-Encoding", b"X-Amz-Date")
TOKEN = re.compile(rb"[!#$%&'*+.^`|~0-9A-Za-z-]+")  # RFC 9110 without "_", which WSGI cannot tell from "-"
Piece = TypeVar("Piece", bytes, memoryview)
UNSEEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class BrokenBody(ConnectionError):
    """The body of a request ends before its end, or is not what its headers say."""


class BodyTooLarge(Exception):
    """The body of a request is more than is taken there."""


class Listener(wsgi.Server):
    """A server on one address, which a crowd and slow clients cannot hold up."""

    max_request_header_size = HEAD
    timeout = PATIENCE
    keep_alive_conn_limit = CONNECTIONS

    def __init__(self, address: tuple[str, int], application: Callable[..., Any]):
        super().__init__(address, application, request_queue_size=128, timeout=PATIENCE)
        self.requests = _Threads(self, min=THREADS, max=MOST_THREADS)
        self.shutdown_timeout = 0.3  # what is acknowledged is on disk; idle clients need no patience
        self.ConnectionClass = _Connection
        self.gateway = _Gateway

    def prepare(self) -> None:
        """Bind the address; raises OSError."""
        super().prepare()
        threading.Thread(target=self._watch, daemon=True, name="watch").start()

    def process_conn(self, conn: "_Connection") -> None:
        """Give a client that has something to say to a thread; a new one has not yet."""
        if conn.last_used is not None:
            super().process_conn(conn)
        elif self.can_add_keepalive_connection:
            self.put_conn(conn)
        else:
            conn.close()

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Say what is our fault; a client that hangs up is no news."""
        if level >= 40:
            super().error_log(msg, level, traceback)

    def _watch(self) -> None:
        while self.ready:
            time.sleep(WATCH)
            self.requests.watch(time.monotonic())


class _Threads(ThreadPool):
    """Few threads, which serve a crowd faster than many; and two more for each client that is slow."""

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
        """End every thread; none may begin from now on, or it would take the word that another waits for."""
        with self._changing:
            self._stopped = True
        super().stop(timeout)

    def watch(self, now: float) -> None:
        """Hang up on whoever cannot finish a head; keep *min* threads free of slow clients. To be called often."""
        with self._changing:
            if not self._stopped:
                self._clear_dead_threads()
                busy = [client for thread in self._threads if (client := thread.conn) is not None]
                for client in busy:
                    if client.in_head and now - client.begun > PATIENCE:
                        with suppress(OSError):
                            client.socket.shutdown(socket.SHUT_RD)
                self._keep(self.min + 2 * sum(now - client.begun > WATCH for client in busy))

    def _keep(self, wanted: int) -> None:
        ending = len(self._pending_shutdowns)
        more = min(wanted, self.max) - len(self._threads) + ending
        if more > 0:  # not grow(): it waits for ever for a thread that has already ended
            self._threads.extend([self._spawn_worker() for _ in range(more)])
        elif more < -self.min:
            self.shrink(ending - more)


class _Request(HTTPRequest):
    """One request: limits on its head, a body that is read in small pieces, refusals in the protocol's own shape."""

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
        self.conn.socket.settimeout(1)  # whoever waits for our answer before sending more is not kept waiting
        drained = self.rfile.drained()
        self.conn.socket.settimeout(PATIENCE)
        if not drained:
            self.close_connection = self.conn.unread = True  # or the rest would be read as the next request
        self.conn.wfile.holding = True  # a head and a short body go out together
        super().send_headers()
        self.conn.wfile.holding = False

    def simple_response(self, status: Any, msg: str = "") -> None:
        """What is no HTTP that we take: always the client's fault, and always the end of the connection."""
        status = str(status)
        if status[:3] in ("501", "505"):
            status = "400 Bad Request"
        message = msg or status[4:]
        body, kind = _refusal(self.path, message)
        head = f"{self.server.protocol} {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
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
        finally:
            self.req.ensure_headers_sent()
            if hasattr(answer, "close"):
                answer.close()


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request

    def __init__(self, server: Listener, client: socket.socket, _makefile: object = None):
        super().__init__(server, client, stream)

    begun = float("inf")  # the second when the request under way began
    in_head = unread = False

    def close(self) -> None:
        """Let a client that is still sending read our answer before it hears that we hung up."""
        with suppress(OSError):
            if self.unread:
                self.socket.shutdown(socket.SHUT_WR)
                self.socket.settimeout(0.5)
                end = time.monotonic() + 1
                while time.monotonic() < end and self.socket.recv(PIECE):
                    pass
        super().close()


class _Headers(dict[bytes, bytes]):
    """The headers of a request; ValueError (answered 400) for what could be read in two ways."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        if len(self) >= HEADERS:
            raise ValueError("Too many headers.")
        if not TOKEN.fullmatch(name) or UNSEEN.search(value):
            raise ValueError("Illegal header line.")
        if name in self and name in ONCE:
            raise ValueError("A header came twice.")
        super().__setitem__(name, value)


class Body:
    """The body of a request: *length* bytes of *file*, or chunks when that is None (RFC 9112, section 7.1)."""

    def __init__(self, file: Reader, length: int | None):
        self._file, self._chunked = file, length is None
        self._left = length or 0  # bytes of the body, or of the chunk
        self._taken = 0
        self._ended = length == 0
        self._broken = False
        self.limit = float("inf")  # bytes

    def read(self, size: int | None = -1) -> bytes:
        """The next *size* bytes, fewer only at the end; all when less than 0. Raises BrokenBody, BodyTooLarge."""
        pieces, wanted = [], float("inf") if size is None or size < 0 else size
        while wanted and (piece := self._next(int(min(wanted, PIECE)), self._file.read)):
            pieces.append(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def readinto(self, view: memoryview) -> int:
        """Fill *view*; the number of bytes, fewer than it takes only at the end. Raises BrokenBody, BodyTooLarge."""
        done = 0
        while rest := view[done:]:
            received = self._next(len(rest), partial(_read_into, self._file, rest))
            if not received:
                break
            done += len(received)
        return done

    def drained(self) -> bool:
        """Whether the body was read, or the little that was left of it."""
        end = self._taken + DRAINED
        with suppress(BrokenBody, BodyTooLarge):
            while self._taken + self._left <= end and self._next(PIECE, self._file.read):
                pass
        return self._ended

    def _next(self, size: int, read: Callable[[int], Piece]) -> Piece | bytes:
        """Up to *size* bytes, of one chunk at most, by *read*; none at the end."""
        if self._broken:
            raise BrokenBody("The body of the request is broken.")
        self._broken = True  # unless all goes well
        try:
            if self._chunked and not self._left and not self._ended:
                self._next_chunk()
            if self._taken + self._left > self.limit:
                raise BodyTooLarge
            piece = b"" if self._ended else read(min(size, self._left))
            if not piece and not self._ended:
                raise BrokenBody("The body of the request ends too early.")
            self._left -= len(piece)
            self._taken += len(piece)
            if not self._left and piece:
                self._end_chunk()
        except OSError as error:
            raise error if isinstance(error, BrokenBody) else BrokenBody(f"The body did not come: {error}.") from error
        self._broken = False
        return piece

    def _next_chunk(self) -> None:
        size = self._line().split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size):
            raise BrokenBody("The size of a chunk is not a number.")
        self._left = int(size, 16)
        if not self._left:
            for _ in range(HEADERS):  # trailers: nobody wants them
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


def _refusal(path: bytes, message: str) -> tuple[bytes, str]:
    if path.startswith(b"/v2"):
        return json.dumps({"errors": [{"code": "UNSUPPORTED", "message": message}]}).encode(), "application/json"
    error = {"__type": "MalformedHttpRequestException", "message": message}
    return json.dumps(error).encode(), "application/x-amz-json-1.1"
