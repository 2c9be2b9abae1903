"""After all notebooks have run in order, with their solutions, every exercise is done."""

import pytest

from helpers import course as learned
from helpers.exercises import progress
from tests.notebooks import clean_state, course
from tests.notebooks.answers import answered
from tests.notebooks.known_findings import expected

# In `make test`, where test_solutions.py runs each notebook separately. 14 deletes what the others left.
MIDDLE = ("07", "08", "14")


@pytest.mark.soak
@pytest.mark.usefixtures("own_sandbox")
def test_all_exercises_are_done_after_all_notebooks(soak, capsys):
    clean_state.make()
    numbers = [path.name[:2] for path in course.PATHS if soak or path.name[:2] in MIDDLE]
    for path in course.PATHS:
        if path.name[:2] in numbers:
            course.run(answered(course.read(path), with_wrong_answers=False))
    progress.show()
    shown = {line[:2]: line for line in capsys.readouterr().out.splitlines()}
    open_ = set()
    for notebook in (each for each in learned.notebooks() if each.number in numbers):
        assert f" {len(notebook.to_run())} of {len(notebook.to_run())} " in shown[notebook.number]
        open_ |= {number for number in notebook.exercises() if not progress.done(number)}
    if soak:
        expected("in order", open_)
    else:
        assert not open_
