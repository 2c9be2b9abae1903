"""The small JSON files in the state folder that the course keeps. They survive a restart of the kernel."""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from helpers import settings


def read(name: str, is_valid: Callable[[object], bool]) -> Any:
    """The content of this file; None if it is missing or damaged."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((settings.state() / name).read_text())
        return found if is_valid(found) else None
    return None


def has_fields(found: object, kinds: Mapping[str, type]) -> bool:
    """Whether a file's content is an object with these fields, each of this type, and no other."""
    return isinstance(found, dict) and {name: type(value) for name, value in found.items()} == kinds


def write(name: str, content: dict | list) -> None:
    """Replace this file in one step; it is on disk when this returns, and only this user can read it.

    OSError if it cannot be written.
    """
    new = settings.state() / f"{name}.new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, settings.state() / name)


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock of this file, because several kernels may change it at the same time. OSError as for write()."""
    settings.state().mkdir(parents=True, exist_ok=True)
    with (settings.state() / f"{Path(name).stem}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
