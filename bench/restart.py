"""How long a start takes after the sandbox was killed, with ten thousand images."""

import os
import signal
import tempfile
import time
from pathlib import Path

from .growth import MANY, filled
from .processes import client, sandbox


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds from the start of the process to its ready line."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        state = filled(Path(folder, "state"))
        for run in range(runs):
            with sandbox(state) as (host, process):
                client(host).create_repository(repositoryName=f"before-the-kill-{run}")
                os.kill(process.pid, signal.SIGKILL)
            begun = time.perf_counter()
            with sandbox(state):
                seconds.append(time.perf_counter() - begun)
    return {f"start to ready after kill -9, {MANY:,} images (s)": seconds}
