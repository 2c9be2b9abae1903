"""The message of a learner: its fields, and what is refused."""

import pytest

from helpers.room import message
from helpers.room.message import Message
from tests.helpers.room.conftest import message as sent
from tests.helpers.room.conftest import opened


def test_a_message_is_read():
    assert message.read(sent(tries=3)) == Message("Kim", "08", "08.1", False, 3)
    assert message.read(opened("Kim", "08")) == Message("Kim", "08")


@pytest.mark.parametrize(
    "changed",
    [
        {"more": 1},
        {"name": ""},
        {"name": 1},
        {"notebook": "99"},
        {"notebook": ["08"]},
        {"exercise": "09.1"},
        {"exercise": "08.9"},
        {"passed": 1},
        {"tries": True},
        {"tries": -1},
        {"tries": 10**100},
    ],
    ids=str,
)
def test_anything_else_is_refused(changed):
    with pytest.raises(ValueError, match=r"\.$"):
        message.read(sent() | changed)


@pytest.mark.parametrize("found", [None, [], "text", {}, {"name": "Kim"}], ids=str)
def test_another_shape_is_refused(found):
    with pytest.raises(ValueError, match="has these fields: name, notebook, exercise, passed, tries"):
        message.read(found)


@pytest.mark.parametrize("name", ["Kim", "김민지", "Zoë O'Neil-Şahin", "<b>Kim</b>", "x" * 30])
def test_names(name):
    assert message.check_name(message.clean(name)) == name


@pytest.mark.parametrize(
    "name", ["", " ", "x" * 31, "a\nb", "a\x1b[2J", "a\u202eb", "a\u200bb", " Kim", "a  b", "Zoe\u0308"]
)
def test_names_that_are_refused(name):
    with pytest.raises(ValueError, match="1 to 30 visible characters"):
        message.check_name(name)


def test_a_name_is_cleaned_before_it_is_sent():
    assert message.clean("  Zoe\u0308 \t Kim\n") == "Zoë Kim"
