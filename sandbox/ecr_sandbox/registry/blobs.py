"""GET and HEAD of blobs: the layers and configurations of images."""

from werkzeug.wrappers import Response

from . import byte_ranges
from .backend import RegistryRequest
from .errors import DIGEST_INVALID, Refused
from .references import is_digest, is_sha256


def exists(request: RegistryRequest) -> Response:
    """HEAD: whether the repository has the blob, and its size. The client may count on it from now on."""
    _check(request)
    size = request.backend.blobs.size(request.repository.key, request.part, lease=True)
    if size is None:
        raise Refused(request.backend.errors.blob_unknown)
    return Response(headers={**byte_ranges.headers(request.part, size), "Docker-Content-Digest": request.part})


def read(request: RegistryRequest) -> Response:
    """GET: the blob, unless it is in the archive; or where it is, in a registry that hands out presigned URLs.

    HEAD finds archived blobs: the image may be pushed again without them.
    """
    _check(request)
    digest, repository, blobs = request.part, request.repository, request.backend.blobs
    if repository.images.is_archived(digest):
        raise Refused(request.backend.errors.blob_unknown)
    if url := repository.presigned_url(digest, request.http.host):
        if blobs.size(repository.key, digest) is None:
            raise Refused(request.backend.errors.blob_unknown)
        return Response(status=307, headers={"Location": url})
    try:
        file = blobs.open(repository.key, digest)
    except FileNotFoundError:
        raise Refused(request.backend.errors.blob_unknown) from None
    try:
        response = byte_ranges.response(file, digest, request.http, repository.sent)
    except byte_ranges.Unsatisfiable as no:
        response = Response(status=416, headers={"ETag": f'"{digest}"', "Content-Range": f"bytes */{no.size}"})
    response.headers["Docker-Content-Digest"] = digest
    return response


def _check(request: RegistryRequest) -> None:
    if not is_digest(request.part):
        raise Refused(DIGEST_INVALID)
    if not is_sha256(request.part):
        raise Refused(request.backend.errors.blob_unknown)
