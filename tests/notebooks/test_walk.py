"""The 90-minute plan of docs/teaching.md, walked by one learner without a reset between the notebooks."""

import pytest

from tests.docs.test_teaching import tables
from tests.notebooks import clean_state, course, walk

PLAN = "90 minutes"
SKIPS_MOST = "11"  # of its exercises the plan leaves out two
SEED = "7"  # with it, exercise 05.2 leaves a credential helper that does not exist


def path(number: str):
    return next(path for path in course.PATHS if path.name.startswith(number))


def test_an_exercise_that_is_left_out_has_no_cell():
    notebook = course.read(path(SKIPS_MOST))
    kept = list(walk.without(notebook, ["11.2", "11.3"]))
    sources = "\n".join(cell.source for cell in kept if cell.cell_type == "code")
    assert 'check("11.1")' in sources
    assert 'check("11.2"' not in sources
    assert 'prepare("11.3")' not in sources
    assert "images.remove" in sources  # Clean up, which follows


@pytest.mark.soak
@pytest.mark.usefixtures("own_sandbox")
@pytest.mark.parametrize("solved", [True, False], ids=["solved", "unsolved"])
def test_the_plan_can_be_walked(soak, solved, monkeypatch):
    """Each notebook runs, whether the learner solved the exercises of the one before or not."""
    if not soak:
        pytest.skip("five notebooks, twice: make soak")
    monkeypatch.setenv("ECR_TUTORIAL_SEED", SEED)
    clean_state.make()
    parts = list(walk.walk(PLAN, solved))
    (rows,) = tables(PLAN)
    assert [part.notebook for part in parts] == [row[2][1:3] for row in rows if ".ipynb" in row[2]]
    verdicts = [verdict for part in parts for verdict in part.verdicts]
    assert [verdict[0] for verdict in verdicts] == ["✔" if solved else "✗"] * 4
    assert [part.notebook for part in parts if part.spare < 0] == []
