"""Notices that a file which the sandbox has open was deleted, moved or replaced: ``rm -rf`` of the state folder.

A process can write to a deleted file without an error, so what it acknowledges would be lost when it ends.
Source: unlink(2): the file remains in existence until the last file descriptor referring to it is closed.
"""

import os
import threading
from pathlib import Path


class StateGone(OSError):
    """What was stored at *path* is there no more; nothing more can be stored."""

    def __init__(self, path: Path):
        super().__init__(f"{path} was deleted, moved or replaced while the sandbox was running.")


class InPlace:
    """Files and folders that have to stay where they are. *gone* is set when one of them is found to be gone."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self.error: StateGone | None = None  # why it is set
        self._lock = threading.Lock()
        self._watched: dict[Path, tuple[int, int]] = {}

    def watch(self, *paths: Path) -> None:
        """Watch these *paths* too, which exist; what is there now is the right one."""
        with self._lock:
            self._watched |= {path: _identity(path) for path in paths}

    def check(self) -> None:
        """Return if everything is in its place: some microseconds. Raises StateGone, and OSError if it is unknown."""
        with self._lock:
            for path, identity in self._watched.items():
                if not _is_there(path, identity):
                    self.error = StateGone(path)
                    self.gone.set()
                    raise self.error

    def end(self) -> None:
        """Watch nothing more: the files are closed, and SQLite deletes its log."""
        with self._lock:
            self._watched.clear()


def _is_there(path: Path, identity: tuple[int, int]) -> bool:
    try:
        return _identity(path) == identity
    except (FileNotFoundError, NotADirectoryError):
        return False


def _identity(path: Path) -> tuple[int, int]:
    about = os.stat(path)
    return about.st_dev, about.st_ino
