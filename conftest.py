"""Lets `pytest --nbval notebooks` run each notebook from a clean state, without using the learner's own sandbox."""

import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from helpers import second_account, settings, skips
from tests.notebooks import clean_state, programs, record
from tests.notebooks.changes import what_changed

SECOND_ACCOUNT = "second-account"  # the tag of a cell that does nothing without one
FIRST_CELL = pytest.StashKey[bool]()
SECONDS = pytest.StashKey[dict[str, float]]()
TEMPORARY = pytest.StashKey[str]()
LEFT = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--unclean`: run the notebooks on the state that the last run left, as a learner may."""
    parser.addoption("--unclean", action="store_true", help="do not clean the sandbox before each notebook")
    parser.addoption("--soak", action="store_true", help="run the tests marked `soak` in full instead of shortened")


@pytest.fixture(scope="session")
def soak(pytestconfig: pytest.Config) -> bool:
    """Whether a long test runs in full (`make soak`) or shortened (`make test`)."""
    return pytestconfig.getoption("soak")


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment that the notebooks' kernels inherit: the tests' own folders and port."""
    if not config.getoption("nbval", default=False):
        return
    os.environ["TMPDIR"] = config.stash[TEMPORARY] = tempfile.mkdtemp()
    os.environ[settings.SEED] = clean_state.SEED
    if settings.target() == "sandbox":
        os.environ["ECR_TUTORIAL_STATE"] = str(clean_state.FOLDER)
        os.environ["ECR_TUTORIAL_PORT"] = clean_state.PORT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the first cell of each notebook. On AWS, do not compare the cells that do something else there."""
    seen = set()
    for item in items:
        if type(item).__name__ == "IPyNbCell" and settings.target() == "aws":
            item.options["check"] &= _is_compared_on_aws(item.cell.metadata.get("tags", ()))
        if type(item).__name__ == "IPyNbCell" and item.path not in seen:
            seen.add(item.path)
            item.stash[FIRST_CELL] = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item):
    """Before the first cell of a notebook, restore a clean registry and engine.

    This happens while the notebook's kernel starts, which takes as long.
    """
    if not item.stash.get(FIRST_CELL, False):
        return (yield)
    if settings.target() != "sandbox":
        if not item.config.getoption("unclean"):
            clean_state.make_on_aws()
        result = yield
        item.parent.sanitize_patterns.update(record.patterns(record.AWS))
        _compare_names(item.parent.sanitize_patterns)
        _compare_with_other_docker(item.parent)
        return result
    used = item.config.getoption("unclean") or os.environ.get("ECR_TUTORIAL_KEEP_STATE")
    with ThreadPoolExecutor(1) as executor:
        made = executor.submit(clean_state.delete_progress if used else clean_state.make)
        result = yield
        made.result()
    _compare_with_other_docker(item.parent)
    return result


def _is_compared_on_aws(tags: Sequence[str]) -> bool:
    """Whether a cell with these tags does on AWS what it did when it was recorded."""
    return skips.TAG not in tags and (SECOND_ACCOUNT not in tags or second_account.PROFILE in os.environ)


def _compare_names(patterns: OrderedDict[str, str]) -> None:
    """Put first among *patterns* those that replace the names of a run with a prefix of its own."""
    for pattern, replacement in reversed(record.of_the_prefix(settings.PREFIX)):
        patterns[pattern] = replacement
        patterns.move_to_end(pattern, last=False)


def _compare_with_other_docker(notebook) -> None:
    """Allow other words for the same facts if this Docker is not of the kind with which the outputs are recorded."""
    if not programs.is_recorded_kind():
        notebook.sanitize_patterns.update(record.patterns(record.OTHER_DOCKER))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Add up the seconds of each notebook, and report a changed output in one line; `-v` shows it in full."""
    report = yield
    if type(item).__name__ == "IPyNbCell":
        seconds = item.config.stash.setdefault(SECONDS, {})
        seconds[item.path.stem] = seconds.get(item.path.stem, 0) + call.duration
        change = _change(item) if report.failed and item.config.getoption("verbose") <= 0 else ""
        if change:
            report.longrepr = f"{item.path.name}, In [{item.cell.execution_count}]: {change}"
    return report


def _change(item: pytest.Item) -> str:
    """How a cell's output differs from the stored one; empty if the cell did not finish, which nbval reports itself."""
    if item.test_outputs is None or item.parent.timed_out:
        return ""
    return what_changed(item.cell.outputs, item.test_outputs, item.sanitize)


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Print how long all notebooks took, the slowest one, and the programs with which they ran."""
    seconds = config.stash.get(SECONDS, {})
    if seconds:
        longest = max(seconds, key=lambda name: seconds[name])
        count = f"{len(seconds)} notebook{'s' if len(seconds) > 1 else ''}"
        terminalreporter.write_line(
            f"{count} in {sum(seconds.values()):.0f} s, of which {longest} took {seconds[longest]:.0f} s"
        )
        terminalreporter.write_line(f"They ran with {programs.in_use()}")
    if left := config.stash.get(LEFT, None):
        terminalreporter.write_line(f"The notebooks left temporary files: {', '.join(left)}", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the sandbox and delete its images; the run fails if a notebook left a temporary file."""
    if not session.config.getoption("nbval", default=False):
        return
    if not os.environ.get("ECR_TUTORIAL_KEEP_STATE"):
        clean_state.leave()
    left = sorted(os.listdir(session.config.stash[TEMPORARY]))
    shutil.rmtree(session.config.stash[TEMPORARY])
    if left and session.exitstatus == pytest.ExitCode.OK:
        session.config.stash[LEFT] = left
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
