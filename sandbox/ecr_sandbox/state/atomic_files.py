"""Small files that are written atomically: after a crash the file has its old content or the new one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace the content of *path* by *text*; on disk when this returns. Raises OSError, and then nothing changed.

    Two threads must not write the same file at the same time.
    Source: rename(2), and fsync(2) on the folder whose entry changed.
    """
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)  # a crash may have left one with another mode
    number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(number, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(number)
    draft.replace(path)
    sync_folder(path.parent)


def secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in the file *path*, which only its owner can read; *make* makes it if the file does not exist."""
    try:
        kept = path.read_text()
    except FileNotFoundError:
        kept = ""
    if not kept:  # an empty secret protects nothing
        write_whole(path, make(), 0o600)
        kept = path.read_text()
    return kept


def lock_file(path: Path) -> TextIO:
    """The file *path*, open to be locked; it is made, and never a link to another file. Raises OSError."""
    return open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644), "r+")


def sync_folder(folder: Path) -> None:
    """Write the names in *folder* to disk, so that they survive a power cut."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
