"""Run other programs: found where they are, quietly, as root where that is possible without asking."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

# Where system programs are; many a user's PATH lacks these.
SYSTEM = ["/usr/sbin", "/sbin"]


def find(program: str) -> str | None:
    """The path of `program`, looked for in PATH and the system's folders; else None."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM]))


def run(
    argv: Sequence[str], limit: float | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `argv` and keep what it prints; the code is 127 for a missing program, 124 for one too slow."""
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
    """What goes before a command that needs root: nothing, or `sudo -n`; None if root is out of reach."""
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if run(["sudo", "-n", "true"], limit=10).returncode == 0 else None


def last_lines(text: str, count: int = 3) -> str:
    """The last `count` lines of `text` that are not empty, indented."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-count:])
