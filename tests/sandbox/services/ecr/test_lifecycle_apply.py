"""A run does what the preview shows: tested with repositories and policies that hypothesis generates."""

import json
from itertools import count

import moto.ecr.models as moto_ecr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.registry import events
from ecr_sandbox.registry.events import Deleted
from ecr_sandbox.registry.manifest_format import Manifest
from ecr_sandbox.registry.usage import Meter
from ecr_sandbox.services.ecr import lifecycle_apply
from ecr_sandbox.services.ecr.backend import Backend, Repository, backend
from ecr_sandbox.services.ecr.lifecycle import previews, schedule
from ecr_sandbox.services.ecr.lifecycle.evaluate import evaluate
from ecr_sandbox.services.ecr.registry_settings import SCHEMA
from ecr_sandbox.state import clock
from ecr_sandbox.state.jobs import Jobs
from ecr_sandbox.state.store import Store
from tests.sandbox.api import INDEX, OCI, index, manifest

DAY = 24 * 60 * 60
HANG = 60 * 60  # seconds; no step of these tests takes that long
HERE = ("111111111111", "us-east-1")
names = count()


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """ECR's state in this process, with its own store."""
    store = Store(tmp_path_factory.mktemp("lifecycle") / "state.db")
    clock.install(store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "_moved", [])
        patch.setattr(events, "_subscribers", [])
        for name, value in {"store": store, "meter": Meter(store), "jobs": Jobs(store)}.items():
            patch.setattr(Backend, name, value, raising=False)
        patch.setattr(moto_ecr, "Repository", Repository)
        patch.setattr(moto_ecr.ecr_backends, "backend", Backend)
        for schema in (SCHEMA, schedule.SCHEMA, previews.SCHEMA):
            store.add(schema)
        yield backend(*HERE)
        del moto_ecr.ecr_backends[HERE[0]]
    clock.install(Store(tmp_path_factory.mktemp("another") / "state.db"))  # an unused clock
    store.close()


def selection(status, kind, number, storage="standard"):
    found = {"tagStatus": status, "countType": kind, "countNumber": number, "storageClass": storage}
    unit = {} if kind == "imageCountMoreThan" else {"countUnit": "days"}
    return {**found, **unit, **({"tagPatternList": ["v*"]} if status == "tagged" else {})}


KEEP_ONE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": selection("any", "imageCountMoreThan", 1),
                "action": {"type": "expire"},
            }
        ]
    }
)

kinds = st.sampled_from(["imageCountMoreThan", "sinceImagePushed"])
actions = st.sampled_from([{"type": "expire"}, {"type": "transition", "targetStorageClass": "archive"}])


@st.composite
def policies(draw):
    rules = []
    for priority, status in enumerate(draw(st.sampled_from(["tu", "ua", "a", "tua", "u"])), 1):
        status = {"t": "tagged", "u": "untagged", "a": "any"}[status]
        chosen = selection(status, draw(kinds), draw(st.integers(1, 3)))
        rules.append({"rulePriority": priority, "selection": chosen, "action": draw(actions)})
    archived = selection("any", "sinceImageTransitioned", 90, "archive")
    rules.append({"rulePriority": 9, "selection": archived, "action": {"type": "expire"}})
    return json.dumps({"rules": rules})


# A history: what is pushed, under which tag, and how many days pass.
pushes = st.tuples(
    st.sampled_from(["image", "image", "index", "signature", "archived"]),
    st.sampled_from(["v1", "v2", "latest", None]),
    st.integers(0, 2),
)


def push(repository, kind, tag, number):
    """Push one more image of *kind*. An index or a signature refers to an existing image."""
    images = repository.images
    before = [each.digest for each in images.all() if each.media_type == OCI]
    content, media_type = manifest(annotations={"n": str(number)}), OCI
    if kind == "index" and before:
        content, media_type = index(before[number % len(before)]) | {"annotations": {"n": str(number)}}, INDEX
    if kind == "signature" and before:
        subject = {"mediaType": OCI, "digest": before[number % len(before)], "size": 2}
        content = manifest(annotations={"n": str(number)}, subject=subject)
    made = images.put(Manifest.parse(json.dumps(content), media_type), tag, False)
    if kind == "archived":
        images.archive(made)


def due(repository):
    """When its policy is applied next, in Unix time."""
    rows = Backend.store.read().execute("SELECT due, what FROM jobs WHERE kind = ?", (schedule.KIND,)).fetchall()
    [found] = [row["due"] for row in rows if json.loads(row["what"])["repository"] == repository]
    return found


