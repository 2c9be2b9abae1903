"""A tiny image for lessons that examine an image before one is built; its digests are the same on every machine.

It is uploaded as `docker push` does it: layers first, manifest last (OCI distribution-spec, "Pushing blobs"). The
layers are plain tar files, because gzip's bytes differ between versions of zlib.
"""

import contextlib
import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Mapping
from urllib.parse import urljoin

from helpers.cleanup import repositories
from helpers.errors import LabError
from helpers.lab import Lab

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
INDEX = "application/vnd.oci.image.index.v1+json"
MACHINES = {"amd64": 62, "arm64": 183}  # e_machine in an ELF header: the processor that runs a program
BASE_BYTES = 1_000_000
EXAMPLE = {
    "architecture": "amd64",
    "os": "linux",
    "created": "2026-01-01T00:00:00Z",
    "config": {"Cmd": ["cat", "/app/greeting.txt"], "WorkingDir": "/app"},
}


def put(lab: Lab, repository: str, *tags: str, greeting: str = "Hello, registry!") -> None:
    """Upload the example image to the repository under these tags, and print so."""
    _refuse_foreign(lab, repository)
    blobs = layers(greeting)
    config, manifest = describe(blobs)
    uploaded = sum([_upload(lab, repository, blob) for blob in blobs])
    _upload(lab, repository, config)
    for tag in tags:
        _put_image(lab, repository, tag, manifest, MANIFEST)
    tagged = ", ".join(tags)
    print(f"✔ the example image is in {repository}, tagged {tagged}: {uploaded} of {len(blobs)} layers were uploaded")


def put_for_processor(lab: Lab, repository: str, architecture: str) -> None:
    """Upload an image for this processor, alone as ``single`` and in an index as ``multi``, and print so."""
    _refuse_foreign(lab, repository)
    layer = tar({"app/serve": _program(architecture)})
    settings = {"architecture": architecture, "os": "linux", "config": {"Entrypoint": ["/app/serve"]}}
    config, manifest = describe([layer], settings)
    platform = {"os": "linux", "architecture": architecture}
    listed = [{**_descriptor(MANIFEST, manifest), "platform": platform}]
    index = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed})
    for blob in (layer, config):
        _upload(lab, repository, blob)
    for tag, text, kind in (("single", manifest, MANIFEST), ("multi", index, INDEX)):
        _put_image(lab, repository, tag, text, kind)
    print(f"✔ an image for linux/{architecture} is in {repository}: alone as single, in an index as multi")


def layers(greeting: str) -> list[bytes]:
    """The two layers: a megabyte in place of an operating system, and a greeting."""
    base = {
        "etc/os-release": b'PRETTY_NAME="A very small base"\n',
        "usr/lib/filler.bin": hashlib.shake_256(b"learn-amazon-ecr").digest(BASE_BYTES),
    }
    return [tar(base), tar({"app/greeting.txt": greeting.encode() + b"\n"})]


def describe(blobs: list[bytes], settings: Mapping[str, object] = EXAMPLE) -> tuple[bytes, bytes]:
    """The config and the manifest of the image with these layers and the other *settings* of its config."""
    config = _json({**settings, "rootfs": {"type": "layers", "diff_ids": [digest(blob) for blob in blobs]}})
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _descriptor(CONFIG, config),
        "layers": [_descriptor(LAYER, blob) for blob in blobs],
    }
    return config, _json(manifest)


def digest(content: bytes) -> str:
    """The digest of these bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _refuse_foreign(lab: Lab, repository: str) -> None:
    """LabError on AWS if this tutorial did not make the repository: then nothing is pushed."""
    if lab.target == "aws":
        repositories.exists(lab.client(), repository)


def _put_image(lab: Lab, repository: str, tag: str, manifest: bytes, media_type: str) -> None:
    """Put the manifest or index under this tag, unless it is there already."""
    ecr, text = lab.client(), manifest.decode()
    with contextlib.suppress(ecr.exceptions.ImageAlreadyExistsException):
        ecr.put_image(repositoryName=repository, imageManifest=text, imageManifestMediaType=media_type, imageTag=tag)


def _upload(lab: Lab, repository: str, blob: bytes) -> bool:
    """Upload the blob unless the repository has it; True if it was uploaded."""
    import requests

    blobs = f"{lab.registry_url}/v2/{repository}/blobs/"
    with requests.Session() as session:
        session.auth = ("AWS", lab.password())
        if session.head(blobs + digest(blob), allow_redirects=True).status_code == 200:
            return False
        started = session.post(blobs + "uploads/")
        _expect(started, 202)
        upload = urljoin(blobs, started.headers["Location"])
        part = session.patch(upload, data=blob, headers={"Content-Type": "application/octet-stream"})
        _expect(part, 201, 202)  # ECR answers 201
        upload = urljoin(blobs, part.headers.get("Location", upload))
        _expect(session.put(upload + ("&" if "?" in upload else "?") + f"digest={digest(blob)}"), 201)
    return True


def _expect(answer, *statuses: int) -> None:
    if answer.status_code not in statuses:
        text = " ".join(answer.text.split())[:200]
        raise LabError(f"The registry answered {answer.status_code}: {text}", "ecr-lab doctor")


def _program(architecture: str) -> bytes:
    """The header of a program for this processor, which no other can run (System V ABI, "ELF Header")."""
    head = struct.pack("<4sBBBB8xHHI", b"\x7fELF", 2, 1, 1, 0, 2, MACHINES[architecture], 1)
    return head + struct.pack("<QQQIHHHHHH", 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0) + bytes(56)


def tar(files: dict[str, bytes]) -> bytes:
    """A tar archive of these files, ``{path: content}``."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755 if content[:4] == b"\x7fELF" else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _descriptor(media_type: str, blob: bytes) -> dict:
    return {"mediaType": media_type, "digest": digest(blob), "size": len(blob)}


def _json(content: dict) -> bytes:
    return json.dumps(content, indent=2).encode()
