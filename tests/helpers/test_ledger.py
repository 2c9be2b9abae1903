"""What is noted before it is made stays noted until a lookup says that it is gone."""

import json
import subprocess
import sys

import pytest

from helpers import ledger, settings
from helpers.ledger import Entry

REPOSITORY = Entry("1" * 12, "eu-west-1", "repository", "demo-app-repo")
USER = Entry("2" * 12, "", "user", "demo-guest")


def test_what_is_noted_is_there_until_it_is_crossed_off():
    ledger.note(REPOSITORY, USER)
    ledger.note(USER, REPOSITORY)
    assert ledger.entries() == [REPOSITORY, USER]
    assert ledger.entries("2" * 12) == [USER]
    ledger.cross_off([REPOSITORY])
    ledger.cross_off([REPOSITORY])
    assert ledger.entries() == [USER]


def test_the_value_from_before_the_first_change_is_kept():
    setting = Entry("1" * 12, "eu-west-1", "setting", "", {"rules": []})
    ledger.note(setting)
    ledger.note(setting._replace(before={"rules": ["ours"]}))
    assert ledger.entries() == [setting]


def test_nothing_is_made_if_it_cannot_be_noted(state):
    (state / "ledger.json.new").mkdir()
    with pytest.raises(OSError):
        ledger.note(REPOSITORY)


def test_a_killed_process_leaves_the_old_ledger(state):
    ledger.note(REPOSITORY)
    (state / "ledger.json.new").write_text("[[")  # what a process wrote that was killed before it renamed the file
    assert ledger.entries() == [REPOSITORY]
    ledger.note(USER)
    assert ledger.entries() == [REPOSITORY, USER]


def test_two_kernels_note_at_the_same_time(state):
    code = (
        "import sys; from helpers import ledger\n"
        "for number in range(30): ledger.note(ledger.Entry('1', '', 'user', f'{sys.argv[1]}-{number}'))"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, name], cwd=settings.PROJECT) for name in ("a", "b")]
    assert [child.wait() for child in children] == [0, 0]
    assert len(ledger.entries()) == 60
    assert json.loads((state / "ledger.json").read_text())
