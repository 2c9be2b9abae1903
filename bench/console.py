"""How long the pages of the web console take, with a thousand repositories and ten thousand images."""

import tempfile
import time
import urllib.request
from pathlib import Path

from .growth import MANY, filled
from .processes import client, sandbox

REPOSITORIES = 1000
LIST = "/console/ecr/private-registry/repositories"
IMAGES = "/console/ecr/repositories/private/many"


def measure(runs: int) -> dict[str, list[float]]:
    """Milliseconds until a page is there: the first of a sandbox, and lists that have changed or have not."""
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        state = filled(Path(folder, "state"))
        for run in range(runs):
            with sandbox(state) as (host, _):
                if run == 0:
                    _create(host)
                for name, value in _pages(host).items():
                    figures.setdefault(name, []).append(value)
    return figures


def _create(host: str) -> None:
    ecr = client(host)
    for number in range(REPOSITORIES):
        ecr.create_repository(repositoryName=f"team/app-{number}")


def _pages(host: str) -> dict[str, float]:
    return {
        "first page of the console (ms)": _milliseconds(f"http://{host}/console/switch-user"),
        f"console: {REPOSITORIES:,} repositories, after a change (ms)": _milliseconds(f"http://{host}{LIST}"),
        "the same, the second page": _milliseconds(f"http://{host}{LIST}?page=2"),
        f"console: {MANY:,} images, after a change (ms)": _milliseconds(f"http://{host}{IMAGES}"),
        "the same images, the second page": _milliseconds(f"http://{host}{IMAGES}?page=2"),
    }


def _milliseconds(url: str) -> float:
    begun = time.perf_counter()
    with urllib.request.urlopen(url, timeout=60) as answer:
        answer.read()
    return (time.perf_counter() - begun) * 1000
