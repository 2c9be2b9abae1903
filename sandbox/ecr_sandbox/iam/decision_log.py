"""A log of IAM's decisions, one JSON object a line: what a program calls, as the base for its least policy."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

_lock = threading.Lock()
_file: Path | None = None


def write_to(file: Path) -> None:
    """Append every decision from now on to *file*."""
    global _file
    file.touch(0o600)
    _file = file


def note(principal: str, action: str, resource: str, allowed: bool) -> None:
    """Write one decision, if there is a log."""
    if _file:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        about = {"time": moment, "principal": principal, "action": action, "resource": resource, "allowed": allowed}
        with _lock, _file.open("a") as file:
            file.write(json.dumps(about) + "\n")
