"""``prepare()`` and the checks: which kind is broken now, kept in the state folder."""

import random
from collections.abc import Collection
from typing import TypedDict

from helpers import lab as labs
from helpers import names, settings, state_file
from helpers.errors import LabError
from helpers.lab import Lab

from ..checks import NotYet, exercise
from ..state_file import BROKEN as FILE
from . import kinds


class Task(TypedDict):
    """One exercise in one account and Region: the kind that was drawn, and whether it is solved."""

    kind: str
    seed: str
    round: int
    facts: kinds.Facts | None  # None while prepare() is not finished
    solved: bool


def prepare(number: str) -> None:
    """Break something for this exercise and print only the symptom.

    While it is not solved, the same state is restored; after success another kind is drawn. With ECR_TUTORIAL_SEED the
    choice is the same on every machine. LabError if there is no such exercise, or something cannot be prepared.
    """
    lab = labs.current()
    last = _task(lab, number)
    if last and not last["solved"] and last["kind"] in kinds.names(number):
        task = last
    else:
        task = draw(number, last)
    task = _broken(lab, number, task, last)
    print(_fill(lab, kinds.texts(number, task["kind"]).symptom, task["facts"]))


def solution(number: str) -> None:
    """Print the commands that solve the task which ``prepare()`` drew."""
    lab = labs.current()
    try:
        task = _prepared(lab, number)
    except NotYet as missing:
        print(f"✗ {number} {missing.missing}. Hint: {missing.hint}.")
        return
    print(_fill(lab, kinds.texts(number, task["kind"]).solution, task["facts"]))


def draw(number: str, last: Task | None, impossible: Collection[str] = ()) -> Task:
    """A new task, of another kind than the last one if there is another that is possible; LabError if none is."""
    turn = last["round"] + 1 if last else 0
    given = settings.seed()
    seed = f"{given} {number} {turn}" if given else f"{random.getrandbits(64)}"
    possible = [name for name in kinds.names(number) if name not in impossible]
    if not possible:
        raise LabError(f"Nothing can be broken here for {number}.", "do this exercise in the sandbox")
    others = [name for name in possible if not last or name != last["kind"]]
    kind = random.Random(seed).choice(others or possible)
    return Task(kind=kind, seed=seed, round=turn, facts=None, solved=False)


def examine(lab: Lab, number: str) -> str:
    """The explanation of what was wrong, once nothing is wrong any more; NotYet before."""
    task = _prepared(lab, number)
    facts = task["facts"] or {}
    texts = kinds.texts(number, task["kind"])
    if wrong := kinds.code(number, task["kind"]).still_wrong(lab, facts):
        raise NotYet(_fill(lab, wrong, {}), _fill(lab, texts.hint, facts))
    _keep(lab, number, {**task, "solved": True})
    return _fill(lab, texts.explanation, facts)


def _broken(lab: Lab, number: str, task: Task, last: Task | None) -> Task:
    """The task with its state broken, or with that of the first kind drawn after it that is possible here."""
    impossible: set[str] = set()
    while True:
        _keep(lab, number, {**task, "facts": None})
        try:
            facts = kinds.code(number, task["kind"]).break_state(lab, random.Random(task["seed"]))
        except kinds.NotPossible:
            impossible.add(task["kind"])
            task = draw(number, last, impossible)
            continue
        task = {**task, "facts": facts}
        _keep(lab, number, task)
        return task


def _prepared(lab: Lab, number: str) -> Task:
    task = _task(lab, number)
    if task is None or task["facts"] is None or task["kind"] not in kinds.names(number):
        raise NotYet("is not prepared yet", f'run the cell with prepare("{number}") first')
    return task


def _fill(lab: Lab, text: str, facts: kinds.Facts | None) -> str:
    for name, value in {"registry": lab.registry, **(facts or {})}.items():
        text = text.replace(f"{{{name}}}", value)
    return names.renamed(text)


def _task(lab: Lab, number: str) -> Task | None:
    return (state_file.read(FILE, _is_valid) or {}).get(_key(lab, number))


def _keep(lab: Lab, number: str, task: Task) -> None:
    with state_file.locked(FILE):
        state_file.write(FILE, {**(state_file.read(FILE, _is_valid) or {}), _key(lab, number): task})


def _key(lab: Lab, number: str) -> str:
    return f"{number} in {lab.account}/{lab.region}"  # a task of the sandbox is none on AWS


def _is_valid(found: object) -> bool:
    return isinstance(found, dict) and all(
        isinstance(task, dict) and task.keys() == Task.__annotations__.keys() for task in found.values()
    )


def _register(number: str) -> None:
    @exercise(number)
    def is_repaired(lab: Lab) -> str:
        """What prepare() broke works again."""
        return examine(lab, number)


for _number in kinds.numbers():
    _register(_number)
