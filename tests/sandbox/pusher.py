"""A fast registry client for tests: pushes and pulls over HTTP."""

import hashlib
import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"


@dataclass(frozen=True)
class Pushed:
    """An image that the registry acknowledged. *blobs* are the digests of its layers and, last, of its config."""

    digest: str
    blobs: tuple[str, ...]
    size: int
    tag: str | None


class Unexpected(Exception):
    """The registry returned an unexpected status, which is in *status*."""

    def __init__(self, what: str, status: int, body: bytes):
        super().__init__(f"{what}: {status} {body.decode(errors='replace')}")
        self.status = status


class Pusher:
    """A client for one thread. It opens a connection for each request."""

    def __init__(self, sandbox):
        self._port, self._login, self._ecr = sandbox.port, sandbox.basic(), sandbox.client()

    def ask(self, method: str, path: str, body: bytes = b"", content_type: str = "application/octet-stream"):
        """Status, headers and body of the response."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            headers = {"Host": f"localhost:{self._port}", "Content-Type": content_type}
            connection.request(method, path, body, {**headers, "Authorization": self._login})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def push(
        self,
        repository: str,
        layers: Sequence[bytes],
        tag: str | None = None,
        known: bool = False,
        mount_from: str = "",
    ) -> Pushed:
        """Push an image of these layers. With *known*, do not check or upload the layers."""
        config = json.dumps({"layers": [_digest(each) for each in layers]}).encode()
        for content in [] if known else layers:
            self._ensure(repository, content, mount_from)
        self._ensure(repository, config, "")
        described = [{"mediaType": LAYER, "digest": _digest(each), "size": len(each)} for each in layers]
        about = {"mediaType": CONFIG, "digest": _digest(config), "size": len(config)}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": about, "layers": described})
        digest = _digest(manifest.encode())
        path = f"/v2/{repository}/manifests/{tag or digest}"
        status, headers, body = self.ask("PUT", path, manifest.encode(), MANIFEST)
        if status != 201:
            raise Unexpected(f"PUT {path}", status, body)
        assert headers["Docker-Content-Digest"] == digest
        blobs = tuple(dict.fromkeys([_digest(each) for each in layers]))
        sizes = {_digest(each): len(each) for each in layers}
        return Pushed(digest, (*blobs, _digest(config)), sum(sizes.values()) + len(config), tag)

    def pull(self, repository: str, digest: str) -> None:
        """Pull an image and check all digests."""
        manifest = self.manifest(repository, digest)
        for blob in self._blobs_of(manifest):
            status, headers, content = self.ask("GET", f"/v2/{repository}/blobs/{blob}")
            if status == 307:
                status, content = self._follow(headers["Location"])
            if status != 200:
                raise Unexpected(f"GET {blob} of {repository}", status, content)
            assert _digest(content) == blob, f"{repository} {digest}: wrong digest"

    def manifest(self, repository: str, digest: str) -> dict:
        text = self.manifest_text(repository, digest)
        assert _digest(text.encode()) == digest
        return json.loads(text)

    def manifest_text(self, repository: str, reference: str) -> str:
        status, _, body = self.ask("GET", f"/v2/{repository}/manifests/{reference}")
        if status != 200:
            raise Unexpected(f"GET {reference} of {repository}", status, body)
        return body.decode()

    def blobs(self, repository: str, digest: str) -> list[str]:
        """The digests of an image's layers and config."""
        return self._blobs_of(self.manifest(repository, digest))

    def images(self, repository: str) -> list[str]:
        """The digests of all images of a repository."""
        pages = self._ecr.get_paginator("list_images").paginate(repositoryName=repository)
        return sorted({each["imageDigest"] for page in pages for each in page["imageIds"]})

    def send(self, repository: str, content: bytes) -> str:
        """Upload a layer; its digest."""
        self.finish(self.start(repository), content, _digest(content))
        return _digest(content)

    def start(self, repository: str) -> str:
        status, headers, body = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        if status != 202:
            raise Unexpected(f"POST upload to {repository}", status, body)
        return headers["Location"]

    def part(self, location: str, content: bytes) -> None:
        status, _, body = self.ask("PATCH", location, content)
        if status not in (201, 202):
            raise Unexpected(f"PATCH {location}", status, body)

    def finish(self, location: str, content: bytes, digest: str) -> None:
        status, _, body = self.ask("PUT", f"{location}?digest={digest}", content)
        if status != 201:
            raise Unexpected(f"PUT {location}", status, body)

    def mount(self, repository: str, digest: str, source: str) -> int:
        return self.ask("POST", f"/v2/{repository}/blobs/uploads/?mount={digest}&from={source}")[0]

    def ask_blob(self, repository: str, digest: str) -> int:
        return self.ask("HEAD", f"/v2/{repository}/blobs/{digest}")[0]

    def _ensure(self, repository: str, content: bytes, mount_from: str) -> None:
        digest = _digest(content)
        if self.ask_blob(repository, digest) == 200:
            return
        if not mount_from or self.mount(repository, digest, mount_from) != 201:
            self.send(repository, content)

    def _follow(self, url: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(url.split("/")[2], timeout=60)
        try:
            connection.request("GET", "/" + url.split("/", 3)[3])
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _blobs_of(self, manifest: dict) -> list[str]:
        parts = [*manifest["layers"], manifest["config"]]
        return list(dict.fromkeys(part["digest"] for part in parts))


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
