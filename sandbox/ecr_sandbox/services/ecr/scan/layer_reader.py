"""Decompresses a layer while it is read, forward only, in constant memory."""

import io
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

AT_A_TIME = 256 * 1024  # compressed bytes read at a time
MOST_AT_A_TIME = 4 << 20  # decompressed bytes held at a time
LARGEST_READ = 64 << 20  # bytes; tarfile reads the long name of a member in one piece
GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class Unpacked(io.RawIOBase):
    """The file that tarfile reads a layer from, forward only. Reading raises OSError, EOFError and zlib.error."""

    def __init__(self, packed: BinaryIO):
        self._pieces = _pieces(packed)
        self._piece, self._at = b"", 0  # decompressed bytes, and how many of them were read
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or position < self._position:
            raise io.UnsupportedOperation("a layer is read forward only")
        while self._position < position and self._skip(position - self._position):
            pass
        return self._position

    def read(self, size: int = -1) -> bytes:
        """At most *size* bytes, or all; a header that claims a huge size is not read into memory."""
        if size > LARGEST_READ:
            raise OSError(f"a part of it claims to have {size} bytes")
        parts: list[bytes] = []
        while size and self._more():
            end = len(self._piece) if size < 0 else min(self._at + size, len(self._piece))
            parts.append(self._piece[self._at : end])
            size -= len(parts[-1]) if size > 0 else 0
            self._go_to(end)
        return b"".join(parts)

    def _skip(self, size: int) -> bool:
        if self._more():
            self._go_to(min(self._at + size, len(self._piece)))
            return True
        return False

    def _go_to(self, at: int) -> None:
        self._position += at - self._at
        self._at = at

    def _more(self) -> bool:
        """Decompress more; whether there is anything to read."""
        while self._at == len(self._piece):
            if (piece := next(self._pieces, None)) is None:
                return False
            self._piece, self._at = piece, 0
        return True


def _pieces(packed: BinaryIO) -> Iterator[bytes]:
    chunks = iter(lambda: packed.read(AT_A_TIME), b"")
    first = next(chunks, b"")
    if first.startswith(ZSTANDARD):
        raise OSError("it is packed with zstd, which is not read here")
    yield from _gunzipped(first, chunks) if first.startswith(GZIP) else chain([first], chunks)


def _gunzipped(packed: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """A gzip file may be several, one after the other, as eStargz and pigz write it (RFC 1952, 2.2)."""
    one, begun = zlib.decompressobj(zlib.MAX_WBITS | 16), False
    while packed:
        begun = True
        yield one.decompress(packed, MOST_AT_A_TIME)
        packed = one.unconsumed_tail
        if one.eof:
            packed = one.unused_data.lstrip(b"\0")  # padding between them
            one, begun = zlib.decompressobj(zlib.MAX_WBITS | 16), False
        packed = packed or next(chunks, b"")
    if begun:
        raise EOFError("it ends in the middle")
