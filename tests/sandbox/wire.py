"""A client of the registry protocol that sends any HTTP request, for protocol tests."""

import hashlib
import json
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
BYTES = "application/octet-stream"
PATIENCE = 60  # seconds; a timeout for hangs, not a measurement


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Wire:
    """A client for one *repository* of the registry at *url*."""

    def __init__(self, url: str, repository: str, authorization: str | None = None):
        self.url, self.repository = url, repository
        self._session = requests.Session()
        self._session.trust_env = False
        if authorization:
            self._session.headers["Authorization"] = authorization

    def other(self, repository: str) -> "Wire":
        """A client with the same credentials for another *repository*."""
        return Wire(self.url, repository, self._session.headers.get("Authorization"))

    def ask(
        self, method: str, path: str, body: Any = None, follow: bool = False, **headers: str | None
    ) -> requests.Response:
        """The response to one request; *path* is relative to the repository, or the value of a Location header."""
        url = urljoin(self.url, path if path.startswith(("/", "http")) else f"/v2/{self.repository}/{path}")
        names = {name.replace("_", "-"): value for name, value in headers.items()}  # None: leave the header out
        return self._session.request(method, url, data=body, headers=names, allow_redirects=follow, timeout=PATIENCE)

    def start(self) -> str:
        """Start an upload; its location."""
        answer = self.ask("POST", "blobs/uploads/")
        assert answer.status_code == 202, answer.text
        return answer.headers["Location"]

    def patch(self, location: str, content: Any, first: int | None = None, **headers: str) -> requests.Response:
        """Send a part; *first* is the position of its first byte, for Content-Range."""
        if first is not None:
            headers["Content_Range"] = f"{first}-{first + len(content) - 1}"
        return self.ask("PATCH", location, content, Content_Type=BYTES, **headers)

    def put(self, location: str, digest: str, content: Any = None, **headers: str) -> requests.Response:
        """Complete an upload."""
        joint = "&" if urlsplit(location).query else "?"
        return self.ask("PUT", f"{location}{joint}digest={digest}", content, Content_Type=BYTES, **headers)

    def push_blob(self, content: bytes) -> dict[str, Any]:
        """Push *content*; its digest and size, as in a descriptor."""
        digest = digest_of(content)
        answer = self.put(self.start(), digest, content)
        assert answer.status_code == 201, answer.text
        return {"digest": digest, "size": len(content)}

    def blob(self, digest: str, **headers: str) -> requests.Response:
        """Download a layer and follow the redirect."""
        return self.ask("GET", f"blobs/{digest}", follow=True, **headers)

    def image(self, content: bytes, docker: bool = False, **more: Any) -> dict[str, Any]:
        """Push a config and a layer with *content*; their manifest, with *more* fields."""
        config = self.push_blob(
            json.dumps({"architecture": "amd64", "os": "linux", "layer": digest_of(content)}).encode()
        )
        layer = self.push_blob(content)
        return {
            "schemaVersion": 2,
            "mediaType": DOCKER if docker else OCI,
            "config": {"mediaType": DOCKER_CONFIG if docker else OCI_CONFIG, **config},
            "layers": [{"mediaType": DOCKER_LAYER if docker else OCI_LAYER, **layer}],
            **more,
        }

    def put_manifest(self, manifest: Any, reference: str | None = None, **headers: str) -> requests.Response:
        """Send a manifest with the tag or digest *reference*, by default its digest."""
        content = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        kind = manifest["mediaType"] if isinstance(manifest, dict) and "mediaType" in manifest else OCI
        return self.ask(
            "PUT", f"manifests/{reference or digest_of(content)}", content, **{"Content_Type": kind, **headers}
        )

    def push(self, manifest: Any, reference: str | None = None, **headers: str) -> dict[str, Any]:
        """Push a manifest, which must succeed; its descriptor."""
        answer = self.put_manifest(manifest, reference, **headers)
        assert answer.status_code == 201, answer.text
        content = json.dumps(manifest).encode()
        return {"mediaType": manifest["mediaType"], "digest": digest_of(content), "size": len(content)}

    def manifest(self, reference: str, method: str = "GET", **headers: str) -> requests.Response:
        return self.ask(method, f"manifests/{reference}", **headers)


def error(answer: requests.Response) -> tuple[int, str]:
    """Status and error code of an error response."""
    return answer.status_code, answer.json()["errors"][0]["code"]
