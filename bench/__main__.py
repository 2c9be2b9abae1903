"""Measures every part in one run, and prints the table of docs/benchmarks.md.

``python -m bench --runs 5 ready transfer notebooks`` measures only the named parts.
"""

import datetime
import os
import platform
import statistics
from collections.abc import Callable

import click

from . import authorization, console, crowd, growth, lifecycle, notebooks, ready, restart, scan, tasks, transfer

# Name of a figure, with its unit → the values of all runs.
Figures = dict[str, list[float]]
PARTS: dict[str, Callable[[int], Figures]] = {
    "ready": ready.measure,
    "authorization": authorization.measure,
    "transfer": transfer.measure,
    "crowd": crowd.measure,
    "growth": growth.measure,
    "restart": restart.measure,
    "tasks": tasks.measure,
    "scan": scan.measure,
    "lifecycle": lifecycle.measure,
    "console": console.measure,
    "notebooks": notebooks.measure,
}


@click.command()
@click.option("--runs", default=5, show_default=True, help="How often each thing is measured.")
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
def main(runs: int, parts: tuple[str, ...]) -> None:
    """Print median, smallest and largest of each figure as a Markdown table."""
    print(f"{datetime.date.today()}, {machine()}, {runs} runs each\n")
    print("| figure | median | min | max |\n|---|---|---|---|", flush=True)
    for part in parts or PARTS:
        for name, values in PARTS[part](runs).items():
            row = (statistics.median(values), min(values), max(values))
            print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in row) + " |", flush=True)


def machine() -> str:
    """The class of this machine: processors, memory, system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}"


if __name__ == "__main__":
    main()
