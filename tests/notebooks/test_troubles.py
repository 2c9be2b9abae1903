"""The troubleshooting page is up to date, complete, and shows the errors that the sandbox can produce."""

import pytest

from tests.notebooks import course, troubles
from tests.notebooks.known_findings import expected

TROUBLES = [trouble for topic in troubles.topics() for trouble in topic["troubles"]]
MADE = troubles.page()
SHOWN = {trouble["message"]: troubles.shown(trouble) for trouble in TROUBLES if trouble.get("caused")}
each_trouble = pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble["message"][:40])


def test_the_page_is_up_to_date():
    assert troubles.PAGE.read_text() == MADE, "out of date: make tables"


def test_no_message_is_listed_twice():
    messages = [trouble["message"] for trouble in TROUBLES]
    assert sorted(set(messages)) == sorted(messages)


@each_trouble
def test_each_error_has_a_cause_a_fix_and_a_notebook(trouble):
    assert trouble["cause"].endswith(".")
    assert trouble["fix"]
    assert [path for path in course.PATHS if path.name.startswith(trouble["notebook"])]
    assert trouble.get("source", "https://").startswith(("https://", "awscli"))


@each_trouble
def test_each_error_can_be_searched_for(trouble):
    row = next(line for line in MADE.splitlines() if trouble["message"].replace("|", "\\|") in line)
    assert any(text.rstrip("'.") in row for text in trouble["says"])


def test_each_error_that_the_sandbox_can_produce_is_printed_by_a_cell():
    expected("caused", {message for message, found in SHOWN.items() if not found})


def test_printed_messages_are_found_with_their_section():
    found = troubles.shown({"says": ["no basic auth credentials"]})
    assert "05" in {path.name[:2] for path in found}
    assert all(found.values())
    assert troubles.shown({"says": ["no basic auth credentials"], "unlike": ["basic auth"]}) == {}
    assert troubles.shown({"says": ["no message of ECR"]}) == {}
