"""The disk that holds the state folder: its free space, and what an error of it means."""

import errno
import os
import shutil
import sqlite3
from pathlib import Path

ROOM_FOR_A_PUSH = 64 * 1024 * 1024  # bytes
FULL = "The disk that holds the sandbox is full. Nothing stored earlier is lost. Free some space and push again."


def has_room(folder: Path) -> bool:
    """Whether there is room for a push."""
    return shutil.disk_usage(mount_point(folder)).free >= ROOM_FOR_A_PUSH


def is_full(folder: Path, error: Exception) -> bool:
    """Whether *error* was raised because the disk of *folder* is full."""
    message = str(error).lower()
    return "no space left" in message or "disk is full" in message or not has_room(folder)


def explain(folder: Path, error: OSError | sqlite3.Error) -> tuple[str, str]:
    """What *error* says about the state *folder* or its disk, in one sentence, and how to fix it."""
    disk, message, code = mount_point(folder), str(error), getattr(error, "errno", None)
    if code in (errno.ENOSPC, errno.EDQUOT) or "disk is full" in message or _had_no_room(folder, message):
        return f"The disk {disk}, which holds {folder}, is full.", "Free some disk space"
    if code == errno.EROFS or os.statvfs(disk).f_flag & os.ST_RDONLY:
        return f"The disk {disk}, which holds {folder}, is read-only.", "Make it writable"
    if "locked" in message:
        return f"Another program locks the state file {folder / 'state.db'}.", "Close that program"
    what = getattr(error, "strerror", None) or message
    if not folder.is_dir():
        return f"The state folder {folder} cannot be written ({what}).", "Fix its permissions"
    where = getattr(error, "filename", None) or folder / "state.db"
    return f"The sandbox cannot use {where} ({what}).", "Fix its permissions, or remove it"


def mount_point(folder: Path) -> Path:
    """Where the disk is mounted that holds *folder*, which need not exist."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if os.path.ismount(each))


def _had_no_room(folder: Path, message: str) -> bool:
    """SQLite reports a full disk as an error of the disk, too, when it cannot extend its index."""
    return "disk I/O error" in message and shutil.disk_usage(mount_point(folder)).free == 0
