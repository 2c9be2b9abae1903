"""Small files that must never be found half-written: after a crash there is the old one, whole, or the new one."""

import os
from collections.abc import Callable
from pathlib import Path


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Put *text* in the place of what *path* held; on disk when this returns. Raises OSError, and then nothing changed.

    Not for two threads at once. Source: rename(2), and fsync(2) on the folder whose entry changed.
    """
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)  # a crash may have left one, with another mode
    number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(number, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(number)
    draft.replace(path)
    sync_folder(path.parent)


def secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in the file *path*, readable by its owner only; what *make* returns, if there is none yet."""
    try:
        kept = path.read_text()
    except FileNotFoundError:
        kept = ""
    if not kept:  # an empty one would be everybody's
        write_whole(path, make(), 0o600)
        kept = path.read_text()
    return kept


def sync_folder(folder: Path) -> None:
    """Let the names in *folder* survive a power cut."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
