"""How long the pages of the web console take, with a thousand repositories and ten thousand images in another.

Beside each list stands the plain call of boto3 that reads the same from the API, in the same run. Processor time is
that of the sandbox; it says more than the other where the machine has other work.
"""

import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .growth import MANY, filled
from .processes import client, processor_seconds, sandbox

REPOSITORIES = 1000
LIST = "/ecr/private-registry/repositories"
IMAGES = "/ecr/repositories/private/many"
TURNS = 5  # of a page, of which the median counts
# Pages of each kind besides the two lists; {image} is a digest.
OTHERS = (
    *("/switch-user", "/ecr/create-repository", "/ecr/delete-repository?repository=many"),
    "/ecr/push-commands?repository=many",
    *(f"{IMAGES}/_/{page}" for page in ("permissions", "lifecycle-policy", "edit")),
    *(f"{IMAGES}/_/image/{{image}}", f"{IMAGES}/_/image/{{image}}/manifest"),
    *(f"/ecr/private-registry/{page}" for page in ("permissions", "scanning", "blob-mounting", "replication")),
    *(f"/ecr/private-registry/{page}" for page in ("pull-through-cache", "creation-templates")),
    "/ecr/public-registry/repositories",
    *(f"/iam/{page}" for page in ("users", "users/administrator", "groups", "roles", "policies", "access-denied")),
    *("/ecs/clusters", "/eventbridge/events", "/billing"),
)


def measure(runs: int) -> dict[str, list[float]]:
    """Milliseconds until a page is there: the first of a sandbox, and lists that have changed or have not."""
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        state = filled(Path(folder, "state"))
        for run in range(runs):
            with sandbox(state) as (host, process):
                if run == 0:
                    _create(host)
            with sandbox(state) as (host, process):
                for name, value in _Measurement(host, process.pid).figures().items():
                    figures.setdefault(name, []).append(value)
    return figures


def _create(host: str) -> None:
    ecr = client(host)
    for number in range(REPOSITORIES):
        ecr.create_repository(repositoryName=f"team/app-{number}")


class _Measurement:
    """What one sandbox takes."""

    def __init__(self, host: str, pid: int):
        self._host, self._pid, self._ecr = host, pid, client(host)
        self._images = {"repositoryName": "many", "maxResults": min(MANY, 100)}

    def figures(self) -> dict[str, float]:
        """The figures by name, in milliseconds; the first page is the first request of all."""
        repositories, images = f"console: {REPOSITORIES:,} repositories", f"console: {MANY:,} images"
        values = self._both("console: first page of a new sandbox", lambda: self._get(LIST))
        self._ecr.describe_repositories()
        values |= self._page(f"{repositories}, after a change", LIST)
        values |= self._page(f"{repositories}, the second page", f"{LIST}?page=2", changing=False)
        values |= self._turns(f"boto3: DescribeRepositories, {REPOSITORIES:,} repositories", self._describe)
        values |= self._page(f"{images}, after a change", IMAGES)
        values |= self._page(f"{images}, the second page", f"{IMAGES}?page=2", changing=False)
        values |= self._page(f"{images}, sorted by size, after a change", f"{IMAGES}?sort=size")
        values |= self._turns("boto3: DescribeImages, a page of 100", lambda: self._ecr.describe_images(**self._images))
        found = self._ecr.describe_images(**self._images)["imageDetails"]
        others = [self._page("", path.format(image=found[0]["imageDigest"])) for path in OTHERS]
        slowest = [max(each[name] for each in others) for name in others[0]]
        named = f"console: the slowest of {len(OTHERS)} other pages"
        return values | dict(zip((f"{named} (ms)", f"{named}, processor time (ms)"), slowest, strict=True))

    def _describe(self) -> None:
        self._ecr.describe_repositories(maxResults=1000)

    def _page(self, name: str, path: str, changing: bool = True) -> dict[str, float]:
        self._get(path)
        return self._turns(name, lambda: self._get(path), self._change if changing else None)

    def _turns(
        self, name: str, action: Callable[[], Any], before: Callable[[], None] | None = None
    ) -> dict[str, float]:
        taken = []
        for _ in range(TURNS):
            if before:
                before()
            taken.append(self._both(name, action))
        return {key: sorted(each[key] for each in taken)[TURNS // 2] for key in taken[0]}

    def _both(self, name: str, action: Callable[[], Any]) -> dict[str, float]:
        begun, worked = time.perf_counter(), processor_seconds(self._pid)
        action()
        taken = (time.perf_counter() - begun) * 1000
        spent = (processor_seconds(self._pid) - worked) * 1000
        return {f"{name} (ms)": taken, f"{name}, processor time (ms)": spent}

    def _change(self) -> None:
        tag = {"Key": "changed", "Value": str(time.time())}
        arn = self._ecr.describe_repositories(repositoryNames=["many"])["repositories"][0]["repositoryArn"]
        self._ecr.tag_resource(resourceArn=arn, tags=[tag])

    def _get(self, path: str) -> None:
        with urllib.request.urlopen(f"http://{self._host}/console{path}", timeout=60) as answer:
            answer.read()
