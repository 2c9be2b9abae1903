"""The cell magic ``%%live``: a bash cell whose output appears while its commands run."""

import os
import re
import signal
import subprocess
from collections.abc import Iterable, Iterator
from itertools import chain

from helpers.errors import refused_head

from .docker_output import steady


def register_magics(ipython) -> None:
    """Register the cell magic ``%%live`` with IPython."""
    ipython.register_magic_function(live, "cell", "live")


def live(line: str, cell: str) -> None:
    """Run a cell with bash, as ``%%bash`` does, and print its output while the commands run.

    Standard output and standard error are one stream; docker's progress is the same on every run (see ``steady``).
    A request that a registry refuses without a reason gets a line about the reason.
    A cell that fails does not raise: its output ends in the line ``(exit status N)``.
    """
    if line.strip():
        raise ValueError("%%live takes no options: put the commands on the lines below it.")
    shell = subprocess.Popen(
        ["bash", "-c", cell],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # so that an interrupt ends every process of the cell
    )
    assert shell.stdout  # because of PIPE
    try:
        # Everything goes through print: nbval does not see what a child process writes to an inherited stream.
        pieces = chain(_with_fixes(steady(_lines(shell.stdout), _build_args(cell))), _exit_status(shell))
        for text in paint(pieces):
            print(text, end="", flush=True)
    except BaseException:
        _end(shell)
        raise
    finally:
        shell.stdout.close()


def _lines(stream: Iterable[bytes]) -> Iterator[str]:
    for line in stream:
        yield line.decode(errors="replace").rstrip("\r\n").rpartition("\r")[2]


def _with_fixes(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if fix := refused_head(line):
            yield f"Fix: {fix}."


def _exit_status(shell: subprocess.Popen) -> Iterator[str]:
    if status := shell.wait():
        yield f"(exit status {status})"


def _end(shell: subprocess.Popen) -> None:
    for sign in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(shell.pid, sign)
            shell.wait(timeout=5)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _build_args(cell: str) -> dict[str, str]:
    """The cell's build arguments: the classic builder prints a FROM line without their values."""
    given = re.findall(r"""--build-arg[ =]["']?(\w+)=["']?([^\s"']+)""", cell)
    return {name: os.path.expandvars(value) for name, value in given}


def paint(pieces: Iterable[str]) -> Iterator[str]:
    """Pieces as text for a screen: the next piece overwrites a temporary one.

    A screen and nbval drop the text before a line's last carriage return: only the finished lines remain.
    """
    temporary = 0
    for piece in pieces:
        erase = f"\r{' ' * temporary}\r" if temporary else ""
        text = piece.rstrip("\r")
        temporary = len(text) if piece.endswith("\r") else 0
        yield erase + text + ("" if temporary else "\n")
    if temporary:
        yield f"\r{' ' * temporary}\r"
