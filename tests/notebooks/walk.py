"""Walk a plan of docs/teaching.md with a clock: ``python -m tests.notebooks.walk ["90 minutes"] [--unsolved]``.

One learner, from a clean state: the notebooks of the plan run in their order, in a kernel each, and nothing is reset
between them. The cells of exercises that the plan leaves out do not run. All others are solved as their solution says,
or with ``--unsolved`` not at all, as by a learner who is late. Reading and exercises take the minutes of minutes.py;
what the cells take is measured.
"""

import os
import re
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from helpers import show
from tests.docs.test_teaching import tables
from tests.notebooks import clean_state, course, minutes
from tests.notebooks.test_solutions import answered, verdicts

UNSOLVED = "--unsolved"


class Part(NamedTuple):
    """One notebook of a plan, after it was walked."""

    begins: str
    notebook: str
    planned: int  # minutes
    reading: float  # minutes
    exercises: int  # minutes
    cells: float  # seconds
    verdicts: list[str]  # of the checks that ran

    @property
    def spare(self) -> float:
        """The planned minutes that are left for questions."""
        return self.planned - self.reading - self.exercises - self.cells / 60


def walk(plan: str, solved: bool = True) -> Iterator[Part]:
    """Walk the plan; CellExecutionError if a cell fails that no text announces."""
    for begins, planned, part, _, left_out in (row for table in tables(plan) for row in table):
        if name := re.search(r"notebooks/(\S+\.ipynb)", part):
            notebook = course.read(course.FOLDER / name[1])
            measure = minutes.measure(notebook, 0)
            skipped = re.findall(r"\d\d\.\d", left_out)
            notebook.cells = list(without(notebook, skipped))
            begun = time.monotonic()
            course.run(answered(notebook, with_wrong_answers=False) if solved else notebook)
            yield Part(
                begins,
                name[1][:2],
                int(planned),
                measure.prose / minutes.PROSE + measure.code / minutes.CODE,
                (measure.exercises - len(skipped)) * minutes.EXERCISE,
                time.monotonic() - begun,
                verdicts(notebook),
            )


def without(notebook, numbers: list[str]) -> Iterator:
    """The cells of the notebook without those of these exercises."""
    for section, cell, _ in course.sections(notebook):
        exercise = re.match(r"Exercise (\d\d\.\d)", section)
        if not (cell.cell_type == "code" and exercise and exercise[1] in numbers):
            yield cell


def main(arguments: list[str]) -> None:
    """Walk the named plan, and print the clock."""
    plan = next((each for each in arguments if each != UNSOLVED), "90 minutes")
    os.environ |= {"ECR_TUTORIAL_STATE": str(clean_state.FOLDER), "ECR_TUTORIAL_PORT": clean_state.PORT}
    clean_state.make()
    rows = []
    for part in walk(plan, UNSOLVED not in arguments):
        rows.append([*part[:3], f"{part.reading:.1f}", part.exercises, f"{part.cells:.0f} s", f"{part.spare:.1f}"])
        print(f"{part.notebook}: {' · '.join(part.verdicts) or 'no check'}", flush=True)
    clean_state.leave()
    show.table(rows, ["from", "notebook", "minutes", "reading", "exercises", "cells", "spare"])


if __name__ == "__main__":
    main(sys.argv[1:])
