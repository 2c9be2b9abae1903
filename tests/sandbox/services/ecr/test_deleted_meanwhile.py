"""A job whose image or repository is deleted while it runs ends quietly, and leaves nothing behind.

A deletion is replicated, so an image that was deleted during its copy must not stay at the destination.
Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html, "Considerations".
"""

import json
from collections.abc import Callable, Iterator
from io import BytesIO

import moto.backends
import moto.ecr.models as moto_ecr
import pytest

from ecr_sandbox.app import App
from ecr_sandbox.aws.dispatch import SERVICES
from ecr_sandbox.registry import events, oci_layout
from ecr_sandbox.registry.image import ARCHIVE, STANDARD
from ecr_sandbox.services.ecr import archive, lifecycle_apply
from ecr_sandbox.services.ecr.backend import Backend, Repository, backend
from ecr_sandbox.services.ecr.lifecycle import previews, schedule
from ecr_sandbox.services.ecr.pull_through import importing
from ecr_sandbox.services.ecr.pull_through.upstreams import ECR
from ecr_sandbox.services.ecr.registry_settings import CACHE_RULES, REPLICATION
from ecr_sandbox.services.ecr.replication import backfill, copying
from ecr_sandbox.services.ecr.replication.backfill_table import PREPARING, Backfill, Backfills
from ecr_sandbox.services.ecr.replication.rules import Destination
from ecr_sandbox.services.ecr.replication.subscriptions import CONFIGURATION
from ecr_sandbox.services.ecr.scan.rules import BASIC, MANUAL, Rule
from ecr_sandbox.services.ecr.scan.scanner import Scanner
from ecr_sandbox.services.ecr.scan_api import ScanOperations
from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store
from helpers import settings
from tests.sandbox.api import digest_of, manifest

ME, HERE, THERE = settings.ACCOUNT, settings.REGION, "eu-central-1"
POLICY = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
                "action": {"type": "expire"},
            }
        ]
    }
)


@pytest.fixture
def app(tmp_path, monkeypatch) -> Iterator[App]:
    """The app in this process. Its jobs do not run: the tests run them."""
    monkeypatch.setattr(clock, "_moved", [])
    monkeypatch.setattr(events, "_subscribers", [])
    monkeypatch.setattr(moto_ecr, "Repository", moto_ecr.Repository)
    (tmp_path / "state").mkdir()
    made = App(tmp_path / "state")
    yield made
    made.stop()
    clock.install(Store(tmp_path / "another.db"))
    for service in SERVICES:
        moto.backends.get_backend(service).clear()


@pytest.fixture
def repository(app) -> Repository:
    """A repository with the image v1, which is replicated to another Region."""
    with Backend.changing():
        backend(ME, HERE).settings(REPLICATION).put(CONFIGURATION, rules(Destination(ME, THERE)))
        backend(ME, HERE).create_repository("app", None, {"encryptionType": "AES256"}, None, "MUTABLE", [])
    repository = backend(ME, HERE).repository("app")
    Backend.blobs.add(repository.key, digest_of(b"{}"), BytesIO(b"{}"))
    repository.store_image(json.dumps(manifest()), None, "v1", None)
    return repository


def rules(to: Destination) -> dict:
    return {"rules": [{"destinations": [{"region": to.region, "registryId": to.account}]}]}


def job(repository: Repository) -> dict:
    [waiting] = Backend.jobs.waiting("replicate")
    assert waiting["repository"] == repository.name
    return waiting


def delete_image(repository: Repository) -> None:
    repository.delete_images([{"imageDigest": image.digest} for image in repository.images.all()])


def delete_repository(repository: Repository) -> None:
    with Backend.changing():
        backend(repository.account_id, repository.region_name).delete_repository(repository.name, force=True)


def after(monkeypatch, owner: object, name: str, act: Callable[[], None]) -> None:
    """Call *act* once, after the function *name* of *owner* was called; it may have failed."""
    real, left = getattr(owner, name), [act]

    def function(*values, **named):
        try:
            return real(*values, **named)
        finally:
            if left:
                left.pop()()

    monkeypatch.setattr(owner, name, function)


def copies() -> list[tuple[str, ...]]:
    """The tags of each image at the destination."""
    found = backend(ME, THERE).repositories.get("app")
    return [image.tags for image in found.images.all()] if found else []


def orphans(store: Store) -> list[tuple]:
    """Images of repositories that do not exist."""
    rows = store.read().execute("SELECT account, region, repository FROM images").fetchall()
    return [tuple(row) for row in rows if row["repository"] not in backend(*tuple(row)[:2]).repositories]


def test_a_copy(repository):
    copying.replicate(job(repository))
    assert copies() == [("v1",)]


@pytest.mark.parametrize("delete", [delete_image, delete_repository])
def test_deleted_during_the_copy(app, repository, delete, monkeypatch):
    after(monkeypatch, copying, "_target", lambda: delete(repository))
    copying.replicate(job(repository))
    assert copies() == [] and orphans(app.store) == []


def test_pushed_again_during_the_copy(repository, monkeypatch):
    """The new image has its own job."""
    text = repository.images.all()[0].manifest

    def renew():
        delete_image(repository)
        repository.store_image(text, None, "v2", None)

    after(monkeypatch, copying, "_target", renew)
    first = job(repository)
    copying.replicate(first)
    assert copies() == []
    copying.replicate({**first, "tag": "v2"})
    assert copies() == [("v2",)]


