"""What learners trip over (helpers/data/troubles.json) stands in a notebook, and what can be caused is caused."""

import pytest

from tests.notebooks import course, tables
from tests.notebooks.known_findings import expected

TROUBLES = course.data("troubles.json")["troubles"]
FOUND = {trouble["key"]: tables.found(trouble) for trouble in TROUBLES}


def test_there_are_twenty_three_each_with_its_cause_and_source():
    assert len({trouble["key"] for trouble in TROUBLES}) == 23
    assert all(trouble["message"] and trouble["says"] and trouble["why"] and trouble["source"] for trouble in TROUBLES)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble["key"])
def test_its_row_shows_the_words_that_are_looked_for(trouble):
    assert any(words.rstrip("'.") in trouble["message"] for words in trouble["says"])


def test_each_stands_in_a_notebook():
    expected("told", {key for key, (met, told) in FOUND.items() if not met and not told})


def test_what_can_be_caused_here_is_caused_by_a_cell():
    expected("caused", {each["key"] for each in TROUBLES if each["caused"] and not FOUND[each["key"]][0]})
