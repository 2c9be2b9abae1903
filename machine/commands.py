"""Runs other programs, without output, and as root if no password is needed."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

# Folders of system programs; they are missing in the PATH of many users.
SYSTEM = ["/usr/sbin", "/sbin"]


def find(program: str) -> str | None:
    """The path of `program` in PATH or the system's folders; None if it is missing."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM]))


def run(
    argv: Sequence[str], limit: float | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `argv` and keep what it prints; the exit code is 127 for a missing program, 124 after a timeout."""
    try:
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit,
            env={**os.environ, **(env or {})},
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(argv, 127, "", f"{argv[0]} is not installed")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", f"{argv[0]} did not answer within {limit:.0f} s")


def as_root() -> list[str] | None:
    """The prefix of a command that needs root: nothing, or `sudo -n`; None if root is not available."""
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if run(["sudo", "-n", "true"], limit=10).returncode == 0 else None


def last_lines(text: str, count: int = 3) -> str:
    """The last `count` lines of `text` that are not empty, indented."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-count:])
