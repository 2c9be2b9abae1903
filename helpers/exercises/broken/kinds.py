"""The kinds of each exercise: the texts from ``broken.json``, and the code from the topic's module."""

import importlib
import random
from collections.abc import Callable
from typing import NamedTuple

from helpers import course
from helpers.errors import LabError
from helpers.lab import Lab

Facts = dict[str, str]


class NotPossible(Exception):
    """This state cannot be made here now, so another kind is drawn."""


class Kind(NamedTuple):
    """The code of one kind.

    *break_state* may run again: it first deletes what it made before. It returns facts: words for the texts, and what
    *still_wrong* needs later. Every random choice uses its second argument, so it can be repeated.
    It raises NotPossible where it cannot break anything, as on an account with settings of its own.
    *still_wrong* returns what is wrong in the present state, without the fix, or "" if the task is solved.
    """

    break_state: Callable[[Lab, random.Random], Facts]
    still_wrong: Callable[[Lab, Facts], str]


class Texts(NamedTuple):
    """What the learner reads of one kind; ``{name}`` stands for one of its facts.

    *solution* is a bash script. The tests run it.
    """

    symptom: str
    hint: str
    explanation: str
    solution: str


def numbers() -> list[str]:
    """The numbers of the exercises, in order."""
    return sorted(_exercises())


def names(number: str) -> list[str]:
    """The names of the kinds of this exercise; LabError if there is no such exercise."""
    if number not in _exercises():
        raise LabError(f"There is nothing to prepare for {number}.", f"name one of {', '.join(numbers())}")
    return sorted(_exercises()[number]["kinds"])


def texts(number: str, name: str) -> Texts:
    """The texts of a kind."""
    lines = _exercises()[number]["kinds"][name]
    return Texts(*("\n".join(lines[field]) for field in Texts._fields))


def code(number: str, name: str) -> Kind:
    """The code of a kind."""
    module = importlib.import_module(f".{_exercises()[number]['module']}", __package__)
    return module.KINDS[name]


def _exercises() -> dict[str, dict]:
    return course.data("broken.json")["exercises"]
