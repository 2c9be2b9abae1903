"""With --as-slow-as-aws, a change of IAM has its effect some seconds later."""

import pytest
from moto.iam.models import IAMBackend

from ecr_sandbox import delays
from ecr_sandbox.iam import past


@pytest.fixture
def clock(monkeypatch):
    """The seconds; a list of one number that a test changes."""
    now = [100.0]
    monkeypatch.setattr(past.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(past, "_copies", {})
    monkeypatch.setattr(delays, "current", delays.Delays(iam_change=8))
    return now


def add_user(iam: IAMBackend, name: str) -> None:
    past.changing(iam)
    iam.create_user("us-east-1", name)


def test_a_change_is_seen_after_the_delay(clock):
    iam = IAMBackend("us-east-1", "123456789012")
    add_user(iam, "first")
    assert list(past.seen(iam).users) == []
    clock[0] += 7.9
    assert list(past.seen(iam).users) == []
    clock[0] += 0.1
    assert past.seen(iam) is iam


def test_each_change_is_seen_after_its_own_delay(clock):
    iam = IAMBackend("us-east-1", "123456789012")
    add_user(iam, "first")
    clock[0] += 5
    add_user(iam, "second")
    clock[0] += 5
    assert list(past.seen(iam).users) == ["first"]
    clock[0] += 5
    assert list(past.seen(iam).users) == ["first", "second"]


def test_a_copy_does_not_change_and_its_groups_have_its_users(clock):
    iam = IAMBackend("us-east-1", "123456789012")
    iam.create_user("us-east-1", "one")
    iam.create_group("team", "/")
    iam.add_user_to_group("team", "one")
    past.changing(iam)
    iam.remove_user_from_group("team", "one")
    seen = past.seen(iam)
    assert seen.users["one"] in seen.groups["team"].users
    assert iam.groups["team"].users == []


def test_without_a_delay_nothing_is_copied(clock, monkeypatch):
    monkeypatch.setattr(delays, "current", delays.Delays())
    iam = IAMBackend("us-east-1", "123456789012")
    add_user(iam, "first")
    assert past.seen(iam) is iam and past._copies == {}
