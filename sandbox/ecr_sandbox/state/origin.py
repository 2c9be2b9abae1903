"""Programs and configuration in a state folder are used only if this user made them, in this folder, on this machine.

``bin/`` comes first in the isolated environment's PATH, and the configuration of ``aws`` and ``docker`` names programs
that they run (``credential_process``, ``[plugins]``, ``credHelpers``, CLI plugins). In an unpacked archive, a checkout
or a copy they could be another person's.

The mark of a folder is a file and, in a second one, the time when the system last changed the first one's inode. A
program cannot choose that time: a copy of both files has another one. Source: inode(7), st_ctime; utimensat(2).
Sources of what runs programs: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sourcing-external.html
and https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties.
"""

import fcntl
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .atomic_files import write_whole

RUN = ("bin", "aws", "docker")  # folders with programs, and with configuration that names programs
MARK, PROOF = "made-here", "made-here.proof"


def use_own_only(folder: Path) -> None:
    """Rename what others run, in the state *folder*, unless this user made it here; prints what was renamed."""
    with _locked(folder):
        if _is_own(folder):
            return
        for name in RUN:
            if os.path.lexists(folder / name):
                aside = _free_name(folder, name)
                (folder / name).rename(aside)
                print(
                    f"{folder / name} is not used, because you did not create it here; it is kept as {aside.name}.",
                    file=sys.stderr,
                )
        (folder / MARK).unlink(missing_ok=True)
        os.close(os.open(folder / MARK, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        write_whole(folder / PROOF, _proof(folder), 0o600)


def _is_own(folder: Path) -> bool:
    try:
        about = os.lstat(folder / MARK)
        own = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid()
        return own and (folder / PROOF).read_text() == _proof(folder)
    except (OSError, ValueError):
        return False


def _proof(folder: Path) -> str:
    about = os.lstat(folder / MARK)
    return f"{about.st_ino} {about.st_ctime_ns}"


def _free_name(folder: Path, name: str) -> Path:
    number = 1
    while os.path.lexists(folder / f"{name}.not-used-{number}"):
        number += 1
    return folder / f"{name}.not-used-{number}"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)
