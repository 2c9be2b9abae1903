"""How long a start takes, to the sandbox's ``ready`` line; and that of plain moto and Distribution, to an answer."""

import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

from .processes import distribution, has_distribution, moto, sandbox


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds, with an empty state folder and with the same one again; the others', and their part of the first."""
    figures: dict[str, list[float]] = {}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            state, alone = Path(folder, "sandbox"), Path(folder, "alone")
            alone.mkdir()
            first, again = (seconds(sandbox(state)) for _ in range(2))
            others = {"plain moto": seconds(moto())}
            if has_distribution():
                others["Distribution alone"] = seconds(distribution(alone))
        values = {"start to ready, empty state (s)": first, "start to ready, state of an earlier run (s)": again}
        for name, taken in others.items():
            values |= {f"start, {name} (s)": taken, f"start, {name} / sandbox (ratio)": taken / first}
        for name, value in values.items():
            figures.setdefault(name, []).append(value)
    return figures


def seconds(registry: AbstractContextManager) -> float:
    """Until *registry* answers; it is ended at once."""
    begun = time.perf_counter()
    with registry:
        return time.perf_counter() - begun
