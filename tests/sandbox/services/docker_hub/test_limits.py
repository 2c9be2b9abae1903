"""The pull limit of the Docker Hub stand-in: a sliding window."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.services.docker_hub import limits
from ecr_sandbox.services.docker_hub.accounts import Account
from ecr_sandbox.services.docker_hub.limits import Budget, LimitReached, PullLimit, Pulls
from ecr_sandbox.state.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("pulls") / "state.db")
    store.add(limits.SCHEMA)
    yield store
    store.close()


@pytest.fixture(scope="module")
def pulls(store):
    return Pulls(store)


def budget(limit: int, window: int) -> Budget:
    return Budget(f"somebody-{uuid.uuid4()}", limit, window)


def taken(pulls: Pulls, source: Budget) -> bool:
    try:
        pulls.take(source)
    except LimitReached:
        return False
    return True


@given(
    limit=st.integers(0, 4),
    window=st.integers(1, 20),
    pauses=st.lists(st.integers(0, 12), min_size=1, max_size=30),
)
def test_a_pull_is_allowed_only_while_the_window_is_below_the_limit(pulls, limit, window, pauses):
    source, clock, let_through = budget(limit, window), 1_800_000_000, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: clock)
        for pause in pauses:
            clock += pause
            in_window = [moment for moment in let_through if moment > clock - window]
            assert pulls.left(source) == max(limit - len(in_window), 0)
            assert taken(pulls, source) == (len(in_window) < limit)
            if len(in_window) < limit:
                let_through.append(clock)
    for moment in let_through:
        assert sum(moment <= other < moment + window for other in let_through) <= limit


def test_concurrent_pulls_get_no_more_than_sequential_ones(pulls):
    source = budget(5, 3600)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: taken(pulls, source), range(40))) == 5


def test_a_returned_pull_is_not_counted(pulls):
    source = budget(1, 3600)
    pulls.give_back(pulls.take(source))
    assert pulls.left(source) == 1
    assert taken(pulls, source)


def test_each_source_has_its_own_limit(pulls):
    source, other = budget(1, 3600), budget(1, 3600)
    assert taken(pulls, source)
    assert not taken(pulls, source)
    assert taken(pulls, other)


def account(plan: str) -> Account:
    return Account("alice", "186e63fa-abf0-4deb-a711-0dbd34c4a821", plan, False, "")


def test_anonymous_clients_count_by_address_and_accounts_by_their_id(pulls):
    assert pulls.budget(None, "192.0.2.1") == Budget("192.0.2.1", 100, 21600)
    assert pulls.budget(account("personal"), "192.0.2.1") == Budget(account("personal").id, 200, 21600)


@pytest.mark.parametrize("plan", ["pro", "team", "business"])
def test_a_paid_plan_has_no_limit(pulls, plan):
    assert pulls.budget(account(plan), "192.0.2.1") is None


def test_a_changed_limit_resets_the_counts_and_is_stored(tmp_path):
    store = Store(tmp_path / "state.db")
    store.add(limits.SCHEMA)
    pulls = Pulls(store)
    assert pulls.settings() == PullLimit(100, 200, 21600)
    pulls.set(PullLimit(1, 2, 60))
    assert taken(pulls, pulls.budget(None, "192.0.2.1"))
    assert not taken(pulls, pulls.budget(None, "192.0.2.1"))
    store.close()

    again = Pulls(Store(tmp_path / "state.db"))
    assert again.settings() == PullLimit(1, 2, 60)
    assert again.left(again.budget(None, "192.0.2.1")) == 0
    again.set(PullLimit(1, 2, 60))
    assert again.left(again.budget(None, "192.0.2.1")) == 1
