"""Jobs that the end of the sandbox interrupted each time they ran: they are given up, and what they did has failed."""

import json
import sqlite3
from contextlib import closing

import pytest

from ecr_sandbox.state.jobs import MAX_TRIES
from helpers import settings
from tests.sandbox.conftest import until
from tests.sandbox.rootfs import debian, dpkg, push

HERE = {"account": settings.ACCOUNT, "region": settings.REGION, "repository": "app"}
THERE = {"region": "eu-west-1", "registryId": settings.ACCOUNT}
LAST = '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", '
LAST += '"countNumber": 1}, "action": {"type": "expire"}}]}'


@pytest.fixture
def image(own_sandbox):
    """The digest of an image in the repository app of *own_sandbox*, which is scanned and replicated."""
    ecr = own_sandbox.start().client()
    ecr.create_repository(repositoryName="app", imageScanningConfiguration={"scanOnPush": True})
    ecr.put_replication_configuration(replicationConfiguration={"rules": [{"destinations": [THERE]}]})
    digest = push(ecr, "app", "v1", debian(dpkg()))
    until(lambda: replication(own_sandbox) == "COMPLETE" and scan(own_sandbox) == "COMPLETE")
    return digest


def restart_after_interruptions(sandbox, kind: str, what: dict, *changes: str) -> None:
    """Restart *sandbox* with these *changes* of its state, and a job that was interrupted as often as is allowed."""
    sandbox.stop()
    with closing(sqlite3.connect(sandbox.state / "state.db")) as db, db:
        for change in changes:
            db.execute(change)
        values = (kind, json.dumps(what, sort_keys=True), 0, MAX_TRIES)
        db.execute("DELETE FROM jobs WHERE kind = ?", (kind,))
        db.execute("INSERT INTO jobs (kind, what, due, tries) VALUES (?, ?, ?, ?)", values)
    sandbox.start()


def scan(sandbox) -> str:
    about = {"repositoryName": "app", "imageId": {"imageTag": "v1"}}
    return sandbox.client().describe_image_scan_findings(**about)["imageScanStatus"]["status"]


def replication(sandbox) -> str:
    about = {"repositoryName": "app", "imageId": {"imageTag": "v1"}}
    return sandbox.client().describe_image_replication_status(**about)["replicationStatuses"][0]["status"]


def tags(sandbox) -> list[str]:
    return [each["imageTag"] for each in sandbox.client().list_images(repositoryName="app")["imageIds"]]


def jobs(sandbox) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(sandbox.state / "state.db")) as db:
        return db.execute("SELECT kind, tries FROM jobs").fetchall()


def test_a_scan_has_failed(own_sandbox, image):
    started = "UPDATE scans SET status = 'IN_PROGRESS'"
    restart_after_interruptions(own_sandbox, "scan", {"image": 1, "type": "BASIC"}, started)
    until(lambda: scan(own_sandbox) == "FAILED")
    assert jobs(own_sandbox) == []


def test_a_copy_has_failed(own_sandbox, image):
    to = {"to_account": settings.ACCOUNT, "to_region": "eu-west-1"}
    started = "UPDATE replications SET status = 'IN_PROGRESS'"
    restart_after_interruptions(own_sandbox, "replicate", {**HERE, "digest": image, "tag": "v1", **to}, started)
    until(lambda: replication(own_sandbox) == "FAILED")
    assert jobs(own_sandbox) == []


def test_a_backfill_has_failed(own_sandbox, image):
    """Otherwise no other could start (API reference, StartReplicationBackfill)."""
    number = own_sandbox.client().start_replication_backfill(destination=THERE)["replicationBackfillId"]
    started = "UPDATE backfills SET status = 'IN_PROGRESS', ended = NULL"
    restart_after_interruptions(own_sandbox, "backfill", {"id": number}, started)
    ecr = own_sandbox.client()
    until(lambda: ecr.list_replication_backfills()["backfills"][0]["status"] == "FAILED")
    assert ecr.start_replication_backfill(destination=THERE)["status"] == "PREPARING"


def test_a_lifecycle_policy_runs_again_the_next_day(own_sandbox, image):
    """User guide, "Lifecycle policies": it is applied within 24 hours, each day."""
    own_sandbox.client().put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=LAST)
    restart_after_interruptions(own_sandbox, "lifecycle", HERE)
    until(lambda: jobs(own_sandbox) == [("lifecycle", 0)])
    push(own_sandbox.client(), "app", "v2", debian(dpkg(version="1")))
    own_sandbox.forward(25 * 60 * 60)
    until(lambda: tags(own_sandbox) == ["v2"])


def test_a_preview_has_failed(own_sandbox, image):
    own_sandbox.client().start_lifecycle_policy_preview(repositoryName="app", lifecyclePolicyText=LAST)
    started = "UPDATE lifecycle_previews SET complete = 0"
    restart_after_interruptions(own_sandbox, "lifecycle preview", HERE, started)
    about = {"repositoryName": "app"}
    until(lambda: own_sandbox.client().get_lifecycle_policy_preview(**about)["status"] == "FAILED")
