"""The tables in the two READMEs are up to date with the notebooks."""

import re

import pytest

from tests.notebooks import course, tables


@pytest.mark.parametrize("path", [tables.INDEX, tables.README], ids=["notebooks/README.md", "README.md"])
def test_the_tables_are_up_to_date(path):
    assert path.read_text() == tables.texts()[path], "out of date: make tables"


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_each_notebook_has_a_row_in_both_files(path):
    minutes = course.minutes(course.read(path))
    for readme, folder in ((tables.README, "notebooks/"), (tables.INDEX, "")):
        row = rf"^\| \[[^|]*\]\({folder}{path.name}\) \| [^|]+ \| ((?:[C\d ]+|all, by you) \| )?{minutes} \|$"
        assert re.search(row, readme.read_text(), re.MULTILINE), readme