def test_the_destination_is_deleted_during_the_copy(app, repository, monkeypatch):
    after(monkeypatch, copying, "_target", lambda: delete_repository(backend(ME, THERE).repository("app")))
    copying.replicate(job(repository))
    assert copies() == [("v1",)] and orphans(app.store) == []


@pytest.mark.parametrize("error", [copying.CannotReplicate(copying.ACCESS_DENIED), OSError("failed"), KeyError()])
@pytest.mark.parametrize("delete", [delete_image, delete_repository])
def test_deleted_before_the_copy_fails(repository, delete, error, monkeypatch):
    def fail(*_):
        delete(repository)
        raise error

    monkeypatch.setattr(copying, "copy", fail)
    copying.replicate(job(repository))


def test_a_copy_that_fails_for_another_reason_is_tried_again(repository, monkeypatch):
    def fail(*_):
        raise OSError

    monkeypatch.setattr(copying, "copy", fail)
    with pytest.raises(OSError):
        copying.replicate(job(repository))


@pytest.mark.parametrize("delete", [delete_image, delete_repository])
def test_deleted_during_a_backfill(repository, delete, monkeypatch):
    made = Backfill("one", ME, HERE, ME, THERE, PREPARING, clock.now(), None)
    Backfills(Backend.store).add(made)
    after(monkeypatch, copying, "_target", lambda: delete(repository))
    backfill.run({"id": "one"})
    [result] = Backfills(Backend.store).results(Backfills(Backend.store).get("one"), None, 0, 10)
    assert result["failure_code"] == backfill.GONE and copies() == []


@pytest.mark.parametrize("delete", [delete_image, delete_repository])
def test_deleted_during_a_scan(app, repository, delete, monkeypatch):
    [image] = repository.images.all()
    ScanOperations.scans._begin(image.id, Rule(BASIC, MANUAL))
    scanner = Scanner(app.store, Backend.blobs, pytest.fail)
    after(monkeypatch, scanner, "_outcome", lambda: delete(repository))
    scanner.scan({"image": image.id, "type": BASIC})
    scanner.scan({"image": image.id, "type": BASIC})
    assert app.store.read().execute("SELECT count(*) FROM scans").fetchone()[0] == 0


def test_the_scan_of_a_deleted_image_does_not_become_the_scan_of_the_next(app, repository, monkeypatch):
    [image] = repository.images.all()
    rule = Rule(BASIC, MANUAL)
    ScanOperations.scans._begin(image.id, rule)
    scanner = Scanner(app.store, Backend.blobs, pytest.fail)

    def replace():
        delete_image(repository)
        repository.store_image(json.dumps(manifest(annotations={"name": "second"})), None, "v2", None)
        ScanOperations.scans._begin(repository.images.all()[0].id, rule)

    after(monkeypatch, scanner, "_outcome", replace)
    scanner.scan({"image": image.id, "type": BASIC})
    [scan] = app.store.read().execute("SELECT status FROM scans").fetchall()
    assert scan["status"] == "IN_PROGRESS"


@pytest.mark.parametrize("delete", [delete_image, delete_repository])
def test_deleted_while_it_is_restored(repository, delete):
    [image] = repository.images.all()
    archive.move(repository, image, ARCHIVE)
    archive.move(repository, image, STANDARD)
    [waiting] = Backend.jobs.waiting(archive.JOB)
    delete(repository)
    archive.publish_restored(waiting)


@pytest.mark.parametrize("delete", [delete_image, delete_repository])
def test_deleted_during_a_lifecycle_run_and_a_preview(app, repository, delete, monkeypatch):
    with Backend.changing():
        backend(ME, HERE).put_lifecycle_policy(ME, "app", POLICY)
    repository.store_image(json.dumps(manifest(annotations={"name": "second"})), None, "v2", None)
    previews.start(app.store, Backend.jobs, repository.key, POLICY)
    after(monkeypatch, lifecycle_apply, "verdicts", lambda: delete(repository))
    after(monkeypatch, previews, "evaluate", lambda: delete(repository))
    lifecycle_apply.run(schedule.job_fields(repository.key))
    previews.run(app.store, schedule.job_fields(repository.key))
    assert orphans(app.store) == []


def test_the_repository_is_deleted_during_an_import(app, repository, monkeypatch):
    """A pull through the cache: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html."""
    there = backend(ME, THERE)
    rule = {
        "ecrRepositoryPrefix": "cache",
        "upstreamRegistryUrl": f"{ME}.dkr.ecr.{HERE}.amazonaws.com",
        "upstreamRegistry": ECR,
        "upstreamRepositoryPrefix": "ROOT",
        "registryId": ME,
    }
    there.settings(CACHE_RULES).put("cache", rule)
    after(monkeypatch, oci_layout, "add_blobs", lambda: delete_repository(there.repository("cache/app")))
    importing.ensure(there, "cache/app", "v1", None, lambda _: True)
    assert "cache/app" not in there.repositories and orphans(app.store) == []
    importing.ensure(there, "cache/app", "v1", None, lambda _: True)
    assert [image.tags for image in there.repository("cache/app").images.all()] == [("v1",)]
