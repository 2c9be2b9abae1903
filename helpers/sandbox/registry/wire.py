"""What ``docker`` asks of a registry, answered by ECR's rules; the bytes stream on to Distribution.

Source: OCI distribution-spec, "Endpoints"; where ECR differs: the comments.
"""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import ImageAlreadyExistsException, RepositoryNotFoundException
from werkzeug.wrappers import Response

from ..doors import Request
from ..ecr.backend import Backend, Repository, backend
from ..ecr.images import Image
from ..words import (
    BLOB_UNKNOWN,
    DISK_FULL,
    IMAGE_NOT_FOUND,
    LAYER_DIGEST_MISMATCH,
    MANIFEST_TOO_LARGE,
    UPLOAD_UNKNOWN,
    Refusal,
    Refused,
    manifest_refused,
    repository_unknown,
)
from .answers import refuse
from .distribution import CHUNK, Distribution

MANIFEST_LIMIT = 4 * 1024 * 1024  # bytes (PutImage, API reference)
ROOM_FOR_A_PUSH = 64 * 1024 * 1024  # bytes
UPLOAD = r"[0-9A-Fa-f-]{36}"  # a UUID
DIGEST = r"[A-Za-z0-9_+.-]+:[A-Fa-f0-9]+"
PASSED_ON = ("content-length", "content-range", "content-type", "range")
PASSED_BACK = ("accept-ranges", "content-length", "content-range", "content-type", "docker-content-digest", "range")


@dataclass(frozen=True)
class Ask:
    """One request to one repository; *part* is the digest, tag or upload that the path names."""

    request: Request
    repository: Repository
    part: str


class Route(NamedTuple):
    """A line of the table; *action* is what ECR's proxy asks IAM (user guide, "image-push-iam")."""

    methods: tuple[str, ...]
    path: re.Pattern[str]
    action: str
    handler: Callable[[Ask], Response]


def answer(request: Request) -> Response:
    """The answer to any request under ``/v2/``; *request* has passed the identity door."""
    try:
        return _route(request)
    except Refused as no:
        refusal = no.refusal
    except (OSError, sqlite3.OperationalError) as error:
        refusal = _disk_or(error)
    _drain(request)
    return refuse(refusal)


def _route(request: Request) -> Response:
    if request.path in ("/v2", "/v2/"):
        return Response("{}", content_type="application/json")
    for route in ROUTES:
        found = route.path.fullmatch(request.path)
        if found and request.method in route.methods:
            return route.handler(Ask(request, _repository(request, found["name"]), found.groupdict().get("part", "")))
    return Response("404 page not found\n", status=404, content_type="text/plain; charset=utf-8")


def _repository(request: Request, name: str) -> Repository:
    caller = request.caller
    assert caller  # the identity door let it through
    try:
        return backend(caller.account, caller.region).repository(name)
    except RepositoryNotFoundException:
        raise Refused(repository_unknown(name, caller.account)) from None


# --- layers ---------------------------------------------------------------------------------------------------------


def read_blob(ask: Ask) -> Response:
    """HEAD or GET of a layer or config."""
    upstream = _blobs().request(ask.request.method, f"{_home(ask)}/blobs/{ask.part}", _headers(ask.request))
    if upstream.status == 404:
        upstream.close()
        raise Refused(BLOB_UNKNOWN)
    return Response(_stream(upstream), status=upstream.status, headers=_back(upstream))


def start_upload(ask: Ask) -> Response:
    """POST: a new upload, or a mount of a layer that another repository has in an image of its own."""
    if _no_room():
        raise Refused(DISK_FULL)
    query = ""
    if mounted := _mountable(ask):
        query = f"?mount={quote(mounted[0])}&from={quote(mounted[1], safe='/')}"
    elif digest := ask.request.args.get("digest"):
        query = f"?digest={quote(digest)}"  # everything in one request
    upstream = _send(ask, "POST", f"{_home(ask)}/blobs/uploads/{query}")
    return _uploaded(ask, upstream, upstream.status)


def send_part(ask: Ask) -> Response:
    """PATCH: ECR answers 201 where the specification says 202 (https://github.com/regclient/regclient/issues/81)."""
    with _dropped_if_it_fails(ask):
        upstream = _send(ask, "PATCH", _upload(ask))
        return _uploaded(ask, upstream, 201 if upstream.status == 202 else upstream.status)


