"""200 MB: pushed and pulled by docker, and uploaded and fetched by plain HTTP; to the sandbox and to Distribution."""

import base64
import hashlib
import http.client
import json
import os
import subprocess
import tarfile
import tempfile
import time
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

from .processes import client, distribution, has_distribution, peak_memory, sandbox

SIZE = 200_000_000  # incompressible bytes
NAME = "learn-amazon-ecr-bench"
PIECE = 1 << 20  # bytes that the plain client receives at a time


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds and ratios (Distribution's time over the sandbox's: 1.00 is as fast), and the sandbox's memory in MB.

    Without the program docker-registry there are no ratios.
    """
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, _image() as image:
        for run in range(runs):
            ours, theirs = Path(folder, f"sandbox-{run}"), Path(folder, f"distribution-{run}")
            theirs.mkdir()
            with sandbox(ours) as (host, process):
                ecr = client(host)
                ecr.create_repository(repositoryName=NAME)
                token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
                taken = _transfer(image, host, token, folder)
                memory = peak_memory(process.pid)
            for name, seconds in taken.items():
                figures.setdefault(f"{name} of 200 MB through the sandbox (s)", []).append(seconds)
            if has_distribution():
                with distribution(theirs) as (host, _process):
                    alone = _transfer(image, host, base64.b64encode(b"a:b").decode(), folder)
                for name, seconds in taken.items():
                    ratio = alone[name] / seconds
                    figures.setdefault(f"{name}, Distribution alone / sandbox (ratio)", []).append(ratio)
            figures.setdefault("most memory of the sandbox, all of these included (MB)", []).append(memory)
    return figures


def _transfer(image: str, host: str, token: str, folder: str) -> dict[str, float]:
    """Seconds of a push and of a pull of *image*, and of an upload and of a GET of a blob of that size."""
    config = Path(folder, "docker")
    config.mkdir(exist_ok=True)
    (config / "config.json").write_text(json.dumps({"auths": {host: {"auth": token}}}))
    there = f"{host}/{NAME}:v1"
    _docker("tag", image, there)
    push = _timed("push", there, config=config)
    _docker("rmi", there)
    _docker("rmi", image)
    pull = _timed("pull", there, config=config)
    _docker("tag", there, image)
    _docker("rmi", there)
    upload, get = _plain(host, token)
    return {"push": push, "pull": pull, "plain upload": upload, "plain GET": get}


def _plain(host: str, token: str) -> tuple[float, float]:
    """Seconds of an upload (POST and PUT) of a new blob, and of the GET of it, redirect included."""
    content = os.urandom(SIZE)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    login = {"Authorization": f"Basic {token}"}
    begun = time.perf_counter()
    started = _answer(host, "POST", f"/v2/{NAME}/blobs/uploads/", login)
    place = urlsplit(started.headers["Location"])
    query = f"{place.query}&" if place.query else ""
    done = _answer(host, "PUT", f"{place.path}?{query}digest={digest}", login, content)
    upload = time.perf_counter() - begun
    if done.status != 201:
        raise SystemExit(f"PUT to {host}: {done.status}")
    begun = time.perf_counter()
    found = _answer(host, "GET", f"/v2/{NAME}/blobs/{digest}", login)
    if found.status == 307:
        place = urlsplit(found.headers["Location"])
        found = _answer(place.netloc, "GET", f"{place.path}?{place.query}", {})
    buffer, received = memoryview(bytearray(PIECE)), 0
    while size := found.readinto(buffer):
        received += size
    get = time.perf_counter() - begun
    if received != SIZE:
        raise SystemExit(f"GET of {host}: {received} bytes")
    return upload, get


def _answer(
    host: str, method: str, path: str, headers: dict[str, str], content: bytes | None = None
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(host, timeout=600)
    connection.request(method, path, content, {"Content-Type": "application/octet-stream", **headers})
    return connection.getresponse()


class _image:
    """An image of one layer of random bytes, in the engine for as long as the block runs."""

    def __enter__(self) -> str:
        archive = BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            entry = tarfile.TarInfo("random")
            entry.size = SIZE
            tar.addfile(entry, BytesIO(os.urandom(SIZE)))
        subprocess.run(
            ["docker", "import", "-", f"{NAME}:local"], input=archive.getvalue(), check=True, capture_output=True
        )
        return f"{NAME}:local"

    def __exit__(self, *_: object) -> None:
        _docker("rmi", "-f", f"{NAME}:local")


def _timed(*arguments: str, config: Path) -> float:
    start = time.perf_counter()
    _docker("--config", str(config), *arguments)
    return time.perf_counter() - start


def _docker(*arguments: str) -> None:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"docker {' '.join(arguments)}: {done.stderr}")
