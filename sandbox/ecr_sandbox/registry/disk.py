"""Is the disk full? This is the only failure below the registry that has a message of its own."""

import shutil
from pathlib import Path

from ecr_sandbox.services.ecr.errors import DISK_FULL, Refusal

ROOM_FOR_A_PUSH = 64 * 1024 * 1024  # bytes


def has_room(folder: Path) -> bool:
    """Whether a push may begin."""
    return shutil.disk_usage(folder).free >= ROOM_FOR_A_PUSH


def is_full(folder: Path, error: Exception) -> bool:
    """Whether *error* came because the disk of *folder* is full."""
    said = str(error).lower()
    return "no space left" in said or "disk is full" in said or not has_room(folder)


def worded(folder: Path, error: Exception) -> Refusal:
    """The refusal for a failure below the registry: that the disk is full, or what the error says."""
    if is_full(folder, error):
        return DISK_FULL
    return Refusal(500, "UNKNOWN", f"The sandbox could not do this: {error}")
