"""The state a learner starts from: an empty registry, no login, none of the course's images in the engine."""

import os
import subprocess
from collections.abc import Iterator

from helpers import background, lab, settings

FOLDER = settings.PROJECT / ".sandbox-test"
PORT = "5150"
WARM = "learn-amazon-ecr-tests:warm"  # holds the build's cache, so that notebooks do not each install Flask again


def make() -> None:
    """Empty the tests' own sandbox (it is started if it does not run) and forget local images and the login."""
    background.start()
    status, new, _ = lab.enter_sandbox()
    _warm()
    ecr = client(status["endpoint"])
    for repository in ecr.describe_repositories()["repositories"]:
        if repository["repositoryName"] != settings.MIRROR_REPOSITORY:
            ecr.delete_repository(repositoryName=repository["repositoryName"], force=True)
    _forget_images(new["REGISTRY"])
    # mirror-known: a push that is refused makes the engine forget where it could have mounted a layer from.
    for kept in ("docker/config.json", "aws/config", "mirror-known"):
        (settings.state() / kept).unlink(missing_ok=True)


def leave() -> None:
    """Stop the tests' sandbox and remove what the notebooks left in the engine."""
    found = background.find()
    if found:
        _forget_images(f"localhost:{found['port']}")
        if not os.environ.get("ECR_TUTORIAL_KEEP_WARM"):  # `make test` runs notebooks three times over
            _docker("rmi", "--force", WARM)
        _docker("image", "prune", "--force", "--filter", "label=org.opencontainers.image.title=demo-app")
        background.stop()


def _warm() -> None:
    if _docker("image", "inspect", WARM).returncode:
        _docker("build", "-t", WARM, str(settings.PROJECT / "sample_app"))


def _forget_images(registry: str) -> None:
    names = list(_course_images(registry))
    if names:
        _docker("rmi", "--force", *names)


def _course_images(registry: str) -> Iterator[str]:
    for line in _docker("images", "--format", "{{.Repository}} {{.Tag}} {{.Digest}}", "--digests").stdout.splitlines():
        repository, tag, digest = line.split()
        ours = repository.removeprefix(f"{registry}/").split("/")[0]
        if repository.startswith(f"{registry}/{settings.MIRROR_REPOSITORY}"):
            continue
        if repository.startswith(f"{registry}/") or ours.startswith("demo-app"):
            yield f"{repository}:{tag}" if tag != "<none>" else f"{repository}@{digest}"


def _docker(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *words], capture_output=True, text=True)


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
