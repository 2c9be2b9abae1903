"""Notebooks are short."""

import nbformat
import pytest

from tests.notebooks import course, limits


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_a_notebook_is_within_its_limits(path):
    assert limits.too_long(limits.size(course.read(path))) == []


def test_all_notebooks_together_are_within_the_limit():
    assert limits.all_words() <= limits.ALL_WORDS


def test_what_comes_before_the_exercises_is_main_text():
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    cells = [
        markdown("# Two words\n\n<details><summary>one</summary>folded words</details>"),
        code("print()"),
        markdown("## Exercises\n\n### Exercise 04.1 · Try\n\nmore text"),
        code("check()"),
    ]
    size = limits.size(nbformat.v4.new_notebook(cells=cells))
    assert (size.main_words, size.main_cells) == (3, 1)
    assert size.words == sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown")


@pytest.mark.parametrize(
    ("size", "exceeded"), [((1800, 22, 9), 0), ((1801, 22, 9), 1), ((1800, 23, 9), 1), ((1801, 23, 9), 2)]
)
def test_a_limit_is_exceeded_by_one(size, exceeded):
    assert len(limits.too_long(limits.Size(*size))) == exceeded
