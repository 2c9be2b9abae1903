"""A layer on its way in, as the wire has it: POST begins, PATCH sends parts, PUT names the digest and ends.

ECR's oddities, which are data of a registry's ``RegistryErrors``: a part is answered with 201
(https://github.com/regclient/regclient/issues/81), and the header Range stays at the end of the first part
(https://github.com/aws/containers-roadmap/issues/2831). That GET and 416 tell the true end is not known of ECR.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from werkzeug.wrappers import Response

from . import body, disk, errors
from .backend import RegistryRequest
from .errors import Refused
from .references import is_kept
from .upload_sessions import EmptyUpload, NotConsecutive, PartTooSmall, Progress, UnknownUpload, WrongDigest

RANGE = re.compile(r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/.*)?")


class Part(NamedTuple):
    """What a request brings: its bytes, how many (None: unknown), and where the first belongs (None: at the end)."""

    content: Iterator[bytes]
    length: int | None
    first: int | None


def start(ask: RegistryRequest) -> Response:
    """POST: a new upload, a whole layer at once, or one mounted from another repository.

    A mount that may not be becomes an upload, as ECR user guide, "Blob mounting", says.
    """
    if not disk.has_room(ask.backend.blobs.root):
        raise Refused(errors.DISK_FULL)
    if mounted := _mounted(ask):
        return _stored(ask, mounted)
    digest, length = ask.request.args.get("digest"), body.length(ask.request)
    if digest and length != 0:
        return _finished(ask, None, digest, Part(body.chunks(ask.request), length, None))
    return _under_way(ask, ask.backend.uploads.start(ask.repository.stored_as), 202, 0)


def send_part(ask: RegistryRequest) -> Response:
    """PATCH: bytes of an upload."""
    with _worded(ask):
        progress = ask.backend.uploads.append(ask.repository.stored_as, ask.part, *_part(ask))
    end = progress.first_part_end if ask.backend.errors.first_part_only else progress.end
    return _under_way(ask, ask.part, ask.backend.errors.patched, end)


def finish(ask: RegistryRequest) -> Response:
    """PUT: the rest of the bytes, and the digest that they all must have."""
    return _finished(ask, ask.part, ask.request.args.get("digest", ""), _part(ask))


def status(ask: RegistryRequest) -> Response:
    """GET: how far an upload has come."""
    return _under_way(ask, ask.part, 204, _progress(ask).end)


def cancel(ask: RegistryRequest) -> Response:
    """DELETE: give an upload up."""
    with _worded(ask):
        ask.backend.uploads.cancel(ask.repository.stored_as, ask.part)
    return Response(status=204)


def _mounted(ask: RegistryRequest) -> str | None:
    """The digest of the layer that the repository has now because another one has it."""
    digest, source = ask.request.args.get("mount"), ask.request.args.get("from")
    if not digest or not source:
        return None
    other = ask.repository.mountable(digest, source, ask.request)
    return digest if other and ask.backend.uploads.mount(ask.repository.stored_as, digest, other) else None


def _finished(ask: RegistryRequest, upload: str | None, digest: str, part: Part) -> Response:
    """The end of *upload*, or of one that begins with it."""
    if not is_kept(digest):
        raise Refused(errors.DIGEST_INVALID)
    uploads, stored_as = ask.backend.uploads, ask.repository.stored_as
    with _worded(ask):
        uploads.finish(stored_as, upload or uploads.start(stored_as), digest, *part)
    return _stored(ask, digest)


def _part(ask: RegistryRequest) -> Part:
    """The part that the request brings; raises Refused when it contradicts itself."""
    length, told = body.length(ask.request), ask.request.headers.get("Content-Range")
    content = body.chunks(ask.request)
    if told is None:
        return Part(content, length, None)
    found = RANGE.fullmatch(told.strip())
    if not found or (length is not None and int(found[2]) - int(found[1]) + 1 != length):
        raise Refused(errors.out_of_order(_progress(ask).end))
    return Part(content, length, int(found[1]))


def _progress(ask: RegistryRequest) -> Progress:
    with _worded(ask):
        return ask.backend.uploads.progress(ask.repository.stored_as, ask.part)


@contextmanager
def _worded(ask: RegistryRequest) -> Iterator[None]:
    """What can be wrong with an upload, as this registry says it."""
    try:
        yield
    except UnknownUpload:
        raise Refused(ask.backend.errors.upload_unknown) from None
    except NotConsecutive as at:
        raise Refused(errors.out_of_order(at.last_byte)) from None
    except PartTooSmall:
        raise Refused(errors.PART_TOO_SMALL) from None
    except EmptyUpload:
        raise Refused(errors.EMPTY_UPLOAD) from None
    except WrongDigest:
        raise Refused(ask.backend.errors.digest_mismatch) from None


def _under_way(ask: RegistryRequest, upload: str, code: int, end: int) -> Response:
    headers = {
        "Location": f"/v2/{ask.repository.name}/blobs/uploads/{upload}",
        "Range": f"0-{end}",
        "Docker-Upload-UUID": upload,
    }
    return Response(status=code, headers=headers)


def _stored(ask: RegistryRequest, digest: str) -> Response:
    headers = {"Location": f"/v2/{ask.repository.name}/blobs/{digest}", "Docker-Content-Digest": digest}
    return Response(status=201, headers=headers)
