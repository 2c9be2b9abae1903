"""Presigned URLs: where ECR's clients fetch a layer. On AWS that is S3, with a URL that is valid for an hour.

The URL is all that a client needs. It has the host name that the client used for the registry: go-containerregistry
refuses a redirect to the address of this machine under another name (``checkRedirectSSRF`` in
https://github.com/google/go-containerregistry/blob/v0.21.6/pkg/v1/remote/fetcher.go). On AWS the host is another one,
so clients drop the registry's password; here they may send it, and it is ignored.
Sources: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html;
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html and ErrorResponses.html.
"""

import hmac
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit
from xml.sax.saxutils import escape

from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response

from ecr_sandbox.auth.token import kept_secret
from ecr_sandbox.http import addresses
from ecr_sandbox.http.middleware import Handler, Request

from . import byte_ranges
from .content_store import ContentStore
from .references import Key

LIFETIME = 3600  # seconds
BUCKET_PATH = re.compile(r"/prod-[a-z0-9-]+-starport-layer-bucket/")
TIME = "%Y%m%dT%H%M%SZ"
REGISTRY_LOGIN = "basic "  # how the header Authorization of the registry's clients begins


@dataclass(frozen=True)
class Layer:
    """The blob that a URL is for; the repository pays for its bytes."""

    digest: str
    key: Key


class S3Error(Exception):
    """S3 refuses the request: HTTP *status*, *code*, *message* and further *elements* of its XML."""

    def __init__(self, status: int, code: str, message: str, elements: dict[str, Any] | None = None):
        super().__init__(message)
        self.status, self.code, self.message, self.elements = status, code, message, elements or {}


class PresignedUrls:
    """Makes and reads presigned URLs, with the secret in the file *secret_file*."""

    def __init__(self, secret_file: Path):
        self._secret = hmac.digest(kept_secret(secret_file), b"layer-links", "sha256")
        self._serializer = URLSafeSerializer(self._secret)

    def url(self, digest: str, key: Key, asked: str, made: float | None = None) -> str:
        """A URL of the blob *digest* of a repository, *made* at that Unix time (default: now).

        *asked* is the Host of the request that gets the URL.
        """
        account, region, _ = key
        base = addresses.current.layers_url(region, asked)
        path = f"{urlsplit(base).path}/{self._serializer.dumps([digest, *key])}"
        date = datetime.fromtimestamp(time.time() if made is None else made, UTC).strftime(TIME)
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{account}/{date[:8]}/{region}/s3/aws4_request",
            "X-Amz-Date": date,
            "X-Amz-Expires": str(LIFETIME),
            "X-Amz-SignedHeaders": "host",
        }
        query["X-Amz-Signature"] = self._signature(path, query)
        return f"{urljoin(base, path)}?{urlencode(query)}"

    def read(self, request: Request) -> Layer:
        """The layer that a request for a presigned URL asks for; raises S3Error."""
        query = request.args.to_dict()
        if not request.headers.get("Authorization", REGISTRY_LOGIN).lower().startswith(REGISTRY_LOGIN):
            raise _two_mechanisms()
        given = query.pop("X-Amz-Signature", "")
        if not query:
            raise S3Error(403, "AccessDenied", "Access Denied")
        # The signature is for one method.
        if request.method != "GET" or not self._signed(request.path, query, given):
            raise _wrong_signature()
        made = datetime.strptime(query["X-Amz-Date"], TIME).replace(tzinfo=UTC).timestamp()
        if time.time() > made + LIFETIME:
            raise _expired(made + LIFETIME)
        try:
            # Until November 2026 another element came first.
            *_, digest, account, region, repository = self._serializer.loads(request.path.rpartition("/")[2])
        except (BadData, ValueError):  # what was signed is not ours
            raise _wrong_signature() from None
        return Layer(digest, (account, region, repository))

    def _signed(self, path: str, query: dict[str, str], signature: str) -> bool:
        return hmac.compare_digest(self._signature(path, query).encode(), signature.encode())

    def _signature(self, path: str, query: dict[str, str]) -> str:
        signed = f"{path}\n{urlencode(sorted(query.items()))}"
        return hmac.digest(self._secret, signed.encode(), "sha256").hex()


def is_presigned(path: str) -> bool:
    """Whether *path* is that of a presigned URL."""
    return BUCKET_PATH.match(path) is not None


def layers(urls: PresignedUrls, blobs: ContentStore, sent: Callable[..., None]) -> Handler:
    """The handler of presigned URLs. *sent* is called with the key of the repository and the number of bytes sent."""
    return partial(_answer, urls, blobs, sent)


def _answer(urls: PresignedUrls, blobs: ContentStore, sent: Callable[..., None], request: Request) -> Response:
    try:
        layer = urls.read(request)
        return _send(blobs, partial(sent, *layer.key), layer, request)
    except S3Error as no:
        return _refuse(no)


def _send(blobs: ContentStore, sent: Callable[[int], None], layer: Layer, request: Request) -> Response:
    try:
        return byte_ranges.response(blobs.open(layer.key, layer.digest), layer.digest, request, sent)
    except FileNotFoundError:
        raise S3Error(404, "NoSuchKey", "The specified key does not exist.") from None
    except byte_ranges.Unsatisfiable:
        asked = {"RangeRequested": request.headers["Range"]}
        raise S3Error(416, "InvalidRange", "The requested range is not satisfiable", asked) from None


def _wrong_signature() -> S3Error:
    return S3Error(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
    )


def _expired(end: float) -> S3Error:
    times = {"Expires": _iso(end), "ServerTime": _iso(time.time())}
    return S3Error(403, "AccessDenied", "Request has expired", {"X-Amz-Expires": LIFETIME, **times})


def _two_mechanisms() -> S3Error:
    """https://github.com/open-policy-agent/opa/issues/6580; S3 repeats the header's value, which is a password here."""
    return S3Error(
        400,
        "InvalidArgument",
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter "
        "or the Authorization header should be specified",
        {"ArgumentName": "Authorization"},
    )


def _refuse(no: S3Error) -> Response:
    elements = {"Code": no.code, "Message": no.message, **no.elements, "RequestId": uuid.uuid4().hex[:16].upper()}
    inside = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in elements.items())
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>'
    return Response(body, status=no.status, content_type="application/xml")


def _iso(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
