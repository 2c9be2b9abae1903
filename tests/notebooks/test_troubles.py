"""Each common error (helpers/data/troubles.json) is explained in a notebook, and produced by a cell if possible."""

import pytest

from tests.notebooks import course, tables
from tests.notebooks.known_findings import expected

TROUBLES = course.data("troubles.json")["troubles"]
FOUND = {trouble["key"]: tables.found(trouble) for trouble in TROUBLES}


def test_there_are_twenty_three_errors_with_cause_and_source():
    assert len({trouble["key"] for trouble in TROUBLES}) == 23
    assert all(trouble["message"] and trouble["says"] and trouble["why"] and trouble["source"] for trouble in TROUBLES)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble["key"])
def test_each_error_message_contains_its_search_text(trouble):
    assert any(text.rstrip("'.") in trouble["message"] for text in trouble["says"])


def test_each_error_is_explained_in_a_notebook():
    expected("explained", {key for key, (shown, explained) in FOUND.items() if not shown and not explained})


def test_each_reproducible_error_is_produced_by_a_cell():
    expected("caused", {each["key"] for each in TROUBLES if each["caused"] and not FOUND[each["key"]][0]})
