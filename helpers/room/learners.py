"""The learners of a room, and what each has sent. Plain data and rules: no network, no files, no clock."""

import hmac
from dataclasses import asdict, dataclass, field
from typing import Any

from .message import Message, check_name

MOST_LEARNERS = 300
BURST = 20  # messages that a learner may send at the same time
PER_SECOND = 1  # messages for each second after that


class Refused(Exception):
    """The room does not accept this; *status* is HTTP's."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


@dataclass
class Exercise:
    """What a learner did with one exercise."""

    tries: int = 0
    passed: bool = False
    failing_since: float = 0.0  # Unix seconds of the first ✗


@dataclass
class Learner:
    """One learner. Times are in Unix seconds."""

    name: str
    key: str
    heard: float
    notebook: str = ""  # where the learner is; empty until the first message
    waiting_at: str = ""  # the exercise whose check showed ✗ last, until it passes or another notebook begins
    notebooks: list[str] = field(default_factory=list)  # all that the learner opened
    exercises: dict[str, Exercise] = field(default_factory=dict)
    left: float = BURST  # messages that the learner may still send


class Learners:
    """All learners of a room."""

    def __init__(self) -> None:
        self._all: dict[str, Learner] = {}

    def __iter__(self):
        return iter(sorted(self._all.values(), key=lambda each: each.name.casefold()))

    def __len__(self) -> int:
        return len(self._all)

    def join(self, name: str, key: str, now: float) -> None:
        """Add a learner. Again with the same key changes nothing. Raises Refused."""
        try:
            check_name(name)
        except ValueError as error:
            raise Refused(400, str(error)) from None
        known = self._all.get(_id(name))
        if known and not _same(known.key, key):
            raise Refused(409, f"A learner in the room has the name {name}. Choose another one.")
        if not known and len(self) >= MOST_LEARNERS:
            raise Refused(503, f"The room is full: it has {MOST_LEARNERS} learners.")
        if not known:
            self._all[_id(name)] = Learner(name, key, now)

    def note(self, message: Message, key: str, now: float) -> None:
        """Keep what a learner sent. Raises Refused for a learner who did not join, or sends too much."""
        learner = self.of(message.name, key)
        _count_message(learner, now)
        if message.notebook not in learner.notebooks:
            learner.notebooks.append(message.notebook)
        if not message.exercise:
            if learner.notebook != message.notebook:
                learner.waiting_at = ""
            learner.notebook = message.notebook
            return
        exercise = learner.exercises.setdefault(message.exercise, Exercise())
        if message.tries < exercise.tries:  # an older message that arrives later
            return
        learner.notebook = message.notebook
        _note_check(learner, exercise, message, now)

    def of(self, name: str, key: str) -> Learner:
        """The learner with this name and key. Raises Refused."""
        learner = self._all.get(_id(name))
        if not learner or not _same(learner.key, key):
            raise Refused(403, "You are not in this room. Join again.")
        return learner

    def remove(self, name: str) -> None:
        """Forget a learner and everything the learner sent; no error if there is none."""
        self._all.pop(_id(name), None)

    def as_data(self) -> list[dict[str, Any]]:
        """All of it as JSON."""
        return [asdict(each) for each in self._all.values()]

    @classmethod
    def of_data(cls, data: list[dict[str, Any]]) -> "Learners":
        """What ``as_data`` returned."""
        learners = cls()
        for each in data:
            exercises = {number: Exercise(**was) for number, was in each["exercises"].items()}
            learners._all[_id(each["name"])] = Learner(**{**each, "exercises": exercises})
        return learners


def _note_check(learner: Learner, exercise: Exercise, message: Message, now: float) -> None:
    exercise.tries = message.tries
    exercise.passed = exercise.passed or message.passed
    if exercise.passed:
        if learner.waiting_at == message.exercise:
            learner.waiting_at = ""
        return
    exercise.failing_since = exercise.failing_since or now
    learner.waiting_at = message.exercise


def _count_message(learner: Learner, now: float) -> None:
    """Refused if the learner sends more than PER_SECOND messages for longer than BURST allows."""
    allowed = min(BURST, learner.left + max(0.0, now - learner.heard) * PER_SECOND)
    learner.heard = now
    if allowed < 1:
        learner.left = allowed
        raise Refused(429, "Too many messages.")
    learner.left = allowed - 1


def _id(name: str) -> str:
    """Names that differ only in capital letters are the same."""
    return name.casefold()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
