"""Notices that a file which the sandbox has open was deleted, moved, replaced or cut: ``rm -rf`` of the state folder.

A process can write to such a file without an error, so what it acknowledges would be lost when it ends.
Sources: unlink(2): the file remains in existence until the last file descriptor referring to it is closed;
truncate(2): the file offset is not changed. SQLite makes none of the watched files smaller while they are open
(https://www.sqlite.org/walformat.html).
"""

import os
import stat
import threading
from pathlib import Path


class StateGone(OSError):
    """What was stored at *path* is there no more; nothing more can be stored."""

    def __init__(self, path: Path):
        super().__init__(f"{path} was deleted, moved, replaced or cut while the sandbox was running.")


class InPlace:
    """Files and folders that have to stay where they are. *gone* is set when one of them is found to be gone."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self.error: StateGone | None = None  # why it is set
        self._lock = threading.Lock()
        self._watched: dict[Path, os.stat_result] = {}

    def watch(self, *paths: Path) -> None:
        """Watch these *paths* too, which exist; what is there now is the right one."""
        with self._lock:
            self._watched |= {path: os.stat(path) for path in paths}

    def check(self) -> None:
        """Return if everything is in its place: some microseconds. Raises StateGone, and OSError if it is unknown."""
        with self._lock:
            for path, before in self._watched.items():
                now = _stat(path)
                if not now or not _is_same(before, now):
                    self.error = StateGone(path)
                    self.gone.set()
                    raise self.error
                self._watched[path] = now

    def end(self) -> None:
        """Watch nothing more: the files are closed, and SQLite deletes its log."""
        with self._lock:
            self._watched.clear()


def _stat(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_same(before: os.stat_result, now: os.stat_result) -> bool:
    is_cut = stat.S_ISREG(now.st_mode) and now.st_size < before.st_size
    return (before.st_dev, before.st_ino) == (now.st_dev, now.st_ino) and not is_cut
