"""Free space on the disk that holds the state folder."""

import shutil
from pathlib import Path

ROOM_FOR_A_PUSH = 64 * 1024 * 1024  # bytes
FULL = "The disk that holds the sandbox is full. Nothing stored earlier is lost. Free some space and push again."


def has_room(folder: Path) -> bool:
    """Whether there is room for a push."""
    return shutil.disk_usage(folder).free >= ROOM_FOR_A_PUSH


def is_full(folder: Path, error: Exception) -> bool:
    """Whether *error* was raised because the disk of *folder* is full."""
    message = str(error).lower()
    return "no space left" in message or "disk is full" in message or not has_room(folder)
