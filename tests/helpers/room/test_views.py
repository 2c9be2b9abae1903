"""What the teacher's page counts."""

import pytest

from helpers.room import views
from helpers.room.learners import Learners
from helpers.room.message import Message
from helpers.room.views import Count, Row, Waiting


@pytest.fixture
def room() -> Learners:
    """Three learners: Ann did 08.1, Bo fails it longest, Cy fails another one."""
    room = Learners()
    for name in ("cy", "Bo", "Ann"):
        room.join(name, name * 10, 0)
    for message, now in (
        (Message("Bo", "08", "08.1", False, 1), 60),
        (Message("cy", "05", "05.1", False, 1), 120),
        (Message("Ann", "08", "08.1", True, 2), 180),
        (Message("Bo", "08", "08.1", False, 2), 240),
    ):
        room.note(message, message.name * 10, now)
    return room


def test_the_longest_wait_comes_first(room):
    assert views.waiting(room, 300) == [
        Waiting("Bo", "08.1", "08 · Push the image", "4 min", 2),
        Waiting("cy", "05.1", "05 · Authenticate Docker", "3 min", 1),
    ]


def test_learners_are_in_the_order_of_their_names(room):
    assert views.rows(room, 300) == [
        Row("Ann", "08 · Push the image", "", 1, "2 min ago"),
        Row("Bo", "08 · Push the image", "08.1", 0, "1 min ago"),
        Row("cy", "05 · Authenticate Docker", "05.1", 0, "3 min ago"),
    ]


def test_each_step_is_counted(room):
    assert views.counts(room) == [
        Count("05 · Authenticate Docker", "", here=1, reached=1, passed=0, tries=0),
        Count("05 · Authenticate Docker", "05.1", here=1, reached=1, passed=0, tries=1),
        Count("05 · Authenticate Docker", "05.2", here=0, reached=0, passed=0, tries=0),
        Count("08 · Push the image", "", here=2, reached=2, passed=0, tries=0),
        Count("08 · Push the image", "08.1", here=1, reached=2, passed=1, tries=4),
        Count("08 · Push the image", "08.2", here=0, reached=0, passed=0, tries=0),
    ]


def test_the_summary(room):
    assert views.summary(Learners()) == "No learner has joined yet."
    assert views.summary(room) == "3 learners, 2 waiting at a check."
    alone = Learners()
    alone.join("Ann", "a" * 20, 0)
    assert views.summary(alone) == "1 learner, none waiting at a check."
    assert views.rows(alone, 0) == [Row("Ann", "has joined", "", 0, "now")]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-5, "now"), (59, "now"), (60, "1 min"), (3599, "59 min"), (3900, "1 h 5 min")]
)
def test_durations(seconds, shown):
    assert views.duration(seconds) == shown