@given(policies(), st.lists(pushes, max_size=7))
def test_a_run_does_what_the_preview_showed(registry, policy, history):
    name = f"app-{next(names)}"
    registry.create_repository(name, None, {}, None, "MUTABLE", [])
    repository, key = registry.repository(name), (*HERE, name)
    for number, (kind, tag, days) in enumerate(history):
        push(repository, kind, tag, number)
        clock.forward(Backend.store, days * DAY)
    registry.put_lifecycle_policy(HERE[0], name, policy)
    previews.start(Backend.store, Backend.jobs, key, policy)
    previews.run(Backend.store, schedule.job_fields(key))
    found = previews.results(Backend.store, key, 0, -1, None)
    before = {each.digest: each for each in repository.images.all()}

    done = lifecycle_apply.run_once(key)

    after = {each.digest: each for each in repository.images.all()}
    assert {each.digest for each in found if each.action == "expire"} == before.keys() - after.keys()
    moved = {digest for digest, each in after.items() if each.storage_class != before[digest].storage_class}
    assert {each.digest for each in found if each.action == "transition"} == moved
    assert [(each.digest, each.priority) for each in found] == [(name, each.priority) for name, each in done.items()]
    shown = previews.find(Backend.store, Backend.jobs, key)
    assert (shown.expiring, shown.transitioning) == (len(before) - len(after), len(moved))
    assert schedule.last(Backend.store, key) > 0
    assert Backend.jobs.waiting(schedule.KIND).count(schedule.job_fields(key)) == 1


def test_each_expired_image_has_an_event(registry):
    registry.create_repository("expired", None, {}, None, "MUTABLE", [])
    repository, deleted = registry.repository("expired"), []
    events.subscribe(Deleted, deleted.append)
    for number in range(3):
        push(repository, "image", "v1" if number < 2 else "v2", number)
    registry.put_lifecycle_policy(HERE[0], "expired", KEEP_ONE)
    first, second, _ = (each.digest for each in repository.images.all())
    lifecycle_apply.run_once((*HERE, "expired"))
    assert deleted == [Deleted(*HERE, "expired", first, None), Deleted(*HERE, "expired", second, "v1")]


def test_a_failed_run_changes_nothing(registry, monkeypatch):
    registry.create_repository("broken", None, {}, None, "MUTABLE", [])
    repository, key = registry.repository("broken"), (*HERE, "broken")
    for number in range(3):
        push(repository, "image", None, number)
    registry.put_lifecycle_policy(HERE[0], "broken", KEEP_ONE)

    def crash(*args):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(schedule, "done", crash)
        with pytest.raises(OSError):
            lifecycle_apply.run_once(key)
    assert len(repository.images.all()) == 3
    assert len(lifecycle_apply.run_once(key)) == 2
    assert lifecycle_apply.run_once(key) == {}


def test_a_clock_that_advances_during_a_run_delays_nothing(registry, monkeypatch):
    registry.create_repository("moved", None, {}, None, "MUTABLE", [])
    push(registry.repository("moved"), "image", "v1", 1)
    registry.put_lifecycle_policy(HERE[0], "moved", KEEP_ONE)
    started = clock.now()

    def slowly(*args):
        clock.forward(Backend.store, 2 * DAY)
        return evaluate(*args)

    with monkeypatch.context() as patch:
        patch.setattr(lifecycle_apply, "evaluate", slowly)
        assert lifecycle_apply.run_once((*HERE, "moved")) == {}
    assert schedule.last(Backend.store, (*HERE, "moved")) == pytest.approx(started, abs=HANG)
    assert due("moved") == pytest.approx(started + DAY, abs=HANG)


def test_a_policy_that_replaces_another_waits_no_longer(registry):
    registry.create_repository("again", None, {}, None, "MUTABLE", [])
    for _ in range(2):
        registry.put_lifecycle_policy(HERE[0], "again", KEEP_ONE)
        clock.forward(Backend.store, DAY / 2)
    assert due("again") <= clock.now()


def test_a_run_for_a_deleted_repository_schedules_nothing(registry):
    key = (*HERE, "never-was")
    lifecycle_apply.run(schedule.job_fields(key))
    assert schedule.job_fields(key) not in Backend.jobs.waiting(schedule.KIND)
