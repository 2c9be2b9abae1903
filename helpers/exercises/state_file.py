"""The small JSON files in the state folder that the exercises keep. They survive a restart of the kernel."""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from helpers import settings

PROGRESS, BROKEN = "progress.json", "broken.json"
FOLDER = "broken"  # the files of the tasks that prepare() makes


def read(name: str, is_valid: Callable[[object], bool]) -> dict | None:
    """The content of this file; None if it is missing or damaged."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((settings.state() / name).read_text())
        return found if is_valid(found) else None
    return None


def write(name: str, content: dict) -> None:
    """Replace this file in one step. OSError if it cannot be written."""
    new = settings.state() / f"{name}.new"
    new.write_text(json.dumps(content, indent=1))
    os.replace(new, settings.state() / name)


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock of this file, because several kernels may change it at the same time. OSError as for write()."""
    settings.state().mkdir(parents=True, exist_ok=True)
    with (settings.state() / f"{Path(name).stem}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def delete_all() -> None:
    """Delete the progress and the tasks that prepare() made, with their files; the registry does not change."""
    for name in (PROGRESS, BROKEN):
        (settings.state() / name).unlink(missing_ok=True)
    shutil.rmtree(settings.state() / FOLDER, ignore_errors=True)
