"""Layers and configs that are there: whether, and their bytes."""

from typing import Any

from werkzeug.wrappers import Response

from .backend import RegistryRequest
from .errors import DIGEST_INVALID, Refused
from .presigned_urls import counted
from .references import is_digest, is_kept

PASSED_ON = ("Range", "If-Range")
PASSED_BACK = ("accept-ranges", "content-length", "content-range", "content-type", "docker-content-digest", "etag")


def exists(ask: RegistryRequest) -> Response:
    """HEAD: whether the repository has it, and how long it is."""
    with _found(ask, "HEAD") as answer:
        answer.read()
    return Response(headers=_back(answer))


def read(ask: RegistryRequest) -> Response:
    """GET: its bytes, unless they are in the archive; a registry that keeps them elsewhere says where.

    HEAD finds archived ones: the image may be pushed again without them.
    """
    if ask.repository.images.is_archived(ask.part):
        raise Refused(ask.backend.errors.blob_unknown)
    if link := ask.repository.link(ask.part):
        _check(ask)
        if ask.backend.blobs.size(ask.repository.stored_as, ask.part) is None:
            raise Refused(ask.backend.errors.blob_unknown)
        return Response(status=307, headers={"Location": link})
    answer = _found(ask, "GET")
    return Response(counted(answer, ask.repository.sent), status=answer.status, headers=_back(answer))


def _found(ask: RegistryRequest, method: str) -> Any:
    """Distribution's answer; raises Refused when the repository has no such layer."""
    _check(ask)
    asked = {name: value for name in PASSED_ON if method == "GET" and (value := ask.request.headers.get(name))}
    answer = ask.backend.blobs.request(method, f"/v2/{ask.repository.stored_as}/blobs/{ask.part}", asked)
    if answer.status == 404:
        answer.close()
        raise Refused(ask.backend.errors.blob_unknown)
    return answer


def _check(ask: RegistryRequest) -> None:
    if not is_digest(ask.part):
        raise Refused(DIGEST_INVALID)
    if not is_kept(ask.part):
        raise Refused(ask.backend.errors.blob_unknown)


def _back(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.lower() in PASSED_BACK}
