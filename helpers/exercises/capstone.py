"""The capstone: three exercises about an app that the learner ships, and the eight points of the certificate.

The learner enters the names of the resources with ``enter``. Each exercise checks a part of the points in points.py.
"""

from collections.abc import Callable
from typing import NamedTuple

from helpers import cleanup
from helpers import lab as labs
from helpers.lab import Lab

from . import evidence, points
from .checks import NotYet, exercise
from .evidence import Entry


class Point(NamedTuple):
    """One point of the certificate: its check, and the claims of the course that it shows."""

    title: str
    claims: tuple[str, ...]
    check: Callable[[Lab, Entry], str]


POINTS = {
    "1": Point("A repository of your own with immutable tags", ("C5", "C9", "C19", "C20"), points.repository),
    "2": Point("A role that may push there, and nothing else", ("C10", "C16", "C17"), points.pusher),
    "3": Point("Two releases of your own app", ("C4", "C18", "C23", "C24", "C25", "C26", "C27"), points.releases),
    "4": Point("Scans with every severe finding decided", ("C12", "C21"), points.scans_triaged),
    "5": Point("A rule that expires old images and keeps releases", ("C13",), points.lifecycle),
    "6": Point("A role that may pull, and not push", ("C10", "C11"), points.execution_role),
    "7": Point("Both releases on Fargate, and a rollback", ("C2", "C11"), points.rolled_back),
    "8": Point("Nothing that still runs, and no access key", ("C13", "C29"), points.closed),
}
PREPARED = ("1", "2", "3", "4", "5", "6")  # what must be true before a release runs

_entry = Entry("", (), "", "")


def enter(repository: str, releases: tuple[str, str], pusher: str, execution_role: str) -> None:
    """Enter the names of the resources to check; they are kept until the kernel ends."""
    global _entry
    _entry = Entry(repository, tuple(releases), pusher, execution_role)
    lab = labs.current()
    cleanup.note(lab, [("repository", repository), ("role", pusher), ("role", execution_role)])
    print(f"✔ to check: {repository}, releases {' and '.join(releases)}, roles {pusher} and {execution_role}")


def entry(releases: int = 2) -> Entry:
    """What was entered, with the first release or with both; NotYet before that."""
    if not all((*_entry, *_entry.releases)) or len(set(_entry.releases)) != 2:
        raise NotYet("the names are not complete", "run the cell with capstone.enter; a release has its own version")
    return _entry._replace(releases=_entry.releases[:releases])


@exercise("15.1")
def first_release(lab: Lab) -> str:
    """All is prepared as the brief asks, and a task on Fargate runs the first release."""
    mine = entry(1)
    _check_prepared(lab, mine)
    return points.runs(lab, mine, mine.releases[0])


@exercise("15.2")
def second_release(lab: Lab) -> str:
    """The second release meets the same rules, and runs instead of the first."""
    mine = entry()
    _check_prepared(lab, mine)
    first, second = mine.releases
    said = points.runs(lab, mine, second)
    if evidence.running(lab, mine, first):
        raise NotYet(f"a task still runs {first}", "notebook 13 replaces the tasks of a service")
    return f"{said}, and no task runs {first}"


@exercise("15.3")
def rollback_and_clean_up(lab: Lab) -> str:
    """The first release ran again after the second; then nothing runs any more."""
    mine = entry()
    _check_prepared(lab, mine)
    return f"{points.rolled_back(lab, mine)}; {points.closed(lab, mine)}"


def _check_prepared(lab: Lab, mine: Entry) -> None:
    for number in PREPARED:
        POINTS[number].check(lab, mine)
