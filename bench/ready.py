"""How long the sandbox takes to print ``ready``, and plain moto and Distribution to answer a request."""

import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

from .processes import distribution, has_distribution, moto, sandbox


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds with an empty and with an existing state folder; seconds of the others, and their ratio to the first."""
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
    """Seconds until *registry* answers; it is then stopped."""
    begun = time.perf_counter()
    with registry:
        return time.perf_counter() - begun
