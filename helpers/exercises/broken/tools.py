"""What several kinds use: real commands, the folder of a task, and repositories."""

import contextlib
import io
import os
import shutil
import subprocess
from pathlib import Path

from helpers import catch_up, settings, tiny_image
from helpers.cleanup import repositories
from helpers.cleanup.repositories import other_region  # noqa: F401
from helpers.errors import LabError
from helpers.lab import Lab
from helpers.shell import run_on

from .. import state_file

VARIABLE = "BROKEN"  # with it cells name the folder of the task


def last_line(command: str) -> str:
    """The last line that this bash command prints, with its errors."""
    return (run_on({}, command).splitlines() or [""])[-1]


def log_in(lab: Lab) -> None:
    """Log Docker in to the registry, if it is not; the task is about something else."""
    if not catch_up.is_logged_in(lab):
        docker("login", "--username", "AWS", "--password-stdin", lab.registry, stdin=lab.password())


def docker(*arguments: str, stdin: str = "") -> None:
    """Run this docker command; LabError with the last line of its output if it fails."""
    ran = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, text=True)
    if ran.returncode:
        error = (ran.stderr.strip() or ran.stdout.strip() or "no output").splitlines()[-1]
        raise LabError(f"docker {arguments[0]} failed: {error.rstrip('.')}.", "ecr-lab doctor")


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


def upload(ecr, repository: str, blob: bytes) -> None:
    """Upload this blob as one layer part, unless the repository has it."""
    digest, here = tiny_image.digest(blob), {"repositoryName": repository}
    found = ecr.batch_check_layer_availability(**here, layerDigests=[digest])["layers"]
    if found and found[0]["layerAvailability"] == "AVAILABLE":
        return
    started = {**here, "uploadId": ecr.initiate_layer_upload(**here)["uploadId"]}
    ecr.upload_layer_part(**started, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob)
    ecr.complete_layer_upload(**started, layerDigests=[digest])
