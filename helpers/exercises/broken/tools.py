"""What several kinds use: real commands, the folder of a task, and repositories."""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from helpers import catch_up, ledger, settings
from helpers.cleanup import repositories
from helpers.cleanup.repositories import other_region  # noqa: F401
from helpers.lab import Lab
from helpers.ledger import Entry
from helpers.shell import run_on

from .. import state_file

VARIABLE = "BROKEN"  # with it cells name the folder of the task


def last_line(command: str) -> str:
    """The last line that this bash command prints, with its errors."""
    return (run_on({}, command).splitlines() or [""])[-1]


def log_in(lab: Lab) -> None:
    """Log Docker in to the registry, if it is not; the task is about something else."""
    if not catch_up.is_logged_in(lab):
        catch_up.log_in(lab)


def new_folder(number: str) -> Path:
    """An empty folder for the files of this exercise, which cells call ``$BROKEN``."""
    path = settings.state() / state_file.FOLDER / number
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    os.environ[VARIABLE] = str(path)
    return path


def ecr_in(region: str):
    """boto3's ECR client for this Region."""
    import boto3

    return boto3.client("ecr", region_name=region)


def delete_repository(ecr, name: str) -> None:
    """Delete the repository if there is one; LabError if this tutorial did not make it."""
    if repositories.exists(ecr, name):
        ecr.delete_repository(repositoryName=name, force=True)


def create_repository(lab: Lab, name: str, region: str = "", tags: Iterable[dict] = (), **options: Any) -> dict:
    """Note a repository with the tutorial's tag in the ledger, and create it; in the Lab's Region or another one."""
    ledger.note(Entry(lab.account, region or lab.region, "repository", name))
    tags = list(tags) or [settings.TAG]
    return ecr_in(region or lab.region).create_repository(repositoryName=name, tags=tags, **options)["repository"]


def find_repository(ecr, name: str) -> dict | None:
    """The repository as ECR describes it, or None."""
    with contextlib.suppress(ecr.exceptions.RepositoryNotFoundException):
        return ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    return None
