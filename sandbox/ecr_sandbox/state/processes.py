"""Command lines of processes. The system uses process ids again, so a process is checked before it is stopped."""

import subprocess
from pathlib import Path


def command_of(pid: int) -> str:
    """The command line of process *pid*, separated by blanks; empty if the process does not exist."""
    proc = Path("/proc")
    if (proc / "self").exists():  # a small Linux has no `ps`
        try:
            return (proc / str(pid) / "cmdline").read_text(errors="replace").replace("\0", " ").strip()
        except OSError:
            return ""
    return subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()


def running(text: str) -> list[int]:
    """The processes whose command lines contain *text*."""
    proc = Path("/proc")
    if (proc / "self").exists():
        return [int(each.name) for each in proc.glob("[0-9]*") if text in command_of(int(each.name))]
    listed = subprocess.run(["ps", "-axo", "pid=,command="], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if text in line]
