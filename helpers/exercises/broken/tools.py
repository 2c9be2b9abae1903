"""What several kinds use: real commands, the folder of a task, and repositories."""

import contextlib
import io
import os
import shutil
from pathlib import Path

from helpers import settings, tiny_image
from helpers.cleanup import repositories
from helpers.cleanup.repositories import other_region  # noqa: F401
from helpers.lab import Lab
from helpers.shell import run_on

FOLDER = "BROKEN"  # the variable with which cells name the folder of the task


def last_line(command: str) -> str:
    """The last line that this bash command prints, with its errors."""
    return (run_on({}, command).splitlines() or [""])[-1]


def new_folder(number: str) -> Path:
    """An empty folder for the files of this exercise, which cells call ``$BROKEN``."""
    path = settings.state() / "broken" / number
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    os.environ[FOLDER] = str(path)
    return path


def ecr_in(region: str):
    """boto3's ECR client for this Region."""
    import boto3

    return boto3.client("ecr", region_name=region)


def delete_repository(ecr, name: str) -> None:
    """Delete the repository if there is one; LabError if this tutorial did not make it."""
    if repositories.exists(ecr, name):
        ecr.delete_repository(repositoryName=name, force=True)


def find_repository(ecr, name: str) -> dict | None:
    """The repository as ECR describes it, or None."""
    with contextlib.suppress(ecr.exceptions.RepositoryNotFoundException):
        return ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    return None


def put_image(lab: Lab, repository: str, *tags: str, greeting: str = "Hello, registry!") -> str:
    """Upload the tiny image with this greeting under these tags; its digest."""
    with contextlib.redirect_stdout(io.StringIO()):
        tiny_image.put(lab, repository, *tags, greeting=greeting)
    return tiny_image.digest(tiny_image.describe(tiny_image.layers(greeting))[1])
