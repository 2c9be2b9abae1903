"""The virtual environment `.venv`, with exactly the packages that requirements.lock names."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from machine import debian
from machine.commands import last_lines, run
from machine.project import ROOT, VENV
from machine.say import Stop, say

STAMP = VENV / "installed"
PYTHON = VENV / "bin" / "python"
# JupyterLab's default settings, and where it reads them: it does not ask whether to fetch its news, and it is dark
# where the browser is, as the course's pictures are.
DEFAULTS = Path(__file__).with_name("jupyterlab.json")
SETTINGS = VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
PIP = [
    str(PYTHON),
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-deps",
    "--no-input",
    "--disable-pip-version-check",
]


def missing() -> dict[str, str]:
    """The Debian package that is needed to create virtual environments, if it is missing."""
    if PYTHON.exists() or run([sys.executable, "-c", "import ensurepip, venv"]).returncode == 0:
        return {}
    if not debian.can_install():
        raise Stop(f"{sys.executable} cannot make virtual environments: install its venv and ensurepip modules.")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {f"python{version}-venv": "makes virtual environments"}


def ensure() -> None:
    """Install the locked packages into `.venv`, unless it is up to date, and JupyterLab's default settings."""
    _install_packages()
    SETTINGS.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DEFAULTS, SETTINGS)


def _install_packages() -> None:
    works = _works()
    if works and _stamped() == wanted():
        return
    if not works:
        say(f"Making .venv with {sys.executable}")
        must([sys.executable, "-m", "venv", "--clear", str(VENV)], "The virtual environment could not be made")
    count = sum("==" in line for line in (ROOT / "requirements.lock").read_text().splitlines())
    say(f"Installing up to {count} Python packages into .venv: about a minute the first time")
    failure = "Python packages could not be installed (run the same make again to continue)"
    must([*PIP, "--require-hashes", "--requirement", str(ROOT / "requirements.lock")], failure)
    # The build backend is in the lock, so nothing else is downloaded.
    projects = [argument for folder in (ROOT / "sandbox", ROOT) for argument in ("--editable", str(folder))]
    must([*PIP, "--no-build-isolation", *projects], failure)
    STAMP.write_text(wanted())


def wanted() -> str:
    """The content of the stamp of an up-to-date `.venv`: a hash of the three files, and the checkout's folder."""
    names = ("requirements.lock", "pyproject.toml", "sandbox/pyproject.toml")
    content = b"".join((ROOT / name).read_bytes() for name in names)
    return f"{hashlib.sha256(content).hexdigest()} {ROOT}\n"


def _stamped() -> str:
    return STAMP.read_text() if STAMP.exists() else ""


def _works() -> bool:
    # A system upgrade may remove the Python of .venv; moving the checkout breaks its scripts.
    moved = _stamped() and _stamped().split(" ", 1)[1] != f"{ROOT}\n"
    return not moved and run([str(PYTHON), "-c", "import pip"]).returncode == 0


def must(argv: list[str], failure: str) -> subprocess.CompletedProcess[str]:
    """Run a program; raises `Stop` with *failure* and the last lines if it fails."""
    got = run(argv)
    if got.returncode:
        raise Stop(f"{failure}:\n{last_lines(got.stdout + got.stderr)}")
    return got
