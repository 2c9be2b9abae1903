"""How long from the start of the sandbox to its ``ready`` line."""

import tempfile
import time
from pathlib import Path

from .processes import sandbox


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds, with an empty state folder and with the same one again."""
    first: list[float] = []
    again: list[float] = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            for figures in (first, again):
                start = time.perf_counter()
                with sandbox(Path(folder)):
                    figures.append(time.perf_counter() - start)
    return {"start to ready, empty state (s)": first, "start to ready, state of an earlier run (s)": again}
