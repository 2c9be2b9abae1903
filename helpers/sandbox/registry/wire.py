"""What ``docker`` asks of a registry, answered by the rules of its house; the bytes stream on to Distribution.

Source: OCI distribution-spec, "Endpoints"; where a registry differs: the comments and ``house.py``.
"""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import ImageAlreadyExistsException
from werkzeug.wrappers import Response

from ..doors import Handler, Request
from ..ecr.images import Image
from ..words import DISK_FULL, Refusal, Refused
from .answers import refuse
from .distribution import CHUNK
from .house import House, Repository

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
    house: House
    repository: Repository
    part: str


class Route(NamedTuple):
    """A line of the table; *action* is what ECR's proxy asks IAM (user guide, "image-push-iam")."""

    methods: tuple[str, ...]
    path: re.Pattern[str]
    action: str
    handler: Callable[[Ask], Response]


def registry(house: House) -> Handler:
    """The handler of everything under ``/v2/``; a request has passed the identity door."""
    return partial(_answer, house)


def _answer(house: House, request: Request) -> Response:
    try:
        return _route(house, request)
    except Refused as no:
        refusal = no.refusal
    except (OSError, sqlite3.OperationalError) as error:
        refusal = _disk_or(house, error)
    _drain(request)
    return refuse(refusal)


def _route(house: House, request: Request) -> Response:
    if request.path in ("/v2", "/v2/"):
        return Response("{}", content_type="application/json")
    for route in ROUTES:
        found = route.path.fullmatch(request.path)
        if found and request.method in route.methods:
            repository = house.repository(request, found["name"], route.action)
            return route.handler(Ask(request, house, repository, found.groupdict().get("part", "")))
    return Response("404 page not found\n", status=404, content_type="text/plain; charset=utf-8")


# --- layers ---------------------------------------------------------------------------------------------------------


def read_blob(ask: Ask) -> Response:
    """HEAD or GET of a layer or config."""
    upstream = ask.house.blobs.request(ask.request.method, f"{_home(ask)}/blobs/{ask.part}", _headers(ask.request))
    if upstream.status == 404:
        upstream.close()
        raise Refused(ask.house.words.blob_unknown)
    return Response(_stream(ask, upstream), status=upstream.status, headers=_back(upstream))


def start_upload(ask: Ask) -> Response:
    """POST: a new upload, or a layer mounted from another repository; a mount that may not be becomes an upload."""
    if _no_room(ask.house):
        raise Refused(DISK_FULL)
    query = ""
    mount, source = ask.request.args.get("mount"), ask.request.args.get("from")
    if mount and source and (stored := ask.repository.mountable(mount, source, ask.request)):
        query = f"?mount={quote(mount)}&from={quote(stored, safe='/')}"
    elif digest := ask.request.args.get("digest"):
        query = f"?digest={quote(digest)}"  # everything in one request
    upstream = _send(ask, "POST", f"{_home(ask)}/blobs/uploads/{query}")
    return _uploaded(ask, upstream, upstream.status)


def send_part(ask: Ask) -> Response:
    """PATCH: bytes of an upload."""
    with _dropped_if_it_fails(ask):
        upstream = _send(ask, "PATCH", _upload(ask))
        return _uploaded(ask, upstream, ask.house.words.patched if upstream.status == 202 else upstream.status)


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
    if ask.request.method == "GET":
        ask.repository.pulled()
    headers = {"Docker-Content-Digest": image.digest}
    return Response(image.manifest.encode(), headers=headers, content_type=image.media_type)


def store_manifest(ask: Ask) -> Response:
    """PUT of a manifest: from here on the image is there."""
    body = ask.request.stream.read(MANIFEST_LIMIT + 1)
    if len(body) > MANIFEST_LIMIT:
        raise Refused(ask.house.words.manifest_too_large)
    by_digest = re.fullmatch(DIGEST, ask.part) is not None
    tag, digest = (None, ask.part) if by_digest else (ask.part, None)
    repository = ask.repository
    try:
        image = repository.store_image(body.decode(), ask.request.content_type, tag, digest)
    except ImageAlreadyExistsException:  # on the wire the same image under the same tag is no fault
        image = _image(ask)
    except UnicodeDecodeError:
        raise Refused(Refusal(400, "MANIFEST_INVALID", "The manifest is not UTF-8 text.")) from None
    except ServiceException as error:
        raise Refused(ask.house.words.manifest_refused(error)) from None
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
        raise Refused(ask.house.words.image_unknown)
    return image


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
        return ask.house.blobs.request(method, path, {**headers, "Content-Length": "0"})
    return ask.house.blobs.request(method, path, headers, _body(ask.request), chunked)


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
        refusal = _disk_or(ask.house, error)  # asked before the space is given back
        ask.house.blobs.forget_upload(ask.repository.stored_as, ask.part)
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
        raise Refused(ask.house.words.upload_unknown)
    if upstream.status == 400 and b"DIGEST_INVALID" in body:
        raise Refused(ask.house.words.digest_mismatch)
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


def _stream(ask: Ask, upstream: Any) -> Iterator[bytes]:
    sent = 0
    try:
        with upstream:
            while chunk := upstream.read(CHUNK):
                yield chunk
                sent += len(chunk)
    finally:
        if sent:
            ask.repository.sent(sent)


def _disk_or(house: House, error: Exception) -> Refusal:
    """A failure below us is the full disk, or it is said as it is."""
    if "no space left" in str(error).lower() or "disk is full" in str(error) or _no_room(house):
        return DISK_FULL
    return Refusal(500, "UNKNOWN", f"The sandbox could not do this: {error}")


def _no_room(house: House) -> bool:
    return shutil.disk_usage(house.blobs.root).free < ROOM_FOR_A_PUSH
