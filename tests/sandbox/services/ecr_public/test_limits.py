"""The quotas of pulls from ECR Public, by a clock that the test controls."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.services.ecr_public.limits import SCHEMA, Buckets, Limits, Quota
from ecr_sandbox.state.store import Store

HERE, ACCOUNT, DIGEST = "127.0.0.1", "123456789012", f"sha256:{'0' * 64}"
RATES = st.sampled_from([0.5, 1, 3, 10])
PAUSES = st.lists(st.floats(0, 5, allow_nan=False), max_size=60)  # seconds between two tries


class Clock:
    """A clock that advances only when the test advances it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def month() -> list[datetime]:
    """The current month, which the test can change."""
    return [datetime(2026, 11, 30, 23, 59, tzinfo=UTC)]


@pytest.fixture
def limits(tmp_path: Path, clock: Clock, month: list[datetime]) -> Limits:
    store = Store(tmp_path / "state.db")
    store.add(SCHEMA)
    return Limits(store, clock, lambda: month[0])


def test_an_anonymous_client_pulls_once_a_second(limits: Limits, clock: Clock) -> None:
    assert limits.may_pull(HERE, None, "a/demo", "1")
    assert not limits.may_pull(HERE, None, "a/demo", "1")
    clock.seconds += 0.9
    assert not limits.may_pull(HERE, None, "a/other", "1")
    clock.seconds += 0.1
    assert limits.may_pull(HERE, None, "a/other", "1")


def test_a_signed_in_client_pulls_ten_times_a_second(limits: Limits, clock: Clock) -> None:
    assert [limits.may_pull(HERE, ACCOUNT, "a/demo", "1") for _ in range(11)] == [True] * 10 + [False]
    clock.seconds += 0.1
    assert limits.may_pull(HERE, ACCOUNT, "a/demo", "1")


def test_pulls_are_forgotten_when_they_have_ended(limits: Limits, clock: Clock) -> None:
    for number in range(200):
        limits.may_pull(HERE, None, f"a/{number}", "1")
        clock.seconds += 1
    assert len(limits._started) <= 61


def test_requests_by_digest_belong_to_the_same_pull(limits: Limits, clock: Clock) -> None:
    assert limits.may_pull(HERE, None, "a/demo", "latest")  # HEAD
    assert limits.may_pull(HERE, None, "a/demo", DIGEST)  # the index
    assert limits.may_pull(HERE, None, "a/demo", DIGEST)  # the image
    assert not limits.may_pull(HERE, None, "a/other", DIGEST)  # another repository: another pull
    clock.seconds += 61
    assert limits.may_pull(HERE, None, "a/demo", DIGEST)  # a new pull, by digest
    assert not limits.may_pull(HERE, None, "a/demo", "latest")


def test_each_source_has_its_own_quota(limits: Limits) -> None:
    assert limits.may_pull(HERE, None, "a/demo", "1")
    assert limits.may_pull("::1", None, "a/demo", "1")
    assert limits.may_pull(HERE, ACCOUNT, "a/demo", "1")
    assert limits.may_pull(HERE, "111122223333", "a/demo", "1")


@given(RATES, PAUSES)
def test_no_interval_has_more_pulls_than_the_quota(rate: float, pauses: list[float]) -> None:
    clock = Clock()
    buckets, pulls = Buckets(clock), []
    for pause in pauses:
        clock.seconds += pause
        if buckets.take("somebody", rate):
            pulls.append(clock.seconds)
    for first, start in enumerate(pulls):
        for last in range(first, len(pulls)):
            assert last - first + 1 <= max(rate, 1) + (pulls[last] - start) * rate + 1e-6


@given(RATES, PAUSES)
def test_a_client_that_waits_is_never_refused(rate: float, pauses: list[float]) -> None:
    clock = Clock()
    buckets = Buckets(clock)
    for pause in pauses:
        clock.seconds += 1 / rate + pause
        assert buckets.take("somebody", rate)


@given(RATES, st.integers(0, 20))
def test_a_refused_pull_does_not_use_the_quota(rate: float, tries: int) -> None:
    """Refused pulls do not delay the next allowed one."""
    clock = Clock()
    buckets = Buckets(clock)
    while buckets.take("somebody", rate):
        pass
    for _ in range(tries):
        clock.seconds += 1 / rate / (tries + 1)
        assert not buckets.take("somebody", rate)
    clock.seconds += 1 / rate / (tries + 1)
    assert buckets.take("somebody", rate)


def test_an_anonymous_client_has_a_monthly_quota_of_bytes(limits: Limits, month: list[datetime]) -> None:
    limits.set(Quota(bytes_a_month=1000))
    limits.sent(HERE, 999)
    assert limits.has_data_left(HERE)
    limits.sent(HERE, 1)
    assert limits.sent_to(HERE) == 1000
    assert not limits.has_data_left(HERE)
    assert limits.has_data_left("::1")
    month[0] = datetime(2026, 12, 1, tzinfo=UTC)
    assert limits.has_data_left(HERE)


def test_the_default_quota_is_awss(limits: Limits) -> None:
    assert limits.quota() == Quota(anonymous=1, signed_in=10, bytes_a_month=500_000_000_000)
    limits.set(Quota(anonymous=3))
    assert [limits.may_pull(HERE, None, "a/demo", "1") for _ in range(4)] == [True, True, True, False]


def test_the_months_bytes_are_stored(tmp_path: Path, limits: Limits, month: list[datetime]) -> None:
    limits.sent(HERE, 7)
    assert Limits(Store(tmp_path / "state.db"), now=lambda: month[0]).sent_to(HERE) == 7
