"""`make site` and `make slides`: the course as web pages, EPUB and PDF, and slides. They run no cell."""

import shutil
import subprocess
import sys
from pathlib import Path

from machine import clients, locked_venv
from machine.project import CACHE, ROOT
from machine.say import Stop, say

VENV = CACHE / "site" / "venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "docs" / "site" / "requirements.lock"
OTHERS = ("chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


def main() -> int:
    """`site` or `slides`: build it into the folder of this name, or the one that follows; return the exit code."""
    what, *more = sys.argv[1:]
    folder = Path(more[0]).resolve() if more else ROOT / what
    try:
        ensure()
    except Stop as stop:
        say(str(stop))
        return 1
    program = browser() if what == "site" else None
    arguments = [what, str(folder), *([program] if program else [])]
    status = subprocess.run([str(PYTHON), str(ROOT / "docs" / "site" / "build.py"), *arguments]).returncode
    if what == "site" and not program:
        say("There is no PDF, because neither Chromium nor Chrome is installed. Install one and run: make site")
    if status == 0:
        say(f"Open {folder / 'index.html'}")
    return status


def ensure() -> None:
    """Install Sphinx and what it needs into `.cache/site/venv`, unless that was done; raises `Stop`."""
    locked_venv.ensure(VENV, LOCK, "Installing Sphinx into .cache/site: half a minute, the first time")


def browser() -> str | None:
    """The path of a Chromium or Chrome, which prints the PDF; None if there is none."""
    return clients.find("chromium") or next(filter(None, map(shutil.which, (*OTHERS, MAC))), None)


if __name__ == "__main__":
    sys.exit(main())
