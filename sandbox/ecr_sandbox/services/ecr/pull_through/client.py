"""The client of an upstream registry. Like docker, it gets a token when the registry requires one.

Source: https://distribution.github.io/distribution/spec/auth/token/
"""

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import urlencode

from ecr_sandbox.registry.errors import UpstreamFailure
from ecr_sandbox.registry.manifest_format import IMAGES, INDEXES

from .upstreams import DENIED, NOT_FOUND, TOO_MANY, UNAVAILABLE

ACCEPT = ", ".join(IMAGES + INDEXES)
PARAMETER = re.compile(r'(\w+)="([^"]*)"')
TIMEOUT = 60  # seconds
MANIFEST_LIMIT = 4 * 1024 * 1024  # bytes of a manifest
# https://github.com/aws/containers-roadmap/issues/2354
AUTHENTICATION_FAILED = (
    "The authentication to the upstream registry failed. Verify that the credentials provided in the pull through "
    "cache rule are correct, and try again."
)


class Client:
    """A client of the registry at *url*, with *credentials* (user and password) or anonymous."""

    def __init__(self, url: str, credentials: tuple[str, str] | None):
        self._url, self._credentials = url, credentials
        self._tokens: dict[str, str] = {}  # by challenge
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # without proxy

    def manifest(self, name: str, reference: str) -> tuple[str, str]:
        with self._get(f"/v2/{name}/manifests/{reference}", Accept=ACCEPT) as answer:
            return answer.read(MANIFEST_LIMIT).decode(errors="replace"), answer.headers.get_content_type()

    def opened(self, name: str) -> Callable[[str], BinaryIO]:
        return partial(self._blob, name)

    def check(self) -> None:
        self._get("/v2/").close()

    def _blob(self, name: str, digest: str) -> BinaryIO:
        return self._get(f"/v2/{name}/blobs/{digest}")

    def _get(self, path: str, **headers: str) -> Any:
        try:
            return self._ask(path, headers)
        except urllib.error.HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate", "")
            if error.code != 401 or not challenge.startswith("Bearer "):
                raise _failure(error) from None
        try:
            return self._ask(path, {**headers, "Authorization": f"Bearer {self._token(challenge)}"})
        except urllib.error.HTTPError as error:
            raise _failure(error) from None

    def _ask(self, path: str, headers: dict[str, str]) -> Any:
        return self._open(urllib.request.Request(self._url + path, headers=headers))

    def _open(self, request: urllib.request.Request) -> Any:
        try:
            return self._opener.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError:
            raise
        except OSError as error:
            raise UpstreamFailure(UNAVAILABLE, f"The upstream registry is not available: {error}") from None

    def _token(self, challenge: str) -> str:
        if challenge not in self._tokens:
            asked = dict(PARAMETER.findall(challenge))
            query = urlencode({name: asked[name] for name in ("service", "scope") if name in asked})
            request = urllib.request.Request(f"{asked.get('realm', '')}?{query}")
            if self._credentials:
                basic = base64.b64encode(":".join(self._credentials).encode()).decode()
                request.add_header("Authorization", f"Basic {basic}")
            with self._open(request) as answer:
                self._tokens[challenge] = json.load(answer)["token"]
        return self._tokens[challenge]


def _failure(error: urllib.error.HTTPError) -> UpstreamFailure:
    if error.code in (401, 403):
        return UpstreamFailure(DENIED, AUTHENTICATION_FAILED)
    if error.code == 404:
        return UpstreamFailure(NOT_FOUND, "Requested image not found")
    if error.code == 429:
        return UpstreamFailure(TOO_MANY, _message(error))
    return UpstreamFailure(UNAVAILABLE, f"The upstream registry is not available: it answered {error.code}")


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(MANIFEST_LIMIT))["errors"][0]["message"])
    except (ValueError, LookupError, TypeError):
        return "Too many requests to the upstream registry"
