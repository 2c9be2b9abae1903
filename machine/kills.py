"""A learner's kernel is killed at a random moment; after `ecr-lab cleanup` everything is as it was before.

Every process of the learner gets SIGKILL, also while AWS executes a call that it has sent.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from machine import inventory
from machine.project import ROOT
from machine.rehearse import DECISIONS, KEPT
from machine.run_on_aws import CLEAN_UP
from machine.say import say

NOTEBOOKS = tuple(f"{number:02}" for number in range(16))
WITH_MOST = ("03", "13", "14", "15")  # of these, two moments each
MARK = "LEARN_AMAZON_ECR_KILLED"  # of each process of a learner: the number of the moment
LIMIT = 900.0  # seconds; a hang limit
POLL = 0.002
READS = ("Describe", "Get", "List", "BatchGet", "BatchCheck", "Simulate", "Start", "AssumeRole")
LEDGER = "ledger.json"
NOTHING = "none was left"
LOG = KEPT / "learners.log"  # what their notebooks print
MOST = {"call": 12, "note": 2, "second": 20}  # more come in few notebooks


class Moment(NamedTuple):
    """When a learner who runs this notebook is killed: at the *nth* event of a sort.

    ``note``: the ledger has a new entry, and nothing is made yet. ``call``: AWS has allowed a call that makes, changes
    or deletes something, and has not answered. ``second``: so many seconds after the first call.
    """

    number: int
    notebook: str
    event: str
    nth: int
    seed: str  # of what exercises break

    def __str__(self) -> str:
        return f"{self.number}. notebook {self.notebook}, {self.event} {self.nth}"


def moments(seed: int, count: int) -> list[Moment]:
    """So many moments over all notebooks; the same for the same seed."""
    drawn = random.Random(seed)
    notebooks = [*NOTEBOOKS, *WITH_MOST]
    notebooks = notebooks if count >= len(notebooks) else drawn.sample(notebooks, count)
    found = []
    for number in range(count):
        event = ("call", "note", "second")[number % 3]
        moment = notebooks[number % len(notebooks)], event, drawn.randint(1, MOST[event]), f"{seed}"
        found.append(Moment(number + 1, *moment))
    return found


def problems(moment: Moment, folder: Path, before: inventory.Inventory) -> Iterator[str]:
    """Kill a learner at this moment, clean up twice, and yield a sentence for each thing that is not as *before*."""
    temporary = tempfile.mkdtemp(dir=folder)
    environ = os.environ | {"TMPDIR": temporary, "ECR_TUTORIAL_SEED": moment.seed, MARK: str(moment.number)}
    state = Path(os.environ["ECR_TUTORIAL_STATE"])
    LOG.parent.mkdir(parents=True, exist_ok=True)
    while last := _run(moment, folder / DECISIONS, state / LEDGER, environ):
        say(f"{moment}: {last}")
        if last.startswith("killed") or moment.nth == 1:
            break
        moment = moment._replace(nth=1)
    try:
        for turn in ("first", "second"):
            got = subprocess.run(CLEAN_UP, cwd=ROOT, capture_output=True, text=True, env=os.environ | {MARK: "0"})
            if got.returncode:
                said = f"{got.stdout[-600:]}{got.stderr[-600:]}"
                yield f"{moment}: the {turn} clean-up ended with {got.returncode}: {said}"
        deleted = [line for line in got.stdout.splitlines() if "deleted" in line and NOTHING not in line]
        yield from (f"{moment}: the second clean-up still deleted something: {line}" for line in deleted)
        after = inventory.take(Path.home())
        yield from (f"{moment}: {change}" for change in inventory.differences(before, after))
        before.clear()  # the next moment does not report it again
        before.update(after)
        for login in _logins(state):
            yield f"{moment}: left a login of Docker for {login}"
        for path in (*files(Path(temporary)), *files(state / "computers")):
            yield f"{moment}: left a file: {path}"
        if noted := json.loads((state / LEDGER).read_text() if (state / LEDGER).exists() else "[]"):
            yield f"{moment}: the ledger still has {noted}"
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _run(moment: Moment, decisions: Path, ledger: Path, environ: Mapping[str, str]) -> str:
    """Run the notebook until the moment comes, and kill; what happened."""
    start = decisions.stat().st_size
    argv = [sys.executable, "-m", "tests.notebooks.run_answered", moment.notebook]
    with LOG.open("a") as log:
        learner = subprocess.Popen(argv, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        last = wait_for(moment, learner, decisions, start, ledger)
    finally:
        kill(f"{MARK}={moment.number}")
        learner.wait()
    return f"killed after {last}" if learner.returncode else "the notebook had ended before"


def wait_for(moment: Moment, learner: "subprocess.Popen[bytes]", decisions: Path, start: int, ledger: Path) -> str:
    """Return when the moment has come, or the notebook has ended: the last call."""
    until, first, calls, notes = time.monotonic() + LIMIT, 0.0, [""], set()
    with decisions.open() as log:
        log.seek(start)
        while learner.poll() is None and time.monotonic() < until:
            for line in log.read().splitlines():
                with contextlib.suppress(ValueError):  # the line is not whole yet
                    action = json.loads(line)["action"]
                    if not action.partition(":")[2].startswith(READS):
                        calls.append(action)
                        first = first or time.monotonic()
            if ledger.exists():
                notes.add(ledger.stat().st_mtime_ns)
            seconds = int(time.monotonic() - first) if first else 0
            if {"call": len(calls) - 1, "note": len(notes), "second": seconds}[moment.event] >= moment.nth:
                break
            time.sleep(POLL)
    return calls[-1] or "no call"


def kill(mark: str) -> None:
    """SIGKILL for every process that has *mark*, ``NAME=value``, in its environment, until there is none."""
    while found := [process for process in processes() if has(process, mark.encode())]:
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)
        time.sleep(POLL)


def processes() -> list[Path]:
    """The folders in /proc of all processes."""
    return list(Path("/proc").glob("[0-9]*"))


def has(process: Path, mark: bytes) -> bool:
    """Whether this process has *mark* in its environment."""
    try:
        return mark in (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended
        return False


def _logins(state: Path) -> list[str]:
    """The registries for which the course's own Docker configuration has a login or a credential helper."""
    path = state / "docker-on-aws" / "docker" / "config.json"
    config = json.loads(path.read_text()) if path.exists() else {}
    hosts = [*config.get("auths", {}), *config.get("credHelpers", {})]
    return [host for host in hosts if not host.endswith(".invalid")]


def files(folder: Path) -> list[Path]:
    """The files in *folder*, without those by which Jupyter connects to a kernel."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if b'"shell_port"' not in path.read_bytes())
