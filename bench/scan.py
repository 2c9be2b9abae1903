"""How long a scan of a 250 MB image takes, and how much it slows down a push."""

import hashlib
import json
import os
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

from .processes import client, peak_memory, sandbox

SIZE = 250_000_000  # bytes of the stored layers; twice as many unpacked
FILES = 20_000
NAME = "learn-amazon-ecr-bench"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI = "application/vnd.oci.image.manifest.v1+json"


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds from the push's last answer to the findings, and from the push's last request to its answer."""
    figures: dict[str, list[float]] = {}
    layers = [_system(), *(_files(part) for part in range(3))]
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder)) as (host, process):
            ecr = client(host)
            for repository, on_push in (("off", False), ("on", True)):
                ecr.create_repository(repositoryName=repository, imageScanningConfiguration={"scanOnPush": on_push})
                _upload(ecr, host, repository, layers)
            off, on = (_put(ecr, repository, layers) for repository in ("off", "on"))
            begun = time.perf_counter()
            _wait(ecr, "on")
            taken = time.perf_counter() - begun
            for name, value in {
                "scan of 250 MB, 20,000 files (s)": taken,
                "end of a push that is scanned (ms)": on * 1000,
                "end of a push that is not scanned (ms)": off * 1000,
                "most memory of the sandbox, scan included (MB)": peak_memory(process.pid),
            }.items():
                figures.setdefault(name, []).append(value)
    return figures


def _put(ecr: Any, repository: str, layers: list[bytes]) -> float:
    """Seconds that PutImage takes."""
    descriptors = [{"mediaType": LAYER, "digest": _digest(each), "size": len(each)} for each in layers]
    config = {"mediaType": CONFIG, "digest": _digest(b"{}"), "size": 2}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": descriptors})
    begun = time.perf_counter()
    ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag="v1")
    return time.perf_counter() - begun


def _upload(ecr: Any, host: str, repository: str, layers: list[bytes]) -> None:
    """Upload the layers over the registry protocol, as docker does."""
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    for content in (b"{}", *layers):
        begin = urllib.request.Request(f"http://{host}/v2/{repository}/blobs/uploads/", b"", method="POST")
        begin.add_header("Authorization", f"Basic {token}")
        with urllib.request.urlopen(begin) as answer:
            where = answer.headers["Location"]
        where = where if "://" in where else f"http://{host}{where}"
        end = urllib.request.Request(
            f"{where}{'&' if '?' in where else '?'}digest={_digest(content)}", content, method="PUT"
        )
        end.add_header("Authorization", f"Basic {token}")
        end.add_header("Content-Type", "application/octet-stream")
        urllib.request.urlopen(end).close()


def _wait(ecr: Any, repository: str) -> None:
    this = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    while ecr.describe_image_scan_findings(**this)["imageScanStatus"]["status"] == "IN_PROGRESS":
        time.sleep(0.1)  # polling takes time, too


def _system() -> bytes:
    packages = "".join(f"Package: package-{n}\nStatus: install ok installed\nVersion: 1.{n}-1\n\n" for n in range(300))
    app = {f"app/site-packages/p{n}-1.0.dist-info/METADATA": f"Name: p{n}\nVersion: 1.0\n" for n in range(200)}
    return _layer({"etc/os-release": 'ID=debian\nVERSION_ID="12"\n', "var/lib/dpkg/status": packages, **app}.items())


def _files(part: int) -> bytes:
    """A third of the files; they compress to half their size, like programs."""
    size = SIZE // FILES
    names = (f"usr/lib/{part}/{number}" for number in range(FILES // 3))
    return _layer((name, os.urandom(size) + bytes(size)) for name in names)


def _layer(files: Iterable[tuple[str, str | bytes]]) -> bytes:
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        for path, content in files:
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, BytesIO(data))
    return packed.getvalue()


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
