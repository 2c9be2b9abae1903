"""What a room keeps in the teacher's state folder."""

import re

import pytest

from helpers.errors import LabError
from helpers.room import settings
from helpers.room.learners import Learners
from helpers.room.message import Message
from tests.helpers.room.conftest import KIM


def test_a_restart_has_the_same_code_key_and_learners(state):
    chosen, learners = settings.load()
    learners.join("Kim", KIM, 1)
    learners.note(Message("Kim", "08", "08.1", False, 1), KIM, 2)
    settings.save(chosen, learners.as_data())
    again, found = settings.load()
    assert again == chosen
    assert found.as_data() == learners.as_data()
    assert (state / settings.FILE).stat().st_mode & 0o077 == 0


def test_forget_deletes_it(state):
    chosen, learners = settings.load()
    settings.save(chosen, learners.as_data())
    assert settings.forget()
    assert not settings.forget()
    assert settings.load()[0] != chosen
    assert [each.name for each in state.iterdir() if each.suffix == ".json"] == []


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"code": "a", "key": "b", "learners": [1]}', '{"code": 1, "key": "b", "learners": []}']
)
def test_a_damaged_file_is_an_empty_room(state, content, monkeypatch):
    monkeypatch.setenv(settings.CODE, "codecodecode")
    monkeypatch.setenv(settings.KEY, "keykeykeykey")
    (state / settings.FILE).write_text(content)
    assert len(settings.load()[1]) == 0


def test_a_hub_gives_code_and_key(monkeypatch):
    monkeypatch.setenv(settings.CODE, "code-of-the-hub")
    monkeypatch.setenv(settings.KEY, "key-of-the-hub")
    assert settings.load()[0] == ("code-of-the-hub", "key-of-the-hub")


@pytest.mark.parametrize("value", ["short", "with a space in it", "ümlautümlaut", "quote'quote"])
def test_a_code_that_is_short_or_needs_quotes_is_refused(monkeypatch, value):
    monkeypatch.setenv(settings.CODE, value)
    with pytest.raises(LabError, match="ECR_TUTORIAL_ROOM_CODE is not usable"):
        settings.load()


def test_a_new_code_can_be_typed():
    assert re.fullmatch("[a-z2-9]{10}", settings.new_code())
    assert settings.new_code() != settings.new_code()
    assert len(settings.LETTERS) ** settings.LEAST > 2**49


def test_nothing_is_read_from_another_state(state, tmp_path, monkeypatch):
    settings.save(settings.load()[0], Learners().as_data())
    monkeypatch.setenv("ECR_TUTORIAL_STATE", str(tmp_path / "other"))
    assert not settings.forget()
