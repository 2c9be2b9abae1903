"""A part of a file as the body of an answer, which the server sends with sendfile(2) without reading it.

Any other WSGI server iterates over it, in small pieces.
"""

import socket
from collections.abc import Callable, Iterator
from typing import BinaryIO

PIECE = 256 * 1024  # bytes


class FileSlice:
    """The *length* bytes of *file* from *offset*; the file is closed afterwards.

    *sent* is called with the number of bytes that went out, also when the client hangs up before the end.
    """

    def __init__(self, file: BinaryIO, offset: int, length: int, sent: Callable[[int], None]):
        self._file, self._offset, self._length, self._sent = file, offset, length, sent

    def send_to(self, client: socket.socket) -> None:
        """Send all bytes; raises OSError when that is not possible. Reads pieces where sendfile does not exist."""
        self._file.seek(self._offset)
        try:
            if self._length and client.sendfile(self._file, self._offset, self._length) < self._length:
                raise ConnectionError("the file is shorter than it was")
        finally:
            self._count(self._file.tell() - self._offset)

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._offset)
        done = 0
        try:
            while piece := self._file.read(min(PIECE, self._length - done)):
                yield piece
                done += len(piece)
        finally:
            self._count(done)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _count(self, n_bytes: int) -> None:
        if n_bytes:
            self._sent(n_bytes)
