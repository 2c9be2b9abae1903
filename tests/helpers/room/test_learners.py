"""The rules of a room: who is in it, who waits, and what is refused."""

import json

import pytest

from helpers.room import learners
from helpers.room.learners import Learners, Refused
from helpers.room.message import Message
from tests.helpers.room.conftest import KIM, LEE


@pytest.fixture
def room() -> Learners:
    room = Learners()
    room.join("Kim", KIM, 0)
    return room


def kim(room: Learners) -> learners.Learner:
    return room.of("Kim", KIM)


def failed(exercise: str, tries: int = 1) -> Message:
    return Message("Kim", exercise[:2], exercise, False, tries)


def passed(exercise: str, tries: int = 1) -> Message:
    return Message("Kim", exercise[:2], exercise, True, tries)


def status(call, *arguments) -> int:
    with pytest.raises(Refused) as refused:
        call(*arguments)
    return refused.value.status


def test_a_learner_waits_from_the_first_failure_until_the_check_passes(room):
    room.note(failed("08.1", 1), KIM, 10)
    room.note(failed("08.1", 2), KIM, 20)
    assert kim(room).waiting_at == "08.1"
    assert kim(room).exercises["08.1"] == learners.Exercise(tries=2, passed=False, failing_since=10)
    room.note(passed("08.1", 3), KIM, 30)
    assert kim(room).waiting_at == ""
    assert kim(room).exercises["08.1"].passed


def test_what_passed_stays_passed(room):
    room.note(passed("08.1", 1), KIM, 10)
    room.note(failed("08.1", 2), KIM, 20)
    assert kim(room).waiting_at == ""
    assert kim(room).exercises["08.1"].passed


def test_a_learner_who_opens_another_notebook_waits_no_more(room):
    room.note(failed("08.1"), KIM, 10)
    room.note(Message("Kim", "08"), KIM, 20)  # the kernel was restarted
    assert kim(room).waiting_at == "08.1"
    room.note(Message("Kim", "11"), KIM, 30)
    assert (kim(room).notebook, kim(room).waiting_at) == ("11", "")
    assert kim(room).notebooks == ["08", "11"]


def test_passing_another_exercise_does_not_end_the_wait(room):
    room.note(failed("08.1"), KIM, 10)
    room.note(passed("08.2"), KIM, 20)
    assert kim(room).waiting_at == "08.1"


def test_a_message_that_arrives_late_changes_nothing(room):
    room.note(passed("08.1", 3), KIM, 10)
    room.note(failed("08.1", 2), KIM, 20)
    assert kim(room).exercises["08.1"].tries == 3
    assert kim(room).waiting_at == ""


def test_a_name_belongs_to_the_key_that_joined_with_it(room):
    room.join("Kim", KIM, 5)  # the same learner again
    assert status(room.join, "Kim", LEE, 5) == 409
    assert status(room.join, "KIM", LEE, 5) == 409
    assert status(room.note, failed("08.1"), LEE, 5) == 403
    assert status(room.of, "Kim", LEE) == 403
    room.remove("Kim")
    room.join("Kim", LEE, 6)


def test_who_did_not_join_is_refused(room):
    assert status(room.note, Message("Lee", "08"), LEE, 5) == 403


def test_a_name_that_a_page_cannot_show_is_refused(room):
    assert status(room.join, "a\u202eb", LEE, 5) == 400


def test_a_room_has_a_limit(room, monkeypatch):
    monkeypatch.setattr(learners, "MOST_LEARNERS", 1)
    assert status(room.join, "Lee", LEE, 5) == 503
    room.join("Kim", KIM, 5)


def test_a_learner_who_sends_too_much_is_refused_until_time_has_passed(room):
    for number in range(learners.BURST):
        room.note(failed("08.1", number), KIM, 100)
    assert status(room.note, failed("08.1", 99), KIM, 100) == 429
    assert status(room.note, failed("08.1", 99), KIM, 99) == 429  # the clock was set back
    room.join("Lee", LEE, 100)
    room.note(Message("Lee", "08"), LEE, 100)
    room.note(failed("08.1", 99), KIM, 101.5)
    assert kim(room).exercises["08.1"].tries == 99


def test_a_room_is_kept_as_json(room):
    room.note(failed("08.1"), KIM, 10)
    assert Learners.of_data(json.loads(json.dumps(room.as_data()))).as_data() == room.as_data()
