"""The body of a request, as a stream: nothing of it is held in memory."""

from collections.abc import Iterator
from contextlib import suppress

from ecr_sandbox.http.middleware import Request

from .distribution import CHUNK


def chunks(request: Request) -> Iterator[bytes]:
    """The body, piece by piece; raises BrokenBody when the client hangs up."""
    while chunk := request.stream.read(CHUNK):
        yield chunk


def up_to(request: Request, limit: int) -> bytes | None:
    """The whole body, or None when it is longer than *limit* bytes; raises BrokenBody."""
    content = request.stream.read(limit + 1)
    return content if len(content) <= limit else None


def length(request: Request) -> int | None:
    """How long the body is, None when that is not said beforehand."""
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    return None if chunked else request.content_length or 0


def drain(request: Request) -> None:
    """Read what is still coming: docker hears an answer only when it has sent everything."""
    with suppress(Exception):  # or the client is gone
        for _ in chunks(request):
            pass
