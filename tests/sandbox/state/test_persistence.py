"""What moto keeps in memory: whole and in the store, or not at all; and there for whoever looks without the lock."""

import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from ecr_sandbox.aws.errors import CommonError
from ecr_sandbox.iam import administrator, principals
from ecr_sandbox.services.ecr.backend import Repository
from ecr_sandbox.services.ecs import roles
from ecr_sandbox.state import persistence
from ecr_sandbox.state.persistence import Kept
from ecr_sandbox.state.store import Store
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from helpers import settings


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """An IAM with the administrator, in a store."""
    store = Store(tmp_path / "state.db")
    kept = Kept(store)
    kept.restore()
    administrator.ensure(store)
    iam = principals.account(settings.ACCOUNT)
    with kept.changing("iam"):
        iam.create_user(settings.REGION, "alice")
    yield kept
    store.close()
    for account in (settings.ACCOUNT, settings.OTHER_ACCOUNT):
        iam_backends[account]["aws"].reset()
        sts_backends[account]["aws"].reset()


def fail(kept: Kept) -> None:
    """A change that is undone."""
    with pytest.raises(ZeroDivisionError), kept.changing("iam"):
        principals.account(settings.ACCOUNT).create_user(settings.REGION, "bob")
        raise ZeroDivisionError


def test_a_change_that_fails_has_not_happened(kept):
    fail(kept)
    assert principals.user(settings.ACCOUNT, "alice") and not principals.user(settings.ACCOUNT, "bob")


def test_while_a_change_is_undone_the_keys_are_known(kept, monkeypatch):
    asked = []

    def load(content: bytes):
        found: list = []
        other = threading.Thread(target=lambda: found.append(principals.of(settings.ACCESS_KEY)))
        other.start()
        other.join()
        asked.extend(found or [None])
        return pickle.loads(content)

    monkeypatch.setattr(persistence, "_load", load)
    fail(kept)
    assert asked and None not in asked


def test_the_session_of_a_task_outlives_the_failure_of_another_change(kept):
    with kept.changing("iam"):
        principals.account(settings.ACCOUNT).create_role("execution", "{}", "/", None, "", [], "3600")
    role = f"arn:aws:iam::{settings.ACCOUNT}:role/execution"
    with roles.session(SimpleNamespace(changing=kept.changing), role, "task", settings.REGION) as made:
        fail(kept)
        assert principals.of(made.access_key_id).arn.endswith("assumed-role/execution/task")
    with pytest.raises(CommonError):
        principals.of(made.access_key_id)


def test_a_class_is_found_by_the_name_of_its_old_module():
    """Until November 2026 the classes of the sandbox were in ``helpers.sandbox``."""
    old = pickle.dumps(Repository, 0).replace(b"ecr_sandbox.services.ecr.backend", b"helpers.sandbox.ecr.backend")
    assert b"helpers.sandbox" in old
    assert persistence._load(old) is Repository
