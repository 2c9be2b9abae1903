"""Push and pull of a 200 MB image: through the sandbox, and to Distribution alone, in turn."""

import base64
import json
import os
import subprocess
import tarfile
import tempfile
import time
from io import BytesIO
from pathlib import Path

from .processes import client, distribution, peak_memory, sandbox

SIZE = 200_000_000  # bytes, of which nothing can be compressed
NAME = "learn-amazon-ecr-bench"


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds and ratios (Distribution's time over the sandbox's: 1.00 is as fast), and the sandbox's memory in MB."""
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, _image() as image:
        for run in range(runs):
            ours, theirs = Path(folder, f"sandbox-{run}"), Path(folder, f"distribution-{run}")
            theirs.mkdir()
            with sandbox(ours) as (host, process):
                ecr = client(host)
                ecr.create_repository(repositoryName=NAME)
                token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
                push, pull = _transfer(image, host, token, folder)
                memory = peak_memory(process.pid)
            with distribution(theirs) as (host, _process):
                push_alone, pull_alone = _transfer(image, host, base64.b64encode(b"a:b").decode(), folder)
            for name, value in {
                "push of 200 MB through the sandbox (s)": push,
                "push, Distribution alone / sandbox (ratio)": push_alone / push,
                "pull of 200 MB through the sandbox (s)": pull,
                "pull, Distribution alone / sandbox (ratio)": pull_alone / pull,
                "most memory of the sandbox, push and pull included (MB)": memory,
            }.items():
                figures.setdefault(name, []).append(value)
    return figures


def _transfer(image: str, host: str, token: str, folder: str) -> tuple[float, float]:
    """Seconds of a push and of a pull of *image*."""
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
    return push, pull


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


def _timed(*words: str, config: Path) -> float:
    start = time.perf_counter()
    _docker("--config", str(config), *words)
    return time.perf_counter() - start


def _docker(*words: str) -> None:
    done = subprocess.run(["docker", *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"docker {' '.join(words)}: {done.stderr}")
