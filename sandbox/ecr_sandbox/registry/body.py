"""The body of a request, as a stream: only a few pieces of it are in memory."""

import mmap
from collections.abc import Iterator
from contextlib import suppress

from ecr_sandbox.http.middleware import Request

from .content_store import PIECE
from .upload_sessions import BUFFERS


def pieces(request: Request) -> Iterator[memoryview]:
    """The body, piece by piece, in a few BUFFERS by turns; raises BrokenBody when the client hangs up."""
    length = min(request.content_length or PIECE, PIECE)
    buffers: list[memoryview] = []
    while True:
        buffer = buffers.pop(0) if len(buffers) == BUFFERS else memoryview(mmap.mmap(-1, length))
        buffers.append(buffer)
        if not (size := request.stream.readinto(buffer)):
            return
        yield buffer[:size]


def up_to(request: Request, limit: int) -> bytes | None:
    """The whole body, or None when it is longer than *limit* bytes; raises BrokenBody."""
    content = request.stream.read(limit + 1)
    return content if len(content) <= limit else None


def length(request: Request) -> int | None:
    """The length of the body in bytes, None when the client does not say it."""
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    return None if chunked else request.content_length or 0


def drain(request: Request) -> None:
    """Read what is still coming: docker reads an answer only when it has sent everything."""
    with suppress(Exception):  # or the client is gone
        for _ in pieces(request):
            pass
