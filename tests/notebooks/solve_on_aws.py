"""Every solution passes on AWS: of each exercise, and of each kind of *Broken, repair it*.

`make rehearse` runs this file; `pytest tests` does not collect it, because it needs an account. Each notebook starts
with an account that has nothing of the course.
"""

import nbformat
import pytest

from helpers import settings, skips
from helpers.exercises.broken import kinds
from tests.notebooks import answers, clean_state, course

pytestmark = [
    pytest.mark.skipif(settings.target() != "aws", reason="ECR_TUTORIAL_TARGET is not aws"),
    pytest.mark.timeout(1800),  # on AWS a Fargate task and a change of IAM take their time
]
# Not on AWS: they need rules for scans, which would affect everyone in the account.
OF_THE_SANDBOX = {"10.3": {"filter-misses", "other-type"}}
DRAW = """
from helpers.exercises import prepare
from helpers.exercises.broken import kinds, tasks

def _prepare_kind(number, name, draw=tasks.draw):
    others = {*kinds.names(number)} - {name}
    tasks.draw = lambda number, last, impossible=(): draw(number, None, others | {*impossible})
    try:
        prepare(number)
    finally:
        tasks.draw = draw
"""


def on_aws(notebook):
    """The notebook with the solution of each exercise before its check, and then every kind of what can be broken."""
    cells = []
    for place, cell in enumerate(notebook.cells):
        number = checked(cell)
        if number:
            cells += answers.right(notebook, place, number)
        cells.append(cell)
        for name in kinds_of(number):
            prepared = f"{DRAW}\n_prepare_kind({number!r}, {name!r})"
            cells += [nbformat.v4.new_code_cell(prepared), answers.broken_solution(number)]
            cells.append(nbformat.v4.new_code_cell(cell.source))
    notebook.cells = cells
    return notebook


def checked(cell) -> str:
    """The number of the exercise that this cell checks on AWS, or an empty string."""
    found = answers.CHECK.search(cell.source) if cell.cell_type == "code" else None
    return found[1] if found and skips.TAG not in course.tags(cell) else ""


def kinds_of(number: str) -> list[str]:
    """The kinds of this exercise that can be broken on AWS; none if it is not such an exercise."""
    if number not in kinds.numbers():
        return []
    return [name for name in kinds.names(number) if name not in OF_THE_SANDBOX.get(number, ())]


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_every_solution_passes(path, monkeypatch):
    clean_state.make_on_aws()
    monkeypatch.setenv(settings.SEED, clean_state.SEED)
    notebook = course.read(path)
    expected = [number for cell in notebook.cells if (number := checked(cell)) for _ in ["", *kinds_of(number)]]
    ran = on_aws(notebook)
    course.run(ran)
    got = answers.verdicts(ran)
    assert [verdict for verdict in got if not verdict.startswith("✔")] == []
    assert [verdict[2:6] for verdict in got] == expected
