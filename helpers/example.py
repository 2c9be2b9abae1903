"""A tiny image whose every byte is fixed, for lessons that look into an image before one was built.

Its digests are the same on every machine. It goes to the registry as `docker push` sends an image: layers
first, manifest last (OCI distribution-spec, "Pushing blobs"); the layers are plain tar files, not gzip,
because gzip's bytes differ between versions of zlib.
"""

import contextlib
import hashlib
import io
import json
import struct
import tarfile
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from ecr_sandbox.errors import LabError

if TYPE_CHECKING:
    from helpers.lab import Lab

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
INDEX = "application/vnd.oci.image.index.v1+json"
MACHINES = {"amd64": 62, "arm64": 183}  # e_machine of the ELF format: who may run a program
BASE_BYTES = 1_000_000


def put(lab: "Lab", repository: str, *tags: str, greeting: str = "Hello, registry!") -> None:
    """Put the example image into the repository under these tags, and say so."""
    blobs = layers(greeting)
    config, manifest = describe(blobs)
    sent = sum([_send(lab, repository, blob) for blob in blobs])
    _send(lab, repository, config)
    ecr = lab.client()
    for tag in tags:
        with contextlib.suppress(ecr.exceptions.ImageAlreadyExistsException):  # there already is as good
            ecr.put_image(
                repositoryName=repository,
                imageManifest=manifest.decode(),
                imageManifestMediaType=MANIFEST,
                imageTag=tag,
            )
    tagged = ", ".join(tags)
    print(f"✔ the example image is in {repository}, tagged {tagged}: {sent} of {len(blobs)} layers had to be sent")


def put_foreign(lab: "Lab", repository: str, architecture: str) -> None:
    """Put an image for another kind of processor there, alone as ``single`` and in an index as ``multi``; say so."""
    layer = _tar({"app/serve": _program(architecture)})
    about = {"architecture": architecture, "os": "linux", "config": {"Entrypoint": ["/app/serve"]}}
    config = _json({**about, "rootfs": {"type": "layers", "diff_ids": [digest(layer)]}})
    parts = {"config": _descriptor(CONFIG, config), "layers": [_descriptor(LAYER, layer)]}
    manifest = _json({"schemaVersion": 2, "mediaType": MANIFEST, **parts})
    platform = {"platform": {"os": "linux", "architecture": architecture}}
    listed = [{**_descriptor(MANIFEST, manifest), **platform}]
    index = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed})
    for blob in (layer, config):
        _send(lab, repository, blob)
    for tag, text, kind in (("single", manifest, MANIFEST), ("multi", index, INDEX)):
        lab.client().put_image(
            repositoryName=repository, imageManifest=text.decode(), imageManifestMediaType=kind, imageTag=tag
        )
    print(f"✔ an image for linux/{architecture} is in {repository}: alone as single, in an index as multi")


def layers(greeting: str) -> list[bytes]:
    """The two layers: a megabyte that stands for an operating system, and a greeting."""
    base = {
        "etc/os-release": b'PRETTY_NAME="A very small base"\n',
        "usr/lib/filler.bin": hashlib.shake_256(b"learn-amazon-ecr").digest(BASE_BYTES),
    }
    return [_tar(base), _tar({"app/greeting.txt": greeting.encode() + b"\n"})]


def describe(blobs: list[bytes]) -> tuple[bytes, bytes]:
    """The config and the manifest of the image that has these layers."""
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-01-01T00:00:00Z",
            "config": {"Cmd": ["cat", "/app/greeting.txt"], "WorkingDir": "/app"},
            "rootfs": {"type": "layers", "diff_ids": [digest(blob) for blob in blobs]},
        }
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _descriptor(CONFIG, config),
        "layers": [_descriptor(LAYER, blob) for blob in blobs],
    }
    return config, _json(manifest)


def digest(content: bytes) -> str:
    """The name of these bytes in a registry."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _send(lab: "Lab", repository: str, blob: bytes) -> bool:
    """Send the blob unless the repository has it; True when it was sent."""
    import requests

    base = f"{'http' if lab.target == 'sandbox' else 'https'}://{lab.registry}/v2/{repository}/blobs/"
    with requests.Session() as talk:
        talk.auth = ("AWS", lab.password())
        if talk.head(base + digest(blob), allow_redirects=True).status_code == 200:
            return False
        started = talk.post(base + "uploads/")
        _expect(started, 202)
        place = urljoin(base, started.headers["Location"])
        part = talk.patch(place, data=blob, headers={"Content-Type": "application/octet-stream"})
        _expect(part, 201, 202)  # ECR says 201
        place = urljoin(base, part.headers.get("Location", place))
        _expect(talk.put(place + ("&" if "?" in place else "?") + f"digest={digest(blob)}"), 201)
    return True


def _expect(answer, *statuses: int) -> None:
    if answer.status_code not in statuses:
        said = " ".join(answer.text.split())[:200]
        raise LabError(f"The registry answered {answer.status_code}: {said}", "ecr-lab doctor")


def _program(architecture: str) -> bytes:
    """The head of a program for this processor, which any other refuses (System V ABI, "ELF Header")."""
    head = struct.pack("<4sBBBB8xHHI", b"\x7fELF", 2, 1, 1, 0, 2, MACHINES[architecture], 1)
    return head + struct.pack("<QQQIHHHHHH", 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0) + bytes(56)


def _tar(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755 if content[:4] == b"\x7fELF" else 0o644
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _descriptor(media_type: str, blob: bytes) -> dict:
    return {"mediaType": media_type, "digest": digest(blob), "size": len(blob)}


def _json(content: dict) -> bytes:
    return json.dumps(content, indent=2).encode()
