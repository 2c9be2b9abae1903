"""A blob as the answer to GET: all of it, or the range that the client asked for.

Amazon S3 serves one range; a request for several gets the whole object
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, ``Range``). A unit other than bytes must be
ignored, and an invalid range may be (RFC 9110, section 14.2).
"""

import os
import re
from collections.abc import Callable
from typing import BinaryIO

from werkzeug.wrappers import Response

from ecr_sandbox.http.file_slice import FileSlice
from ecr_sandbox.http.middleware import Request

BYTES = "application/octet-stream"
# Python converts up to 4300 digits to a number.
ONE = re.compile(r"bytes=[\s,]*(?:([0-9]{1,4000})\s*-\s*([0-9]{0,4000})|-\s*([0-9]{1,4000}))[\s,]*", re.IGNORECASE)


class Unsatisfiable(Exception):
    """The range is outside the blob of *size* bytes."""

    def __init__(self, size: int):
        super().__init__(f"there are {size} bytes")
        self.size = size


def headers(digest: str, size: int) -> dict[str, str]:
    """The headers of a whole blob."""
    return {
        "Accept-Ranges": "bytes",
        "Content-Length": str(size),
        "Content-Type": BYTES,
        "ETag": f'"{digest}"',
    }


def response(file: BinaryIO, digest: str, request: Request, sent: Callable[[int], None]) -> Response:
    """The answer to a GET of the blob *digest* in *file*, which is closed; raises Unsatisfiable.

    *sent* is called with the number of bytes that went out, also when the client hangs up.
    """
    try:
        size = os.fstat(file.fileno()).st_size
        part = requested(request.headers.get("Range"), size) if _may_be_partial(digest, request) else None
    except BaseException:
        file.close()
        raise
    offset, length = part or (0, size)
    about = headers(digest, length)
    if part:
        about["Content-Range"] = f"bytes {offset}-{offset + length - 1}/{size}"
    body = FileSlice(file, offset, length, sent)
    return Response(body, status=206 if part else 200, headers=about, direct_passthrough=True)


def requested(header: str | None, size: int) -> tuple[int, int] | None:
    """Offset and length of the range that a *header* asks for, of *size* bytes; None: all. Raises Unsatisfiable."""
    found = ONE.fullmatch(header or "")
    if found is None or (found[2] and int(found[1]) > int(found[2])):
        return None
    if found[3]:
        first, last = max(size - int(found[3]), 0), size - 1
    else:
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
    if first > last:
        raise Unsatisfiable(size)
    return first, last - first + 1


def _may_be_partial(digest: str, request: Request) -> bool:
    """Whether the client has this very blob, if it asks on that condition."""
    return request.headers.get("If-Range", f'"{digest}"') == f'"{digest}"'
