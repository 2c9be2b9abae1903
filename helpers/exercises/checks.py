"""``check("08.2")`` prints whether an exercise is done: one line, with a hint when it is not.

A check examines the state of the registry and the engine, so every correct way counts. It is a function that returns
the sentence to print, or raises ``NotYet`` with what is missing and a hint.
"""

import importlib
from collections.abc import Callable, Mapping

from ecr_sandbox import SandboxError
from helpers import lab as labs
from helpers import names
from helpers.room import sharing

from . import progress

Check = Callable[..., str]
CHECKS: dict[str, Check] = {}
PARTS = (
    "part1_concepts",
    "part2_step_by_step",
    "part3_look_after",
    "broken",
    "capstone",
)  # the modules with the checks


class NotYet(Exception):
    """The exercise is not done: what is missing, and a hint."""

    def __init__(self, missing: str, hint: str):
        super().__init__(missing)
        self.missing, self.hint = missing, hint


def exercise(number: str) -> Callable[[Check], Check]:
    """Register the decorated function as the check of this exercise."""

    def register(function: Check) -> Check:
        if number in CHECKS:
            raise ValueError(f"Exercise {number} has a check already: {CHECKS[number].__name__}")
        CHECKS[number] = function
        return function

    return register


def check(number: str, answer: object = None) -> None:
    """Print whether this exercise is done. It is noted as progress, and sent to a room that the learner joined."""
    done, line = verdict(number, answer)
    if done:
        progress.note_exercise(number)
    sharing.note_check(number, done)
    print(line)


def verdict(number: str, answer: object = None) -> tuple[bool, str]:
    """``(done, line)`` of an exercise; never raises."""

    def run() -> str:
        for part in PARTS:
            importlib.import_module(f".{part}", __package__)
        if number not in CHECKS:
            raise NotYet("is not an exercise", f"the exercises are {', '.join(sorted(CHECKS))}")
        return CHECKS[number](labs.current(), *([] if answer is None else [answer]))

    return outcome(number, run)


def predicted(prediction: object) -> dict:
    """The learner's ``{name: value}``; NotYet if a value is missing."""
    if not isinstance(prediction, dict) or None in prediction.values():
        raise NotYet("there is no prediction yet", "replace each None and run that cell")
    return prediction


def compare(prediction: object, actual: Mapping[str, object], hints: Mapping[str, str], who: str) -> None:
    """NotYet with the hint for the first value that was predicted wrong, or if nothing was; *who* shows the actual."""
    given = predicted(prediction)
    for name, value in actual.items():
        if str(given.get(name)) != str(value):
            raise NotYet(f"{who} something else: {name} is not {given.get(name)}", hints[name])


def as_names(answer: object) -> set[str]:
    """The names in a learner's answer: one, or several in a list, tuple or set; none in anything else."""
    return {answer} if isinstance(answer, str) else set(answer) if isinstance(answer, list | tuple | set) else set()


def outcome(label: str, run: Callable[[], str]) -> tuple[bool, str]:
    """``(done, line)`` of a check that returns its sentence or raises NotYet; never raises."""
    done, line = _outcome(label, run)
    return done, names.renamed(line)


def _outcome(label: str, run: Callable[[], str]) -> tuple[bool, str]:
    try:
        return True, f"✔ {label} {run()}"
    except NotYet as missing:
        end = "" if missing.hint.endswith("?") else "."
        return False, f"✗ {label} {missing.missing}. Hint: {missing.hint}{end}"
    except SandboxError as error:
        return False, f"✗ {label} could not be checked. Hint: {error}"
    except Exception as error:
        why = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        return False, f"✗ {label} could not be checked: {why}. Hint: run ecr-lab doctor."
