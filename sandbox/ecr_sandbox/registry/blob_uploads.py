"""Uploads of blobs in the registry protocol: POST starts one, PATCH sends parts, PUT names the digest and completes it.

ECR differs from the specification in two points, which are data of ``RegistryErrors``: a part is answered with 201
(https://github.com/regclient/regclient/issues/81), and the header Range stays at the end of the first part
(https://github.com/aws/containers-roadmap/issues/2831). It is not known that ECR's GET and 416 report the true end.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from werkzeug.wrappers import Response

from ecr_sandbox.state import disk

from . import body, errors
from .backend import RegistryRequest
from .errors import Refused
from .references import is_sha256
from .upload_sessions import EmptyUpload, NotConsecutive, PartTooSmall, Pieces, Progress, UnknownUpload, WrongDigest

RANGE = re.compile(r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/.*)?")
# ECR user guide, "image-push-iam": the permissions to send bytes and to complete an upload.
SEND, COMPLETE = "ecr:UploadLayerPart", "ecr:CompleteLayerUpload"


class Part(NamedTuple):
    """The bytes of a request, and the place of the first one in the upload (None: at the end)."""

    content: Pieces
    first: int | None


def start(request: RegistryRequest) -> Response:
    """POST: start an upload, upload a whole blob, or mount a blob of another repository.

    A mount that is not allowed starts an upload instead, as ECR user guide, "Blob mounting", says. A whole blob needs
    the permissions of all three steps of an upload.
    """
    if not disk.has_room(request.backend.blobs.folder):
        raise Refused(errors.DISK_FULL)
    if mounted := _mounted(request):
        return _stored(request, mounted)
    digest = request.http.args.get("digest")
    if digest and body.length(request.http) != 0:
        request.permit(SEND, COMPLETE)
        return _finished(request, None, digest, Part(body.pieces(request.http), None))
    return _under_way(request, request.backend.uploads.start(request.repository.key), 202, 0)


def send_part(request: RegistryRequest) -> Response:
    """PATCH: add a part to an upload."""
    with _refusals(request):
        progress = request.backend.uploads.append(request.repository.key, request.part, *_part(request))
    end = progress.first_part_end if request.backend.errors.first_part_only else progress.end
    return _under_way(request, request.part, request.backend.errors.patched, end)


def finish(request: RegistryRequest) -> Response:
    """PUT: add the last bytes, if there are any, and name the digest that all bytes must have."""
    if body.length(request.http) != 0:
        request.permit(SEND)
    return _finished(request, request.part, request.http.args.get("digest", ""), _part(request))


def status(request: RegistryRequest) -> Response:
    """GET: how far an upload is."""
    return _under_way(request, request.part, 204, _progress(request).end)


def cancel(request: RegistryRequest) -> Response:
    """DELETE: give an upload up."""
    with _refusals(request):
        request.backend.uploads.cancel(request.repository.key, request.part)
    return Response(status=204)


def _mounted(request: RegistryRequest) -> str | None:
    """The digest of the blob that the repository has from now on because another one has it."""
    digest, source = request.http.args.get("mount"), request.http.args.get("from")
    if not digest or not source:
        return None
    other = request.repository.mountable(digest, source, request.http)
    return digest if other and request.backend.blobs.mount(request.repository.key, digest, other) else None


def _finished(request: RegistryRequest, upload: str | None, digest: str, part: Part) -> Response:
    """Complete *upload*, or a new one that has only this part."""
    if not is_sha256(digest):
        raise Refused(errors.DIGEST_INVALID)
    uploads, key = request.backend.uploads, request.repository.key
    with _refusals(request):
        uploads.finish(key, upload or uploads.start(key), digest, *part)
    return _stored(request, digest)


def _part(request: RegistryRequest) -> Part:
    """The part that the request brings; raises Refused when it contradicts itself."""
    length, declared = body.length(request.http), request.http.headers.get("Content-Range")
    content = body.pieces(request.http)
    if declared is None:
        return Part(content, None)
    found = RANGE.fullmatch(declared.strip())
    if not found or (length is not None and int(found[2]) - int(found[1]) + 1 != length):
        raise Refused(errors.out_of_order(_progress(request).end))
    return Part(content, int(found[1]))


def _progress(request: RegistryRequest) -> Progress:
    with _refusals(request):
        return request.backend.uploads.progress(request.repository.key, request.part)


@contextmanager
def _refusals(request: RegistryRequest) -> Iterator[None]:
    """Refuse with this registry's sentences what is wrong with an upload."""
    try:
        yield
    except UnknownUpload:
        raise Refused(request.backend.errors.upload_unknown) from None
    except NotConsecutive as at:
        raise Refused(errors.out_of_order(at.last_byte, at.first)) from None
    except PartTooSmall:
        raise Refused(errors.PART_TOO_SMALL) from None
    except EmptyUpload as upload:
        account, _, name = request.repository.key
        raise Refused(errors.empty_upload(upload.id, name, account)) from None
    except WrongDigest:
        raise Refused(request.backend.errors.digest_mismatch) from None


def _under_way(request: RegistryRequest, upload: str, code: int, end: int) -> Response:
    headers = {
        "Location": f"/v2/{request.repository.name}/blobs/uploads/{upload}",
        "Range": f"0-{end}",
        **({"Docker-Upload-UUID": upload} if request.backend.errors.names_uploads else {}),
    }
    return Response(status=code, headers=headers)


def _stored(request: RegistryRequest, digest: str) -> Response:
    headers = {"Location": f"/v2/{request.repository.name}/blobs/{digest}", "Docker-Content-Digest": digest}
    return Response(status=201, headers=headers)