def finish_upload(ask: Ask) -> Response:
    """PUT: the rest of the bytes, and the digest that they must have."""
    with _dropped_if_it_fails(ask):
        upstream = _send(ask, "PUT", _upload(ask))
        return _uploaded(ask, upstream, upstream.status)


def ask_upload(ask: Ask) -> Response:
    """GET: how far an upload has come; DELETE: give it up."""
    upstream = _send(ask, ask.request.method, _upload(ask))
    return _uploaded(ask, upstream, upstream.status)


# --- manifests ------------------------------------------------------------------------------------------------------


def read_manifest(ask: Ask) -> Response:
    """HEAD or GET of an image's manifest, by tag or by digest."""
    image = _image(ask)
    headers = {"Docker-Content-Digest": image.digest}
    return Response(image.manifest.encode(), headers=headers, content_type=image.media_type)


def store_manifest(ask: Ask) -> Response:
    """PUT of a manifest: from here on the image is there."""
    body = ask.request.stream.read(MANIFEST_LIMIT + 1)
    if len(body) > MANIFEST_LIMIT:
        raise Refused(MANIFEST_TOO_LARGE)
    by_digest = re.fullmatch(DIGEST, ask.part) is not None
    tag, digest = (None, ask.part) if by_digest else (ask.part, None)
    repository = ask.repository
    state = backend(repository.account_id, repository.region_name)
    try:
        image = state.store_image(repository.name, body.decode(), ask.request.content_type, tag, digest)
    except ImageAlreadyExistsException:  # on the wire the same image under the same tag is no fault
        image = _image(ask)
    except UnicodeDecodeError:
        raise Refused(Refusal(400, "MANIFEST_INVALID", "The manifest is not UTF-8 text.")) from None
    except ServiceException as error:
        raise Refused(manifest_refused(error)) from None
    headers = {"Docker-Content-Digest": image.digest, "Location": f"/v2/{repository.name}/manifests/{image.digest}"}
    return Response(status=201, headers=headers)


def delete_manifest(ask: Ask) -> Response:
    """DELETE by digest removes the image, by tag the tag; sources disagree whether ECR has it on the wire."""
    image = _image(ask)
    if image.digest == ask.part:
        ask.repository.images.delete(image.digest)
    else:
        ask.repository.images.untag(ask.part)
    return Response(status=202)


def list_tags(ask: Ask) -> Response:
    """GET: every tag in order, by pages of ``n`` after ``last``."""
    tags = sorted(tag for image in ask.repository.images.all() for tag in image.tags)
    tags = [tag for tag in tags if tag > ask.request.args.get("last", "")]
    size = ask.request.args.get("n", len(tags), type=int)
    headers = {}
    if 0 < size < len(tags):
        headers["Link"] = f'</v2/{ask.repository.name}/tags/list?n={size}&last={tags[size - 1]}>; rel="next"'
    return Response(
        json.dumps({"name": ask.repository.name, "tags": tags[:size]}), headers=headers, content_type="application/json"
    )


ROUTES = [
    Route(methods, re.compile(rf"/v2/(?P<name>.+?)/{path}"), f"ecr:{action}", handler)
    for methods, path, action, handler in [
        (("POST",), r"blobs/uploads/?", "InitiateLayerUpload", start_upload),
        (("PATCH",), rf"blobs/uploads/(?P<part>{UPLOAD})", "UploadLayerPart", send_part),
        (("PUT",), rf"blobs/uploads/(?P<part>{UPLOAD})", "CompleteLayerUpload", finish_upload),
        (("GET", "DELETE"), rf"blobs/uploads/(?P<part>{UPLOAD})", "UploadLayerPart", ask_upload),
        (("HEAD",), rf"blobs/(?P<part>{DIGEST})", "BatchCheckLayerAvailability", read_blob),
        (("GET",), rf"blobs/(?P<part>{DIGEST})", "GetDownloadUrlForLayer", read_blob),
        (("HEAD", "GET"), r"manifests/(?P<part>[^/]+)", "BatchGetImage", read_manifest),
        (("PUT",), r"manifests/(?P<part>[^/]+)", "PutImage", store_manifest),
        (("DELETE",), r"manifests/(?P<part>[^/]+)", "BatchDeleteImage", delete_manifest),
        (("GET",), r"tags/list", "ListImages", list_tags),
    ]
]


# --- between the client and Distribution ----------------------------------------------------------------------------


def _image(ask: Ask) -> Image:
    by_digest = re.fullmatch(DIGEST, ask.part) is not None
    image = ask.repository.images.find(**{"digest" if by_digest else "tag": ask.part})
    if image is None:
        raise Refused(IMAGE_NOT_FOUND)
    return image


