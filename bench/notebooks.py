"""How long each notebook takes under nbval."""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from helpers import settings

WARM_UP = "notebooks/07_tag_the_image.ipynb"


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds of each notebook under ``pytest --nbval`` (including the kernel start), and of all; with warm caches."""
    figures: dict[str, list[float]] = {}
    _run(WARM_UP, keep=True)
    for left in reversed(range(runs)):
        once = _run("notebooks", keep=bool(left))
        for name, seconds in {**once, "all notebooks": sum(once.values())}.items():
            figures.setdefault(f"nbval: {name} (s)", []).append(seconds)
    return figures


def _run(what: str, keep: bool) -> dict[str, float]:
    """Seconds per notebook; the build cache is kept for the next run, or removed."""
    environment = os.environ | ({"ECR_TUTORIAL_KEEP_WARM": "1"} if keep else {})
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", "--nbval", what, f"--junit-xml={report}"]
        done = subprocess.run(command, cwd=settings.PROJECT, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"The notebooks fail, so there is nothing to measure:\n{done.stdout[-3000:]}")
        seconds: dict[str, float] = {}
        for case in ElementTree.parse(report).iter("testcase"):
            name = re.search(r"(\d\d_\w+)", case.get("classname", ""))
            if name:
                seconds[name[1]] = seconds.get(name[1], 0) + float(case.get("time", 0))
    return seconds
