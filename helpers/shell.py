"""A shell on another computer, as far as `aws` and `docker` can tell one from another: by its environment."""

import os
import subprocess
from collections.abc import Mapping

from helpers import show


def run_on(computer: Mapping[str, str] | None, command: str) -> str:
    """What *command* says there, errors too, without the lines that only show progress.

    *computer* is what its environment has beside that of this process; None if there is no such computer.
    """
    if computer is None:
        return "skipped: there is no second account here"
    shell = ["bash", "-c", f"exec 2>&1; {command}"]
    ran = subprocess.run(shell, env=os.environ | computer, capture_output=True, text=True)
    lines = show.steady(ran.stdout.splitlines())
    return "\n".join(line for line in lines if not line.endswith("\r")).strip()
