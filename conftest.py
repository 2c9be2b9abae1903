"""Lets `pytest --nbval notebooks` run the course beside a learner's own sandbox, each notebook from a clean state."""

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from helpers import settings
from tests.notebooks import clean_state
from tests.notebooks.changes import what_changed

FIRST_CELL = pytest.StashKey[bool]()
SECONDS = pytest.StashKey[dict[str, float]]()
TEMPORARY = pytest.StashKey[str]()
LEFT = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--unclean`: run the notebooks on whatever the last run left, as a learner may."""
    parser.addoption("--unclean", action="store_true", help="do not clean the sandbox before each notebook")
    parser.addoption("--soak", action="store_true", help="run the tests marked `soak` whole instead of shortened")


@pytest.fixture(scope="session")
def soak(pytestconfig: pytest.Config) -> bool:
    """Whether a long test is to run whole (`make soak`) or shortened (`make test`)."""
    return pytestconfig.getoption("soak")


def pytest_configure(config: pytest.Config) -> None:
    """The notebooks' kernels inherit this environment: folders and a port of the tests' own."""
    if not config.getoption("nbval", default=False):
        return
    os.environ["TMPDIR"] = config.stash[TEMPORARY] = tempfile.mkdtemp()
    if settings.target() == "sandbox":
        os.environ["ECR_TUTORIAL_STATE"] = str(clean_state.FOLDER)
        os.environ["ECR_TUTORIAL_PORT"] = clean_state.PORT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the first cell of each notebook."""
    seen = set()
    for item in items:
        if type(item).__name__ == "IPyNbCell" and item.path not in seen:
            seen.add(item.path)
            item.stash[FIRST_CELL] = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item):
    """Before the first cell of a notebook: a registry and an engine without traces of the others.

    They are made while the notebook's kernel starts, which takes as long.
    """
    if not item.stash.get(FIRST_CELL, False) or settings.target() != "sandbox":
        return (yield)
    used = item.config.getoption("unclean") or os.environ.get("ECR_TUTORIAL_KEEP_STATE")
    with ThreadPoolExecutor(1) as beside:
        made = beside.submit(clean_state.forget_progress if used else clean_state.make)
        result = yield
        made.result()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Count the seconds of each notebook, and say in one line what a cell prints otherwise; `-v` has it whole."""
    report = yield
    if type(item).__name__ == "IPyNbCell":
        seconds = item.config.stash.setdefault(SECONDS, {})
        seconds[item.path.stem] = seconds.get(item.path.stem, 0) + call.duration
        change = _change(item) if report.failed and item.config.getoption("verbose") <= 0 else ""
        if change:
            report.longrepr = f"{item.path.name}, In [{item.cell.execution_count}]: {change}"
    return report


def _change(item: pytest.Item) -> str:
    """What a cell printed otherwise than is stored; empty when it did not come to its end, which nbval tells best."""
    if item.test_outputs is None or item.parent.timed_out:
        return ""
    return what_changed(item.cell.outputs, item.test_outputs, item.sanitize)


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """How long the notebooks took, all and the longest of them."""
    seconds = config.stash.get(SECONDS, {})
    if seconds:
        longest = max(seconds, key=lambda name: seconds[name])
        count = f"{len(seconds)} notebook{'s' if len(seconds) > 1 else ''}"
        terminalreporter.write_line(
            f"{count} in {sum(seconds.values()):.0f} s, of which {longest} took {seconds[longest]:.0f} s"
        )
    if left := config.stash.get(LEFT, None):
        terminalreporter.write_line(f"The notebooks left temporary files: {', '.join(left)}", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave nothing running, nothing in the engine and no file; a run whose notebooks left one has failed."""
    if not session.config.getoption("nbval", default=False):
        return
    if not os.environ.get("ECR_TUTORIAL_KEEP_STATE"):
        clean_state.leave()
    left = sorted(os.listdir(session.config.stash[TEMPORARY]))
    shutil.rmtree(session.config.stash[TEMPORARY])
    if left and session.exitstatus == pytest.ExitCode.OK:
        session.config.stash[LEFT] = left
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
