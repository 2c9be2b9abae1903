"""Each check fails before the exercise is done and after a typical wrong answer, and passes after the solution."""

import nbformat
import pytest

from helpers.exercises.broken import kinds
from tests.notebooks import clean_state, course
from tests.notebooks.answers import WRONG, answered, exercises, not_noted, verdicts, wrong_after, wrong_before

every_notebook = pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)

# The programs themselves run in test_in_order.py and by nbval.
USE = "from pathlib import Path\nfrom helpers import settings\nsettings.aws_cli = lambda: Path({!r})"


@every_notebook
@pytest.mark.usefixtures("own_sandbox")
def test_wrong_answers_fail_and_the_solution_passes(path, fast_aws):
    notebook = course.read(path)
    numbers = exercises(notebook)
    assert [verdict[:6] for verdict in verdicts(notebook)] == [f"✗ {number}"[:6] for number in numbers]

    clean_state.make()
    ran = answered(notebook)
    ran.cells.insert(0, nbformat.v4.new_code_cell(USE.format(str(fast_aws))))
    course.run(ran)
    expected = []
    for number in numbers:
        wrongs = [*wrong_before(number), *wrong_after(number)]
        expected += [f"✗ {number} {each['expected']}" for each in wrongs] + [f"✔ {number} "]
    got = verdicts(ran)
    assert len(got) == len(expected)
    assert [verdict for verdict, start in zip(got, expected, strict=True) if not verdict.startswith(start)] == []
    assert not_noted(path.name[:2]) == []


@pytest.mark.usefixtures("own_sandbox")
def test_the_capstone_ends_with_a_certificate_and_clean_up_deletes_everything():
    path = next(path for path in course.PATHS if path.name.startswith("15"))
    clean_state.make()
    ran = answered(course.read(path), with_wrong_answers=False)
    ran.cells.append(nbformat.v4.new_code_cell("gone = lab.clean_up()\ncertificate.show()"))
    course.run(ran)
    shown = ["".join(course.texts(cell)) for cell in course.code(ran) if "certificate.show()" in cell.source]
    assert shown[0].startswith("Certificate: demo-tea-house 1.0.0 and 1.1.0")
    assert "8 of 8 points are met" in shown[0]
    assert "✗" not in shown[0]
    for version in ("1.0.0", "1.1.0"):
        assert f"localhost:5150/demo-tea-house:{version}" in shown[1]
    assert "0 of 8 points are met" in shown[1]  # the certificate shows the current state of the registry


@every_notebook
def test_each_exercise_has_a_typical_wrong_answer(path):
    """Those of Broken, repair it are in tests/helpers/exercises/broken/."""
    assert [number for number in exercises(course.read(path)) if number not in {*WRONG, *kinds.numbers()}] == []


def test_each_wrong_answer_belongs_to_an_exercise_and_has_an_expected_message():
    there = {number for path in course.PATHS for number in exercises(course.read(path))}
    here = {number[:2] for number in there}
    assert [number for number in WRONG if number[:2] in here and number not in there] == []
    assert all(
        each["expected"] and set(each) <= {"answer", "expected", "undo"} for many in WRONG.values() for each in many
    )
