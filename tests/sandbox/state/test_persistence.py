"""Persistence of moto's backends: a change is stored completely or undone, and reads need no lock."""

import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from ecr_sandbox.aws.call import model_name
from ecr_sandbox.aws.dispatch import SERVICES
from ecr_sandbox.errors import ApiError
from ecr_sandbox.iam import administrator, principals
from ecr_sandbox.services.ecs import roles
from ecr_sandbox.state import persistence, pickles
from ecr_sandbox.state.persistence import BackendPersistence
from ecr_sandbox.state.store import Store
from helpers import settings


@pytest.fixture
def backends(tmp_path: Path) -> Iterator[BackendPersistence]:
    """The backends in a store, with the administrator and the user alice."""
    store = Store(tmp_path / "state.db")
    persistence = BackendPersistence(store, SERVICES, model_name)
    persistence.restore()
    administrator.ensure(store)
    persistence.save()
    iam = principals.account(settings.ACCOUNT)
    with persistence.changing("iam"):
        iam.create_user(settings.REGION, "alice")
    yield persistence
    store.close()
    for account in (settings.ACCOUNT, settings.OTHER_ACCOUNT):
        iam_backends[account]["aws"].reset()
        sts_backends[account]["aws"].reset()


def fail(backends: BackendPersistence) -> None:
    """Make a change that fails and is undone."""
    with pytest.raises(ZeroDivisionError), backends.changing("iam"):
        principals.account(settings.ACCOUNT).create_user(settings.REGION, "bob")
        raise ZeroDivisionError


def test_a_failed_change_is_undone(backends):
    fail(backends)
    assert principals.user(settings.ACCOUNT, "alice") and not principals.user(settings.ACCOUNT, "bob")


def test_what_the_start_makes_survives_the_failure_of_the_first_change(store):
    backends = BackendPersistence(store, SERVICES, model_name)
    backends.restore()
    administrator.ensure(store)
    backends.save()
    fail(backends)
    assert principals.of(settings.ACCESS_KEY) and principals.of(settings.OTHER_ACCESS_KEY)


def test_only_what_a_failed_change_touched_is_read_again(backends):
    """What is unchanged stays the same object: background work may hold it."""
    sts, iam = sts_backends[settings.ACCOUNT]["aws"], principals.account(settings.ACCOUNT)
    with backends.changing("sts"):
        sts.account_id = sts.account_id
    fail(backends)
    assert sts_backends[settings.ACCOUNT]["aws"] is sts
    assert principals.account(settings.ACCOUNT) is not iam


def test_a_change_that_cannot_be_stored_is_undone(backends):
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)), backends.changing("iam"):
        principals.account(settings.ACCOUNT).users["bob"] = lambda: None
    assert not principals.user(settings.ACCOUNT, "bob")


def test_a_change_that_a_start_could_not_read_is_undone(backends):
    """A start would put the whole state aside."""
    with pytest.raises(pickles.NotAllowed, match="is not part of a state"), backends.changing("iam"):
        principals.account(settings.ACCOUNT).users["bob"] = Path("anywhere")
    assert not principals.user(settings.ACCOUNT, "bob")


def test_a_service_whose_recovery_fails_is_loaded_again_by_the_next_call(backends):
    """The disk is full, for example: what must happen before the first answer is not skipped."""
    recovered = []

    def recover():
        recovered.append(1)
        if len(recovered) == 1:
            raise OSError

    with pytest.raises(OSError):
        backends.add("sqs", lambda: None, recover)
    backends.add("sqs", lambda: None, recover)
    assert len(recovered) == 2


def test_keys_can_be_read_while_a_change_is_undone(backends, monkeypatch):
    read = []

    def load(*stored):
        found: list = []
        other = threading.Thread(target=lambda: found.append(principals.of(settings.ACCESS_KEY)))
        other.start()
        other.join()
        read.extend(found or [None])
        return pickles.load(*stored)

    monkeypatch.setattr(persistence, "load", load)
    fail(backends)
    assert read and None not in read


def test_the_session_of_a_task_survives_the_failure_of_another_change(backends):
    with backends.changing("iam"):
        principals.account(settings.ACCOUNT).create_role("execution", "{}", "/", None, "", [], "3600")
    role = f"arn:aws:iam::{settings.ACCOUNT}:role/execution"
    with roles.session(SimpleNamespace(changing=backends.changing), role, "task", settings.REGION) as made:
        fail(backends)
        assert principals.of(made.access_key_id).arn.endswith("assumed-role/execution/task")
    with pytest.raises(ApiError):
        principals.of(made.access_key_id)