def _mountable(ask: Ask) -> tuple[str, str] | None:
    """Digest and source of a mount that ECR allows: the setting is on and an image of the source uses the layer.

    Source: ECR user guide, "Blob mounting". Any other mount becomes a plain upload (202).
    """
    digest, source = ask.request.args.get("mount"), ask.request.args.get("from")
    state = backend(ask.repository.account_id, ask.repository.region_name)
    if not digest or not source or state.account_settings.get("BLOB_MOUNTING") != "ENABLED":
        return None
    try:
        other = state.repository(source)
    except RepositoryNotFoundException:
        return None
    used = any(f'"{digest}"' in image.manifest for image in other.images.all())
    return (digest, other.stored_as) if used else None


def _blobs() -> Distribution:
    return Backend.blobs


def _home(ask: Ask) -> str:
    return f"/v2/{ask.repository.stored_as}"


def _upload(ask: Ask) -> str:
    return f"{_home(ask)}/blobs/uploads/{ask.part}?{ask.request.query_string.decode()}"


def _headers(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.lower() in PASSED_ON and value}


def _send(ask: Ask, method: str, path: str) -> Any:
    """Stream the request's body on; nothing of it is held in memory."""
    headers = _headers(ask.request)
    chunked = "chunked" in ask.request.headers.get("Transfer-Encoding", "").lower()
    if chunked:
        headers = {**headers, "Transfer-Encoding": "chunked"}
    elif not ask.request.content_length:
        return _blobs().request(method, path, {**headers, "Content-Length": "0"})
    return _blobs().request(method, path, headers, _body(ask.request), chunked)


def _body(request: Request) -> Iterator[bytes]:
    left = request.content_length
    while chunk := request.stream.read(CHUNK if left is None else min(CHUNK, left)):
        if left is not None:
            left -= len(chunk)
        yield chunk
    if left:
        raise ConnectionError("the client hung up")


@contextmanager
def _dropped_if_it_fails(ask: Ask) -> Iterator[None]:
    """Give back the disk space of an upload that cannot go on."""
    try:
        yield
    except OSError as error:
        refusal = _disk_or(error)  # asked before the space is given back
        _blobs().forget_upload(ask.repository.stored_as, ask.part)
        raise Refused(refusal) from error


def _drain(request: Request) -> None:
    """Read what is still coming: docker hears an answer only when it has sent everything."""
    with suppress(Exception):  # or the client is gone
        for _ in _body(request):
            pass


def _uploaded(ask: Ask, upstream: Any, status: int) -> Response:
    """Distribution's answer about an upload, with our names and ECR's words."""
    body = upstream.read()
    if upstream.status >= 500:
        raise OSError(body.decode(errors="replace"))
    if upstream.status == 404:
        raise Refused(UPLOAD_UNKNOWN)
    if upstream.status == 400 and b"DIGEST_INVALID" in body:
        raise Refused(LAYER_DIGEST_MISMATCH)
    if upstream.status >= 400:
        return Response(body, status=upstream.status, content_type="application/json; charset=utf-8")
    headers = {name: value for name, value in _back(upstream).items() if name.lower() != "content-length"}
    if location := upstream.headers.get("Location"):
        headers["Location"] = _relocated(location, ask.repository)
    if upload := upstream.headers.get("Docker-Upload-UUID"):
        headers["Docker-Upload-UUID"] = upload
    return Response(status=status, headers=headers)


def _relocated(location: str, repository: Repository) -> str:
    url = urlsplit(location)
    path = url.path.replace(f"/v2/{repository.stored_as}/", f"/v2/{repository.name}/", 1)
    return path + (f"?{url.query}" if url.query else "")


def _back(upstream: Any) -> dict[str, str]:
    return {name: value for name, value in upstream.headers.items() if name.lower() in PASSED_BACK}


def _stream(upstream: Any) -> Iterator[bytes]:
    with upstream:
        while chunk := upstream.read(CHUNK):
            yield chunk


def _disk_or(error: Exception) -> Refusal:
    """A failure below us is the full disk, or it is said as it is."""
    if "no space left" in str(error).lower() or "disk is full" in str(error) or _no_room():
        return DISK_FULL
    return Refusal(500, "UNKNOWN", f"The sandbox could not do this: {error}")


def _no_room() -> bool:
    return shutil.disk_usage(_blobs().root).free < ROOM_FOR_A_PUSH
