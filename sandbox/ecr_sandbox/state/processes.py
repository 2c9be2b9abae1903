"""What a process is: numbers are used again, so one is ended only when it is known to be ours."""

import subprocess
from pathlib import Path


def command_of(pid: int) -> str:
    """The command line of process *pid*, its words apart by blanks; empty when there is none."""
    proc = Path("/proc")
    if (proc / "self").exists():  # a small Linux has no `ps`
        try:
            return (proc / str(pid) / "cmdline").read_text(errors="replace").replace("\0", " ").strip()
        except OSError:
            return ""
    return subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()


def running(words: str) -> list[int]:
    """The processes in whose command lines *words* stand."""
    proc = Path("/proc")
    if (proc / "self").exists():
        return [int(each.name) for each in proc.glob("[0-9]*") if words in command_of(int(each.name))]
    listed = subprocess.run(["ps", "-axo", "pid=,command="], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if words in line]
