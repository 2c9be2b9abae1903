"""What the registry answers when the disk is full, or fails in another way."""

from pathlib import Path

from ecr_sandbox.state.disk import has_room, is_full

from .errors import DISK_FULL, Refusal

__all__ = ["has_room", "is_full", "refusal_for"]


def refusal_for(folder: Path, error: Exception) -> Refusal:
    """The answer to *error*: that the disk of *folder* is full, or what failed."""
    if is_full(folder, error):
        return DISK_FULL
    return Refusal(500, "UNKNOWN", f"The sandbox could not do this: {error}")
