"""The notebooks with the answers of a learner in them: typical wrong answers, and the solution of each exercise.

The wrong answers are in wrong_answers.toml. They run in the notebook, as a learner would run them. The solutions of the
capstone are in a file of their own, and its wrong answers with an undo run after the solution: each spoils one thing.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat

from helpers import course as learned
from helpers import settings
from helpers.exercises import progress
from helpers.exercises.broken import kinds
from tests.notebooks import course

CHECK = re.compile(r'check\("(\d\d\.\d)".*\)')
FENCE = re.compile(r"```(bash|python)\n(.*?)```", re.DOTALL)
WRONG: dict[str, list[dict[str, str]]] = tomllib.loads(Path(__file__).with_name("wrong_answers.toml").read_text())

CAPSTONE = (course.FOLDER / "solutions" / "15_capstone.py").read_text()
BLOCK = re.compile(r"^# %% (\d\d\.\d) .*\n((?:(?!# %% ).*\n)+)", re.MULTILINE)


def exercises(notebook) -> list[str]:
    """The numbers of the exercises that a notebook checks, in their order."""
    return [number for cell in course.code(notebook) for number in CHECK.findall(cell.source)]


def solution_of(notebook, after: int):
    """The first solution below cell number *after*."""
    return next(cell for cell in notebook.cells[after:] if "solution" in course.tags(cell))


def bash(source: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_code_cell(f"%%bash\n{source}")


def solution(cell) -> Iterator[nbformat.NotebookNode]:
    """The blocks of a folded solution, as cells; the check at the end of some solutions has its own cell."""
    for language, source in FENCE.findall(CHECK.sub("", cell.source)):
        yield bash(source) if language == "bash" else nbformat.v4.new_code_cell(source)


def broken_solution(number: str) -> nbformat.NotebookNode:
    """A cell that solves what prepare() broke, as helpers/data/broken.json does it for this kind."""
    run = "subprocess.run(['bash', '-c', printed.getvalue()], capture_output=True)"
    return nbformat.v4.new_code_cell(
        "import contextlib, io, subprocess\nfrom helpers.exercises import solution\n"
        f"with contextlib.redirect_stdout(io.StringIO()) as printed:\n    solution({number!r})\n{run}"
    )


def blocks(number: str) -> list[nbformat.NotebookNode]:
    """The blocks of the file of solutions that belong to this exercise, as cells."""
    return [nbformat.v4.new_code_cell(source) for name, source in BLOCK.findall(CAPSTONE) if name == number]


def wrong(call: re.Match, answers: list[dict[str, str]]) -> Iterator[nbformat.NotebookNode]:
    """These wrong answers to an exercise, each followed by its check and undone where needed."""
    check = f"from helpers.exercises import check\n{call[0]}"
    for each in answers:
        for source in (each["answer"], check, each.get("undo", "")):
            if source:
                python = source.startswith(("# python", "from helpers.exercises"))
                yield nbformat.v4.new_code_cell(source) if python else bash(source)


def wrong_before(number: str) -> list[dict[str, str]]:
    """The wrong answers that run before the solution."""
    return [each for each in WRONG.get(number, []) if not (blocks(number) and each.get("undo"))]


def wrong_after(number: str) -> list[dict[str, str]]:
    """The wrong answers that spoil the solution, and are undone."""
    return [each for each in WRONG.get(number, []) if blocks(number) and each.get("undo")]


def answered(notebook, with_wrong_answers: bool = True):
    """The notebook with the wrong answers and the solution of each exercise just before its check."""
    cells = []
    for place, cell in enumerate(notebook.cells):
        call = CHECK.search(cell.source) if cell.cell_type == "code" else None
        if call:
            cells += wrong(call, wrong_before(call[1])) if with_wrong_answers else []
            cells += right(notebook, place, call[1])
            cells += wrong(call, wrong_after(call[1])) if with_wrong_answers else []
        cells.append(cell)
    notebook.cells = cells
    return notebook


def right(notebook, place: int, number: str) -> Iterator[nbformat.NotebookNode]:
    """The solution of the exercise that cell number *place* checks, as cells."""
    if number in kinds.numbers():
        yield broken_solution(number)
    else:
        yield from blocks(number) or solution(solution_of(notebook, place))


def verdicts(notebook) -> list[str]:
    """The lines that the checks printed, in order."""
    printed = "".join(text for cell in course.code(notebook) for text in course.texts(cell) if "check(" in cell.source)
    return re.findall(r"^[✔✗] \d\d\.\d .*$", printed, re.MULTILINE)


def not_noted(number: str) -> list[str]:
    """The cells and exercises of this notebook that are missing from the progress after it ran."""
    noted = json.loads((settings.state() / progress.FILE).read_text())
    of_the_course = learned.notebook(number)
    assert of_the_course
    cells = [cell.source for cell in of_the_course.to_run() if cell.id not in noted["cells"][number]]
    return cells + [each for each in of_the_course.exercises() if each not in noted["exercises"]]
