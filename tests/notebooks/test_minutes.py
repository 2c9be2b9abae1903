"""The minutes that a notebook states are the measured ones."""

import pytest

from tests.notebooks import course, minutes
from tests.notebooks.known_findings import expected


def test_the_stated_minutes_match_the_measured_time():
    off = {path.name[:2] for path in course.PATHS if not kept(path)}
    expected("minutes", off)


def kept(path) -> bool:
    return minutes.is_kept(course.minutes(course.read(path)), minutes.measured(path))


def test_no_notebook_ran_longer_than_fifteen_seconds():
    expected("seconds", {number for number, seconds in minutes.seconds().items() if seconds > minutes.UNKNOWN})


@pytest.mark.parametrize(("measured", "rounded"), [(0.5, 5), (5.0, 5), (5.1, 10), (12.4, 15), (30, 30)])
def test_minutes_are_rounded_up_to_five(measured, rounded):
    assert minutes.rounded(measured) == rounded


@pytest.mark.parametrize(
    ("stated", "measured", "kept"),
    [(10, 8, True), (10, 10.9, True), (10, 11.1, False), (10, 5.5, True), (10, 3.9, False), (12, 12, False)],
)
def test_the_stated_minutes_tolerate_one_minute(stated, measured, kept):
    assert minutes.is_kept(stated, measured) == kept


def test_solutions_code_and_links_are_not_counted(notebook):
    notebook("two `words`", "```bash\nfour more words here\n```", "[a link](https://tiny_image.com/a/b) <b>ends</b> ·")
    assert minutes.words(notebook.read()) == 5


@pytest.fixture
def notebook():
    """A notebook of Markdown cells, the last one a solution."""
    import nbformat

    class Made:
        def __call__(self, *texts: str) -> None:
            self.cells = [nbformat.v4.new_markdown_cell(text) for text in texts]

        def read(self):
            solution = nbformat.v4.new_markdown_cell("left folded", metadata={"tags": ["solution"]})
            return nbformat.v4.new_notebook(cells=[*self.cells, solution])

    return Made()
