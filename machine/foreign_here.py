"""Nine images and nine containers of somebody else in the Docker engine, with names close to the course's."""

import io
import tarfile
import tempfile
from pathlib import Path

from machine.account import ACCOUNT, REGION
from machine.commands import run
from machine.project import settings
from machine.say import Stop

REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
IMAGES = (
    "demo-app-repo:theirs",
    "demo-app:latest",
    "demo-app-scans:theirs",
    "demo-other:v1",
    f"{REGISTRY}/demo-other:v1",
    f"{REGISTRY}/demo-app-repo-2:v1",
    f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/demo-app-repo:v1",
    f"{settings.OTHER_ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/demo-app-repo:v1",
    "my-app:v1",
)
CONTAINERS = (*(f"demo-{name}" for name in ("app", "other", "broken-2", "app-repo", "cluster")), "learn-ecr", "app")
CONTAINERS += ("learn-ecr-first-2", "my-demo-app")
OF_THE_COURSE = "LABEL org.opencontainers.image.title=demo-app"  # what clean-up looks for; of my-app only


def plant() -> None:
    """Make all of them; Stop if the engine refuses one."""
    remove()  # what a rehearsal left that was killed
    for name in IMAGES:
        label = OF_THE_COURSE if name.startswith("my-app") else "LABEL owner=somebody-else"
        load(name, label)
    for name in CONTAINERS:
        _docker("create", "--name", name, IMAGES[3], "true")


def load(name: str, label: str = "LABEL owner=somebody-else") -> None:
    """Give the engine an image of this name, of a single small file."""
    content = name.encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "root.tar")
        with tarfile.open(path, "w") as tar:
            entry = tarfile.TarInfo("theirs")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        _docker("import", "--change", label, str(path), name)


def remove() -> None:
    """Remove all of them."""
    run(["docker", "rm", "--force", *CONTAINERS])
    run(["docker", "rmi", "--force", *IMAGES])


def _docker(*command: str) -> None:
    got = run(["docker", *command])
    if got.returncode:
        raise Stop(f"docker {command[0]} failed: {got.stderr.strip()}")
