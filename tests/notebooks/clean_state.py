"""The state a learner starts from: an empty registry, no user, no login, none of the course's images in the engine."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ecr_sandbox import background, docker_engine
from ecr_sandbox.cli import USERS_DATA
from helpers import lab, settings
from helpers.cleanup.engine import TASK_CONTAINER
from helpers.exercises import state_file
from tests.notebooks import course

FOLDER = settings.PROJECT / ".sandbox-test"
PORT = "5150"
SEED = "0"  # prepare() breaks the same on each run
WARM = "learn-amazon-ecr-tests:warm"  # keeps the build cache, so that not every notebook installs Flask again
PRISTINE = "state.db.pristine"


def make() -> None:
    """Reset the tests' own sandbox to the state of a new one, and delete local images and logins."""
    pristine = settings.state() / PRISTINE
    _kill()
    _docker("rm", "--force", TASK_CONTAINER)
    docker_engine.remove_tasks(docker_engine.client(), settings.state())
    if not pristine.exists():
        _make_pristine(pristine)
    _restore(pristine)
    status = background.start(settings.sandbox())
    _warm()
    _delete_images([f"localhost:{port}" for port in status["ports"]])
    lab.enter_sandbox()


def make_on_aws() -> None:
    """Delete what the course made in the account and in the engine, as a learner would."""
    delete_progress()
    code = "from helpers.cli import main; main()"
    subprocess.run([sys.executable, "-c", code, "cleanup", "--target", "aws"], capture_output=True)
    _warm()


def _kill() -> None:
    """Kill the sandbox; its state is discarded."""
    if found := background.find(settings.sandbox()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found["pid"], signal.SIGKILL)


def _make_pristine(kept: Path) -> None:
    """Keep a copy of a new sandbox's state: its administrators and the mirror of the base image."""
    state = settings.state()
    for name in (*USERS_DATA, state_file.PROGRESS, state_file.BROKEN, state_file.FOLDER):
        shutil.rmtree(state / name, ignore_errors=True)
        with contextlib.suppress(OSError):
            (state / name).unlink()
    ecr = client(background.start(settings.sandbox())["endpoint"])
    end = time.monotonic() + 60
    while settings.base_image_layout().exists() and not _mirrored(ecr) and time.monotonic() < end:
        time.sleep(0.1)
    background.stop(settings.sandbox())  # this writes everything into one file
    shutil.copy(state / "state.db", kept)


def _mirrored(ecr) -> bool:
    with contextlib.suppress(ecr.exceptions.RepositoryNotFoundException):
        return bool(ecr.list_images(repositoryName=settings.MIRROR_REPOSITORY)["imageIds"])
    return False


def _restore(pristine: Path) -> None:
    state = settings.state()
    for name in ("state.db-wal", "state.db-shm", "docker/config.json", "aws/config", "aws/credentials"):
        (state / name).unlink(missing_ok=True)
    delete_progress()
    shutil.copy(pristine, state / "state.db")


def delete_progress() -> None:
    """Delete the learner's progress and tasks; the registry does not change."""
    state_file.delete_all()


def leave() -> None:
    """Stop the tests' sandbox and remove what the notebooks left in the engine; on AWS, `ecr-lab cleanup` does that."""
    _warm.cache_clear()
    found = background.find(settings.sandbox())
    on_aws = settings.target() == "aws"
    if not on_aws:
        _docker("rm", "--force", TASK_CONTAINER)
    if found:
        if not on_aws:
            _delete_images([f"localhost:{port}" for port in found["ports"]])
        if not os.environ.get("ECR_TUTORIAL_KEEP_WARM"):  # `make test` runs notebooks three times over
            _docker("rmi", "--force", *_docker("images", "--quiet", WARM.partition(":")[0]).stdout.split())
        if not on_aws:
            _docker("image", "prune", "--force", "--filter", "label=org.opencontainers.image.title=demo-app")
        background.stop(settings.sandbox())


@cache  # nothing removes it between two notebooks
def _warm() -> None:
    if _docker("image", "inspect", WARM).returncode:
        _docker("build", "-t", WARM, str(settings.PROJECT / "sample_app"))
    for path in course.PATHS:
        for cell in course.code(course.read(path)):
            if "build" in course.tags(cell):  # the same steps, under names that stay
                source = cell.source.replace("FROM demo-app-repo", f"FROM {WARM}")
                _bash(source.replace("demo-app-scan:", f"{WARM}-").removeprefix("%%bash"))


def _delete_images(registries: list[str]) -> None:
    names = list(_course_images(registries))
    if names:
        _docker("rmi", "--force", *names)


def _course_images(registries: list[str]) -> Iterator[str]:
    for line in _docker("images", "--format", "{{.Repository}} {{.Tag}} {{.Digest}}", "--digests").stdout.splitlines():
        name, tag, digest = line.split()
        registry, _, repository = name.rpartition("/") if name.count("/") < 2 else name.partition("/")
        if registry in registries and repository == settings.MIRROR_REPOSITORY:
            continue
        if registry in registries or name.split("/")[0].startswith("demo-app"):
            yield f"{name}:{tag}" if tag != "<none>" else f"{name}@{digest}"


def _bash(script: str) -> None:
    subprocess.run(["bash", "-c", script], capture_output=True)


def _docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True)


def client(endpoint: str):
    """boto3's ECR client for the sandbox at *endpoint*."""
    import boto3

    return boto3.client(
        "ecr",
        region_name=settings.REGION,
        endpoint_url=endpoint,
        aws_access_key_id=settings.ACCESS_KEY,
        aws_secret_access_key=settings.SECRET_KEY,
    )
