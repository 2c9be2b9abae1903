"""Decompresses a layer while it is read, forward only, in constant memory."""

import zlib
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from .limits import Budget

AT_A_TIME = 256 * 1024  # compressed bytes read at a time
MOST_AT_A_TIME = 4 << 20  # decompressed bytes held at a time
GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class Unpacked:
    """The decompressed bytes of a layer. Reading raises OSError, EOFError, zlib.error and TooMuch.

    *unpacked* pays for all bytes, *read* for those that are not skipped.
    """

    def __init__(self, packed: BinaryIO, unpacked: Budget, read: Budget):
        self._pieces = _pieces(packed)
        self._unpacked, self._read = unpacked, read
        self._piece, self._at = b"", 0  # decompressed bytes, and how many of them were read

    def read(self, size: int) -> bytes:
        """The next *size* bytes, fewer only at the end."""
        self._read.spend(size)
        return b"".join(self._take(size))

    def skip(self, size: int) -> None:
        """Pass over *size* bytes; raises EOFError if there are fewer."""
        for _ in self._take(size, exactly=True):
            pass

    def _take(self, size: int, exactly: bool = False) -> Iterator[bytes]:
        while size:
            if self._at == len(self._piece) and not self._next_piece():
                if exactly:
                    raise EOFError("it ends in the middle of a file")
                return
            end = min(self._at + size, len(self._piece))
            size -= end - self._at
            start, self._at = self._at, end
            yield self._piece[start:end]

    def _next_piece(self) -> bool:
        for piece in self._pieces:
            if piece:
                self._unpacked.spend(len(piece))
                self._piece, self._at = piece, 0
                return True
        return False


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
