"""Runs ``worker.py`` as a child process, so that no image can use up the sandbox's memory or time."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import limits
from .layers import Unreadable
from .limits import TooMuch

COMMAND = (sys.executable, "-P", "-m", f"{__package__}.worker")  # -P: no module from the working directory


class Failed(Exception):
    """The scan failed for no reason of the image's."""


class TooSlow(TooMuch):
    """The scan needs more processor time than it was given."""


def scan(cpu_seconds: int = limits.CPU_SECONDS, **request: Any) -> dict[str, Any]:
    """The worker's answer to *request*; see there for both. Raises TooSlow, TooMuch, Unreadable and Failed.

    A process that is killed, by its limits or by the system that lacks memory, has read too much.
    """
    with subprocess.Popen(
        (*COMMAND, str(cpu_seconds)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(),
        start_new_session=True,
    ) as child:
        patience = threading.Timer(limits.SECONDS, child.kill)
        patience.start()
        try:
            text = _answer(child, request)
        finally:
            patience.cancel()
            child.kill()
    if len(text) > limits.ANSWER_BYTES:
        raise TooMuch(f"its packages and findings have more than {limits.ANSWER_BYTES} bytes")
    if child.returncode == -signal.SIGXCPU:
        raise TooSlow(f"it needs more than {cpu_seconds} seconds of processor time")
    if child.returncode < 0:
        raise TooMuch("it needs more memory or time than a scan may use")
    if child.returncode:
        raise Failed(f"the process of the scan ended with status {child.returncode}")
    answer: dict[str, Any] = json.loads(text)
    for name, error in (("too_much", TooMuch), ("unreadable", Unreadable), ("error", Failed)):
        if name in answer:
            raise error(answer[name])
    return answer


def _answer(child: subprocess.Popen[bytes], request: dict[str, Any]) -> bytes:
    assert child.stdin and child.stdout
    try:
        child.stdin.write(json.dumps(request).encode() + b"\n")
        child.stdin.flush()  # and it stays open: the child ends when it closes
    except BrokenPipeError:  # it has ended
        with suppress(BrokenPipeError):
            child.stdin.close()
    text = child.stdout.read(limits.ANSWER_BYTES + 1)
    if len(text) <= limits.ANSWER_BYTES:
        child.wait()
    return text


def _environment() -> dict[str, str]:
    """The worker runs the same code as this process, and needs no keys."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ours = str(Path(__file__).parents[4])
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (ours, os.environ.get("PYTHONPATH"))))}
