"""What the teacher's page shows of the learners."""

from collections.abc import Iterable
from typing import NamedTuple

from .learners import Learner, Learners
from .outline import outline, title


class Waiting(NamedTuple):
    """A learner whose check shows ✗."""

    name: str
    exercise: str
    notebook: str
    since: str
    tries: int


class Row(NamedTuple):
    """One learner."""

    name: str
    notebook: str
    at_check: str
    passed: int
    heard: str


class Count(NamedTuple):
    """How many learners reached a notebook (*exercise* is empty), or ran the check of an exercise."""

    notebook: str
    exercise: str
    here: int  # in the notebook now, or waiting at the check
    reached: int  # opened the notebook, or ran the check
    passed: int
    tries: int


def waiting(learners: Iterable[Learner], now: float) -> list[Waiting]:
    """The learners who wait at a check, the longest wait first."""
    found = [(each.exercises[each.waiting_at], each) for each in learners if each.waiting_at]
    found.sort(key=lambda pair: pair[0].failing_since)
    return [
        Waiting(
            each.name,
            each.waiting_at,
            title(each.waiting_at[:2]),
            duration(now - exercise.failing_since),
            exercise.tries,
        )
        for exercise, each in found
    ]


def rows(learners: Iterable[Learner], now: float) -> list[Row]:
    """All learners, in the order of their names."""
    return [
        Row(
            each.name,
            title(each.notebook) or "has joined",
            each.waiting_at,
            sum(exercise.passed for exercise in each.exercises.values()),
            ago(now - each.heard),
        )
        for each in learners
    ]


def counts(learners: Learners) -> list[Count]:
    """One for each notebook that a learner reached, followed by one for each of its exercises."""
    found = []
    for number, part in outline().items():
        reached = sum(number in each.notebooks for each in learners)
        if reached:
            here = sum(each.notebook == number for each in learners)
            found.append(Count(part.title, "", here, reached, 0, 0))
            found += [_of_exercise(learners, part.title, exercise) for exercise in part.exercises]
    return found


def summary(learners: Learners) -> str:
    """The state of the room in one sentence."""
    if not len(learners):
        return "No learner has joined yet."
    wait = sum(bool(each.waiting_at) for each in learners)
    joined = f"{len(learners)} learner{'' if len(learners) == 1 else 's'}"
    return f"{joined}, {wait or 'none'} waiting at a check."


def duration(seconds: float) -> str:
    """``"now"``, ``"3 min"`` or ``"1 h 5 min"``."""
    hours, minutes = divmod(max(0, int(seconds)) // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else "now"


def ago(seconds: float) -> str:
    """``"now"`` or ``"3 min ago"``."""
    passed = duration(seconds)
    return passed if passed == "now" else f"{passed} ago"


def _of_exercise(learners: Learners, title: str, number: str) -> Count:
    tried = [each.exercises[number] for each in learners if number in each.exercises]
    here = sum(each.waiting_at == number for each in learners)
    return Count(title, number, here, len(tried), sum(each.passed for each in tried), sum(each.tries for each in tried))
