"""Runs a command as on another computer: ``aws`` and ``docker`` know a computer by its environment only."""

import atexit
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from helpers import settings, show

if TYPE_CHECKING:
    from helpers.lab import Lab

FOLDER = "computers"  # in the state folder, where clean-up deletes what a killed kernel has left
_folders: list[str] = []


def computer(key: Mapping[str, str]) -> dict[str, str]:
    """The variables of a computer that has only this access key, and whose Docker is not logged in anywhere.

    *key* is an ``AccessKey`` of ``create_access_key`` or the ``Credentials`` of ``assume_role``. ``DOCKER_CONFIG`` is a
    new folder, where Docker stores its logins.
    """
    (settings.state() / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(dir=settings.state() / FOLDER)
    _folders.append(folder)
    # An entry for another host keeps Docker from choosing a credential store, which all computers here would share.
    Path(folder, "config.json").write_text('{"auths": {"nowhere.invalid": {}}}')
    return {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_SESSION_TOKEN": key.get("SessionToken", ""),
        "DOCKER_CONFIG": folder,
    }


@atexit.register
def delete_computers() -> None:
    """Delete the folders with the logins of all computers."""
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


def run_on(computer: Mapping[str, str] | None, command: str) -> str:
    """The output of *command* there, with its errors and without lines that only show progress.

    *computer* holds the variables that differ from this process's environment; None if there is no such computer.
    """
    if computer is None:
        return "skipped: there is no second account here"
    shell = ["bash", "-c", f"exec 2>&1; {command}"]
    ran = subprocess.run(shell, env=os.environ | computer, capture_output=True, text=True)
    lines = show.steady(ran.stdout.splitlines())
    return "\n".join(line for line in lines if not line.endswith("\r")).strip()


def run_until(lab: "Lab", what: str, expected: str, computer: Mapping[str, str] | None, command: str) -> str:
    """The output of *command* there; on AWS it runs again until *expected*, a regular expression, is in its output.

    *what* says what is waited for, as in ``wait_for``, which raises LabError if that takes too long.
    """
    said = ""

    def attempt() -> bool:
        nonlocal said
        said = run_on(computer, command)
        return computer is None or bool(re.search(expected, said))

    lab.wait_for(what, attempt)
    return said
