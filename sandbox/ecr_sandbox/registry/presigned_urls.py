"""Where ECR lets its clients fetch a layer: at S3, by a link that is good for an hour and asks for nothing else.

Whoever has the link has the layer. Its address has another host name than the registry (127.0.0.1, not localhost):
a client that follows a redirect to another host must leave its password behind.
Sources: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html;
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html and ErrorResponses.html.
"""

import hmac
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response

from ecr_sandbox.auth.token import kept_secret
from ecr_sandbox.http import addresses
from ecr_sandbox.http.middleware import Handler, Request

from .distribution import CHUNK, Distribution

LIFETIME = 3600  # seconds
BUCKET = "/prod-{region}-starport-layer-bucket/"  # https://github.com/open-policy-agent/opa/issues/6580
BUCKET_PATH = re.compile(r"/prod-[a-z0-9-]+-starport-layer-bucket/")
TIME = "%Y%m%dT%H%M%SZ"
PASSED_BACK = ("accept-ranges", "content-length", "content-range", "etag")

Key = tuple[str, str, str]  # account, Region and repository, whose bill the bytes are on


@dataclass(frozen=True)
class Layer:
    """What a link leads to: a blob, the name of its repository in Distribution, and on whose bill it goes."""

    stored_as: str
    digest: str
    key: Key


class No(Exception):
    """S3 refuses: HTTP *status*, *code*, *message* and further *elements* of its XML."""

    def __init__(self, status: int, code: str, message: str, elements: dict[str, Any] | None = None):
        super().__init__(message)
        self.status, self.code, self.message, self.elements = status, code, message, elements or {}


class PresignedUrls:
    """Makes links and reads them, with the secret kept in the file *secret_file*."""

    def __init__(self, secret_file: Path):
        self._secret = hmac.digest(kept_secret(secret_file), b"layer-links", "sha256")
        self._serializer = URLSafeSerializer(self._secret)

    def url(self, stored_as: str, digest: str, key: Key, made: float | None = None) -> str:
        """A link to the blob *digest* of the repository *stored_as*; *made* is when (default: now)."""
        account, region, _ = key
        path = BUCKET.format(region=region) + str(self._serializer.dumps([stored_as, digest, *key]))
        date = datetime.fromtimestamp(time.time() if made is None else made, UTC).strftime(TIME)
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{account}/{date[:8]}/{region}/s3/aws4_request",
            "X-Amz-Date": date,
            "X-Amz-Expires": str(LIFETIME),
            "X-Amz-SignedHeaders": "host",
        }
        query["X-Amz-Signature"] = self._signature(path, query)
        return f"{addresses.layers_url()}{path}?{urlencode(query)}"

    def read(self, request: Request) -> Layer:
        """What the link that was asked for leads to; raises No."""
        query = request.args.to_dict()
        if "Authorization" in request.headers:
            raise _two_mechanisms()
        given = query.pop("X-Amz-Signature", "")
        if not query:
            raise No(403, "AccessDenied", "Access Denied")
        # A link signs its method too.
        if request.method != "GET" or not self._signed(request.path, query, given):
            raise _wrong_signature()
        made = datetime.strptime(query["X-Amz-Date"], TIME).replace(tzinfo=UTC).timestamp()
        if time.time() > made + LIFETIME:
            raise _expired(made + LIFETIME)
        try:
            stored_as, digest, *key = self._serializer.loads(request.path.rpartition("/")[2])
        except BadData:  # not by us, though the signature is: never
            raise _wrong_signature() from None
        return Layer(stored_as, digest, tuple(key))

    def _signed(self, path: str, query: dict[str, str], signature: str) -> bool:
        return hmac.compare_digest(self._signature(path, query).encode(), signature.encode())

    def _signature(self, path: str, query: dict[str, str]) -> str:
        signed = f"{path}\n{urlencode(sorted(query.items()))}"
        return hmac.digest(self._secret, signed.encode(), "sha256").hex()


def is_presigned(path: str) -> bool:
    """Whether a request for *path* comes by a link."""
    return BUCKET_PATH.match(path) is not None


def layers(links: PresignedUrls, blobs: Distribution, sent: Callable[..., None]) -> Handler:
    """The handler of the links: the bytes, whole or in part; *sent* is told how many went out, and on whose bill."""
    return partial(_answer, links, blobs, sent)


def _answer(links: PresignedUrls, blobs: Distribution, sent: Callable[..., None], request: Request) -> Response:
    try:
        layer = links.read(request)
        return _send(blobs, partial(sent, *layer.key), layer, request.headers.get("Range"))
    except No as no:
        return _refuse(no)


def _send(blobs: Distribution, sent: Callable[[int], None], layer: Layer, part: str | None) -> Response:
    headers = {"Range": part} if part else {}
    found = blobs.request("GET", f"/v2/{layer.stored_as}/blobs/{layer.digest}", headers)
    if found.status == 404:
        found.close()
        raise No(404, "NoSuchKey", "The specified key does not exist.")
    if found.status == 416:
        found.close()
        raise No(416, "InvalidRange", "The requested range is not satisfiable", {"RangeRequested": part})
    kept = {name: value for name, value in found.headers.items() if name.lower() in PASSED_BACK}
    content = counted(found, sent)
    return Response(content, status=found.status, headers=kept, content_type="application/octet-stream")


def counted(answer: Any, sent: Callable[[int], None]) -> Iterator[bytes]:
    """The bytes of Distribution's *answer*; *sent* is told how many went out, also when the client hangs up."""
    size = 0
    try:
        with answer:
            while chunk := answer.read(CHUNK):
                yield chunk
                size += len(chunk)
    finally:
        if size:
            sent(size)


def _wrong_signature() -> No:
    return No(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
    )


def _expired(end: float) -> No:
    times = {"Expires": _iso(end), "ServerTime": _iso(time.time())}
    return No(403, "AccessDenied", "Request has expired", {"X-Amz-Expires": LIFETIME, **times})


def _two_mechanisms() -> No:
    """https://github.com/open-policy-agent/opa/issues/6580; S3 repeats the header's value, which is a password here."""
    return No(
        400,
        "InvalidArgument",
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter "
        "or the Authorization header should be specified",
        {"ArgumentName": "Authorization"},
    )


def _refuse(no: No) -> Response:
    elements = {"Code": no.code, "Message": no.message, **no.elements, "RequestId": uuid.uuid4().hex[:16].upper()}
    inside = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in elements.items())
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>'
    return Response(body, status=no.status, content_type="application/xml")


def _iso(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
