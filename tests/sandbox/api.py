"""Uploads of layers and images with boto3, without docker."""

import hashlib
import json
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from helpers import settings
from tests.sandbox.conftest import ADMINISTRATOR, Sandbox

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar"
PART = 5 * 1024 * 1024  # bytes; the minimum for every part except the last


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def upload(ecr: Any, repository: str, *parts: bytes) -> str:
    """Upload a layer in *parts*; its digest."""
    begun = ecr.initiate_layer_upload(repositoryName=repository)
    about = {"repositoryName": repository, "uploadId": begun["uploadId"]}
    first = 0
    for part in parts:
        last = first + len(part) - 1
        ecr.upload_layer_part(**about, partFirstByte=first, partLastByte=last, layerPartBlob=part)
        first = last + 1
    digest = digest_of(b"".join(parts))
    assert ecr.complete_layer_upload(**about, layerDigests=[digest])["layerDigest"] == digest
    return digest


def manifest(config: bytes = b"{}", layers: tuple[bytes, ...] = (), **more: Any) -> dict[str, Any]:
    """The manifest of an image whose blobs are uploaded; *more* are further fields.

    ECR requires a layer: without *layers*, the config is one, too.
    """
    return {
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": TAR, "digest": digest_of(each), "size": len(each)} for each in layers or (config,)],
        **more,
    }


def put(ecr: Any, repository: str, content: dict[str, Any] | str, tag: str | None = None) -> str:
    """Call PutImage; the image's digest."""
    text = content if isinstance(content, str) else json.dumps(content)
    more = {"imageTag": tag} if tag else {}
    return ecr.put_image(repositoryName=repository, imageManifest=text, **more)["image"]["imageId"]["imageDigest"]


def image(ecr: Any, repository: str, name: str, tag: str | None = None, **more: Any) -> str:
    """Put an image that differs by its *name* only; its digest. Upload its config before: ``upload(b"{}")``."""
    return put(ecr, repository, manifest(annotations={"name": name}, **more), tag)


def index(*children: str) -> dict[str, Any]:
    """An index of the images with these digests."""
    return {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{"mediaType": OCI, "digest": each, "size": 1} for each in children],
    }


def raw(sandbox: Sandbox, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Status and JSON of a signed call with any *body*, also one that boto3 refuses to send."""
    headers = {
        "X-Amz-Target": f"AmazonEC2ContainerRegistry_V20150921.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
    }
    request = AWSRequest("POST", sandbox.url + "/", headers, body)
    SigV4Auth(Credentials(*ADMINISTRATOR), "ecr", settings.REGION).add_auth(request)
    sent = {name.replace("-", "_"): str(value) for name, value in request.headers.items()}
    status, _, answer = sandbox.http("POST", "/", body, **sent)
    return status, json.loads(answer)
