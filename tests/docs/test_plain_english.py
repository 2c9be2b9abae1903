"""Documents and messages keep the rules of plain English, as the notebooks do."""

import re

import pytest

from tests.docs import messages, written
from tests.notebooks import english

DOCUMENTS = {str(path.relative_to(written.settings.PROJECT)): path for path in written.DOCUMENTS}


@pytest.mark.parametrize("name", sorted(DOCUMENTS.keys() - {"CHANGELOG.md"}))
def test_a_document_keeps_the_rules(name):
    assert english.findings(DOCUMENTS[name]) == []


def test_the_newest_section_of_the_changelog_keeps_the_rules():
    newest = re.split(r"^## ", DOCUMENTS["CHANGELOG.md"].read_text(), flags=re.MULTILINE)[1]
    assert [problem for sentence in english.sentences(newest) for problem in english.problems(sentence)] == []


def test_messages_keep_the_rules():
    found = [
        (place, problem)
        for place, text in messages.texts()
        for sentence in english.sentences(text)
        for problem in english.problems(sentence)
    ]
    assert found == []


def test_messages_of_every_part_are_collected():
    collected = dict(messages.texts())
    places = {re.split(r"[/:]", place)[0] for place in collected}
    assert places == {"helpers", "machine", "sandbox", "sample_app", "Makefile"}
    assert len(collected) > 400


def test_literals_are_messages_and_no_docstrings_or_programs():
    source = '"""A module of words."""\nprint("a b c", f"{x} is a door")\n"two words"\nRUN = "SELECT a FROM b"\n'
    assert sorted(text for _, text in messages.literals(source)) == ["X is a door", "a b c"]
