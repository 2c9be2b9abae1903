"""Seconds of the course as a regression suite, notebook by notebook."""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from helpers import settings


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds of each notebook under ``pytest --nbval`` (its kernel's start included), and of all."""
    figures: dict[str, list[float]] = {}
    for _ in range(runs):
        once = _run()
        for name, seconds in {**once, "all notebooks": sum(once.values())}.items():
            figures.setdefault(f"nbval: {name} (s)", []).append(seconds)
    return figures


def _run() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", "--nbval", "notebooks", f"--junit-xml={report}"]
        done = subprocess.run(command, cwd=settings.PROJECT, env=dict(os.environ), capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"The notebooks fail, so there is nothing to measure:\n{done.stdout[-3000:]}")
        seconds: dict[str, float] = {}
        for case in ElementTree.parse(report).iter("testcase"):
            name = re.search(r"(\d\d_\w+)", case.get("classname", ""))
            if name:
                seconds[name[1]] = seconds.get(name[1], 0) + float(case.get("time", 0))
    return seconds
