"""A state folder of the version before, in which CNCF Distribution stored the blobs, is taken over at the first start.

``state-2026-11.tar.gz`` is such a folder; ``make_old_state.py`` beside it shows how it was made and what is in it.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tarfile
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
MADE = json.loads((HERE / "state-2026-11.json").read_text())


@pytest.fixture
def sandbox(tmp_path):
    """A sandbox that is yet to start on the old state."""
    sandbox = Sandbox(tmp_path)
    with tarfile.open(HERE / "state-2026-11.tar.gz") as archive:
        archive.extractall(sandbox.state, filter="data")
    yield sandbox
    if sandbox.process and sandbox.process.poll() is None:
        sandbox.stop()


def homes(sandbox: Sandbox) -> dict[str, Wire]:
    """The repositories that ``make_old_state.py`` filled, as their clients see them."""
    return {
        "app": old.private(sandbox.url, "app"),
        "copied": old.private(sandbox.url, "copied"),
        "other": old.private(sandbox.url, "app", key=old.OTHER),
        "far": old.private(sandbox.url, "far", "eu-central-1"),
        "long": old.private(sandbox.url, old.LONG_NAME),
        "public": old.public(sandbox.url, "team/tool"),
        "hub": old.hub(sandbox.url, "alice/app"),
    }


def pull(home: Wire, image: str) -> None:
    """All of an image, byte by byte."""
    answer = home.manifest(image, Accept="*/*")
    assert (answer.status_code, digest_of(answer.content)) == (200, image)
    manifest = answer.json()
    for blob in (manifest["config"], *manifest["layers"]):
        assert digest_of(home.blob(blob["digest"]).content) == blob["digest"]


def everything_is_there(sandbox: Sandbox) -> None:
    repositories = homes(sandbox)
    for name, images in MADE["images"].items():
        for image in images:
            pull(repositories[name], image)
    pull(repositories["copied"].other("copied"), MADE["images"]["copied"][0])
    replica = old.private(sandbox.url, "copied", "eu-west-1")
    pull(replica, MADE["images"]["copied"][0])
    blobs = {f"sha256:{each.name}" for each in (sandbox.state / "blobs/sha256").iterdir()}
    assert {MADE["waiting"], MADE["shared"]} <= blobs
    assert repositories["app"].ask("HEAD", f"blobs/{MADE['waiting']}").status_code == 200


def test_all_images_of_all_registries_can_be_pulled(sandbox):
    sandbox.start()
    everything_is_there(sandbox)
    left = {each.name for each in sandbox.state.iterdir()} & {"registry", "registry.yml", "registry.sock"}
    assert not left
    assert not list((sandbox.state / "trash").iterdir())
    assert not list((sandbox.state / "uploads").iterdir())


def test_what_is_not_an_image_is_there_too(sandbox):
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


def test_an_unfinished_upload_starts_again(sandbox):
    sandbox.start()
    app = old.private(sandbox.url, "app")
    assert app.ask("GET", MADE["upload"]).status_code == 404
    app.push(app.image(b"something new"), "v2")


def test_a_layer_without_an_image_waits_for_its_manifest_as_long_as_before(sandbox):
    [link] = sandbox.state.glob(f"registry/**/_layers/{MADE['waiting'].replace(':', '/')}/link")
    os.utime(link)
    sandbox.start()
    code, _, body = sandbox.http("POST", "/_sandbox/gc", b"")
    assert (code, json.loads(body)["layers"]) == (200, 0)
    os.truncate(sandbox.state / "blobs/sha256" / MADE["waiting"].partition(":")[2], 0)
    assert json.loads(sandbox.http("POST", "/_sandbox/gc?idle=0", b"")[2])["layers"] == 1
    everything = Pusher(sandbox)
    for image in MADE["images"]["app"]:
        everything.pull("app", image)


def test_a_push_of_a_layer_that_is_there_sends_nothing(sandbox):
    sandbox.start()
    assert Pusher(sandbox).ask_blob("app", MADE["shared"]) == 200
    assert Pusher(sandbox).ask_blob("copied", MADE["waiting"]) == 404


class TestAKill:
    def test_at_each_step(self, tmp_path):
        """The process dies before each call that changes the folder, one after the other; the next one completes it."""
        expected, step = None, 0
        while True:
            folder = tmp_path / f"killed-at-{step}"
            with tarfile.open(HERE / "state-2026-11.tar.gz") as archive:
                archive.extractall(folder, filter="data")
            died = step and died_at(step, folder)
            found = taken_over(folder)
            expected = expected or found
            assert found == expected, f"killed at step {step}"
            if step and not died:
                assert step > 20
                return
            step += 1

    @pytest.mark.soak
    def test_of_the_sandbox_again_and_again(self, sandbox, soak):
        for _ in range(20 if soak else 2):
            process = subprocess.Popen(
                [sys.executable, "-m", "ecr_sandbox"], env=sandbox.env, cwd=settings.PROJECT, stdout=subprocess.DEVNULL
            )
            time.sleep(random.uniform(0.2, 0.9))
            process.send_signal(signal.SIGKILL)
            process.wait()
        sandbox.start()
        everything_is_there(sandbox)


def taken_over(folder: Path) -> tuple[set[tuple], dict[str, bytes]]:
    """The rows and blobs that there are once *folder* is taken over; the time of a row is not compared."""
    store = Store(folder / "state.db")
    content = ContentStore(folder, store)
    take_over(folder, store, content)
    sought = "SELECT account, region, repository, digest, leases FROM repository_blobs"
    rows = {tuple(row) for row in store.read().execute(sought)}
    store.close()
    assert not (folder / "registry").exists()
    content.empty_trash()  # where a kill leaves a folder
    assert not list(content.trash.iterdir())
    return rows, {each.name: each.read_bytes() for each in content.blobs.iterdir()}


def died_at(step: int, folder: Path) -> bool:
    """Take *folder* over in a process that dies at its call number *step*; False when there are fewer calls."""
    if (child := os.fork()) == 0:
        calls = count(1)
        for name in ("rename", "unlink", "rmdir", "fsync"):
            setattr(os, name, dying(getattr(os, name), calls, step))
        taken_over(folder)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def dying(call: Callable, calls: Iterator[int], step: int) -> Callable:
    def instead(*arguments, **more):
        if next(calls) == step:
            os._exit(9)
        return call(*arguments, **more)

    return instead
