"""How the server reads from a client's socket and writes to it.

cheroot's own streams are Python's ``_pyio``, which is slow. These read a head line by line out of one small buffer, and
a body straight into the buffer of the reader.
"""

import socket
import ssl

BUFFER = 16 * 1024  # bytes; a connection that waits for its next request keeps them


class Reader:
    """The bytes that come from *client*."""

    closed = False
    bytes_read = 0  # cheroot's statistics, which are off

    def __init__(self, client: socket.socket):
        self._client = client
        self._buffer = bytearray(BUFFER)
        self._start = self._end = 0  # what of the buffer was received and not yet read

    def readline(self, limit: int) -> bytes:
        """The next line with its end, or *limit* bytes of it (up to BUFFER); fewer only at the end of the stream."""
        while (end := self._buffer.find(b"\n", self._start, min(self._end, self._start + limit))) < 0:
            if self._end - self._start >= limit or not self._receive():
                return self._take(limit)
        return self._take(end + 1 - self._start)

    def read(self, size: int) -> bytes:
        """The next *size* bytes; fewer only at the end of the stream."""
        if size <= self._end - self._start:
            return self._take(size)
        content = bytearray(size)
        return bytes(memoryview(content)[: self.readinto(memoryview(content))])

    def readinto(self, view: memoryview) -> int:
        """Fill *view*; the number of bytes, fewer than it takes only at the end of the stream."""
        done = min(len(view), self._end - self._start)
        view[:done] = memoryview(self._buffer)[self._start : self._start + done]
        self._start += done
        while done < len(view) and (received := self._client.recv_into(view[done:])):
            done += received
        return done

    def has_data(self) -> bool:
        """Whether bytes of the next request are here already."""
        decrypted = self._client.pending() if isinstance(self._client, ssl.SSLSocket) else 0
        return self._start < self._end or decrypted > 0

    def close(self) -> None:
        self.closed = True

    def _take(self, size: int) -> bytes:
        start, self._start = self._start, min(self._start + size, self._end)
        return bytes(self._buffer[start : self._start])

    def _receive(self) -> int:
        """Receive more; the number of bytes, 0 at the end of the stream."""
        left = self._end - self._start
        self._buffer[:left] = self._buffer[self._start : self._end]
        self._start, self._end = 0, left
        received = self._client.recv_into(memoryview(self._buffer)[left:])
        self._end += received
        return received


class Writer:
    """Sends to *client*; what is written while it is *holding* waits for what is written next."""

    bytes_written = 0  # cheroot's statistics, which are off
    holding = False

    def __init__(self, client: socket.socket):
        self._client = client
        self._held = b""

    def write(self, content: bytes) -> int:
        """Send all of *content*; the socket's timeout is for each part that the client takes, not for the whole."""
        self._held += content
        if not self.holding:
            left, self._held = memoryview(self._held), b""
            while left:
                left = left[self._client.send(left) :]
        return len(content)

    def flush(self) -> None:
        """Send what was held."""
        self.write(b"")


def stream(client: socket.socket, mode: str, _size: int = 0) -> Reader | Writer:
    """What cheroot calls ``makefile``."""
    return Reader(client) if "r" in mode else Writer(client)
