"""Is the learner's disk full? The one failure below the registry that needs words of its own."""

import shutil
from pathlib import Path

from .errors import DISK_FULL, Refusal

ROOM_FOR_A_PUSH = 64 * 1024 * 1024  # bytes


def has_room(folder: Path) -> bool:
    """Whether a push may begin."""
    return shutil.disk_usage(folder).free >= ROOM_FOR_A_PUSH


def is_full(folder: Path, error: Exception) -> bool:
    """Whether *error* came because the disk of *folder* is full."""
    said = str(error).lower()
    return "no space left" in said or "disk is full" in said or not has_room(folder)


def worded(folder: Path, error: Exception) -> Refusal:
    """What the client hears of a failure below us: that the disk is full, or what it was."""
    if is_full(folder, error):
        return DISK_FULL
    return Refusal(500, "UNKNOWN", f"The sandbox could not do this: {error}")
