"""Each exercise is judged wrong as it stands, and right once its solution has run."""

import re

import nbformat
import pytest

from . import clean_state, course

CHECK = re.compile(r'check\("(\d\d\.\d)"')
FENCE = re.compile(r"```(bash|python)\n(.*?)```", re.DOTALL)


def solution_of(notebook, after: int):
    """The first solution below cell number *after*."""
    return next(cell for cell in notebook.cells[after:] if "solution" in course.tags(cell))


def solved(notebook):
    """The notebook with each solution run, block by block, just before its check."""
    cells = []
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and CHECK.search(cell.source):
            for language, source in FENCE.findall(solution_of(notebook, place).source):
                cells.append(nbformat.v4.new_code_cell(f"%%bash\n{source}" if language == "bash" else source))
        cells.append(cell)
    notebook.cells = cells
    return notebook


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("own_sandbox")
def test_the_solution_turns_the_check_from_wrong_to_right(path):
    notebook = course.read(path)
    before = "".join(text for cell in course.code(notebook) for text in course.texts(cell))
    numbers = [number for cell in course.code(notebook) for number in CHECK.findall(cell.source)]
    assert all(f"✗ {number} " in before for number in numbers)

    clean_state.make()
    ran = solved(notebook)
    course.run(ran)
    after = "".join(text for cell in course.code(ran) for text in course.texts(cell))
    assert [number for number in numbers if f"✔ {number} " not in after] == []
