"""Migration of a state folder of the previous version, in which CNCF Distribution stored the blobs, at the first start.

``state-2026-11.tar.gz`` is such a folder. ``make_old_state.py`` in the same folder shows how it was made.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.distribution_layout import take_over
from ecr_sandbox.state.store import Store
from helpers import settings
from tests.sandbox.conftest import Sandbox
from tests.sandbox.pusher import Pusher
from tests.sandbox.state import make_old_state as old
from tests.sandbox.wire import Wire, digest_of

HERE = Path(__file__).parents[1] / "state"
OLD_STATE = HERE / "state-2026-11.tar.gz"
MADE = json.loads((HERE / "state-2026-11.json").read_text())


@pytest.fixture
def sandbox(tmp_path):
    """A sandbox with the old state that is not started yet."""
    sandbox = Sandbox(tmp_path)
    shutil.unpack_archive(OLD_STATE, sandbox.state)
    yield sandbox
    if sandbox.process and sandbox.process.poll() is None:
        sandbox.stop()


def repositories_of(sandbox: Sandbox) -> dict[str, Wire]:
    """A client for each repository that ``make_old_state.py`` filled."""
    return {
        "app": old.private(sandbox.url, "app"),
        "copied": old.private(sandbox.url, "copied"),
        "other": old.private(sandbox.url, "app", key=old.OTHER),
        "far": old.private(sandbox.url, "far", "eu-central-1"),
        "long": old.private(sandbox.url, old.LONG_NAME),
        "public": old.public(sandbox.url, "team/tool"),
        "hub": old.hub(sandbox.url, "alice/app"),
    }


def pull(repository: Wire, image: str) -> None:
    """Pull an image and check every digest."""
    answer = repository.manifest(image, Accept="*/*")
    assert (answer.status_code, digest_of(answer.content)) == (200, image)
    manifest = answer.json()
    for blob in (manifest["config"], *manifest["layers"]):
        assert digest_of(repository.blob(blob["digest"]).content) == blob["digest"]


def assert_images_are_migrated(sandbox: Sandbox) -> None:
    repositories = repositories_of(sandbox)
    for name, images in MADE["images"].items():
        for image in images:
            pull(repositories[name], image)
    pull(repositories["copied"].other("copied"), MADE["images"]["copied"][0])
    replica = old.private(sandbox.url, "copied", "eu-west-1")
    pull(replica, MADE["images"]["copied"][0])
    blobs = {f"sha256:{each.name}" for each in (sandbox.state / "blobs/sha256").iterdir()}
    assert {MADE["waiting"], MADE["shared"]} <= blobs
    assert repositories["app"].ask("HEAD", f"blobs/{MADE['waiting']}").status_code == 200


def test_images_of_every_registry_can_be_pulled_after_the_migration(sandbox):
    sandbox.start()
    assert_images_are_migrated(sandbox)
    left = {each.name for each in sandbox.state.iterdir()} & {"registry", "registry.yml", "registry.sock"}
    assert not left
    assert not list((sandbox.state / "trash").iterdir())
    assert not list((sandbox.state / "uploads").iterdir())


def test_other_resources_are_migrated_too(sandbox):
    sandbox.start()
    ecr = sandbox.client()
    described = ecr.describe_images(repositoryName="app", filter={"imageStatus": "ANY"})["imageDetails"]
    details = {each["imageDigest"]: each for each in described}
    assert details[MADE["archived"]]["imageStatus"] == "ARCHIVED"
    assert [details[each].get("imageTags") for each in MADE["images"]["app"]] == [None, ["v1"]]
    assert json.loads(ecr.get_lifecycle_policy(repositoryName="app")["lifecyclePolicyText"])
    assert "alice" in [each["UserName"] for each in sandbox.client("iam").list_users()["Users"]]
    assert sandbox.client("ecs").list_task_definitions()["taskDefinitionArns"]
    assert sandbox.client("ecs").describe_clusters(clusters=["demo"])["clusters"][0]["clusterName"] == "demo"
    assert sandbox.client("sqs").list_queues()["QueueUrls"]
    assert sandbox.client("secretsmanager").list_secrets()["SecretList"]
    assert sandbox.client("logs").describe_log_groups()["logGroups"]


def test_an_unfinished_upload_is_not_migrated(sandbox):
    sandbox.start()
    app = old.private(sandbox.url, "app")
    assert app.ask("GET", MADE["upload"]).status_code == 404
    app.push(app.image(b"something new"), "v2")


def test_a_layer_without_an_image_keeps_its_time_to_be_collected(sandbox):
    [link] = sandbox.state.glob(f"registry/**/_layers/{MADE['waiting'].replace(':', '/')}/link")
    os.utime(link)
    sandbox.start()
    code, _, body = sandbox.control("POST", "/_sandbox/gc", b"")
    assert (code, json.loads(body)["layers"]) == (200, 0)
    os.truncate(sandbox.state / "blobs/sha256" / MADE["waiting"].partition(":")[2], 0)
    assert json.loads(sandbox.control("POST", "/_sandbox/gc?idle=0", b"")[2])["layers"] == 1
    pusher = Pusher(sandbox)
    for image in MADE["images"]["app"]:
        pusher.pull("app", image)


def test_a_migrated_layer_is_not_uploaded_again(sandbox):
    sandbox.start()
    assert Pusher(sandbox).ask_blob("app", MADE["shared"]) == 200
    assert Pusher(sandbox).ask_blob("copied", MADE["waiting"]) == 404


class TestKill:
    def test_at_each_step(self, tmp_path):
        """The process dies before each call that changes the folder. The next process completes the migration."""
        expected, step = None, 0
        while True:
            folder = tmp_path / f"killed-at-{step}"
            shutil.unpack_archive(OLD_STATE, folder)
            died = step and dies_at(step, folder)
            found = migrated(folder)
            expected = expected or found
            assert found == expected, f"killed at step {step}"
            if step and not died:
                assert step > 20
                return
            step += 1

    @pytest.mark.soak
    def test_of_the_sandbox_several_times(self, sandbox, soak):
        for _ in range(20 if soak else 2):
            process = subprocess.Popen(
                [sys.executable, "-m", "ecr_sandbox"], env=sandbox.env, cwd=settings.PROJECT, stdout=subprocess.DEVNULL
            )
            time.sleep(random.uniform(0.2, 0.9))
            process.send_signal(signal.SIGKILL)
            process.wait()
        sandbox.start()
        assert_images_are_migrated(sandbox)


def migrated(folder: Path) -> tuple[set[tuple], dict[str, bytes]]:
    """The rows, without their times, and the blobs after the migration of *folder*."""
    store = Store(folder / "state.db")
    content = ContentStore(folder, store)
    take_over(folder, store, content)
    query = "SELECT account, region, repository, digest, leases FROM repository_blobs"
    rows = {tuple(row) for row in store.read().execute(query)}
    store.close()
    assert not (folder / "registry").exists()
    content.empty_trash()  # where a kill leaves a folder
    assert not list(content.trash.iterdir())
    return rows, {each.name: each.read_bytes() for each in content.blobs.iterdir()}


def dies_at(step: int, folder: Path) -> bool:
    """Migrate *folder* in a process that dies at its call number *step*; False when there are fewer calls."""
    if (child := os.fork()) == 0:
        calls = count(1)
        for name in ("rename", "unlink", "rmdir", "fsync"):
            setattr(os, name, dying(getattr(os, name), calls, step))
        migrated(folder)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def dying(call: Callable, calls: Iterator[int], step: int) -> Callable:
    def instead(*arguments, **more):
        if next(calls) == step:
            os._exit(9)
        return call(*arguments, **more)

    return instead
