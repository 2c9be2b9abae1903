"""`ecr-sandbox gc`: the bytes that no image uses are given back, and nothing that anybody needs."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid

import pytest
from ecr_sandbox.registry.distribution import Distribution
from ecr_sandbox.registry.garbage_collection import Swept, sweep
from ecr_sandbox.state.store import Store

from tests.sandbox.conftest import PATIENCE
from tests.sandbox.pusher import Pusher

NOBODY = {"layers": 0, "freed": 0, "kept": 0, "uploads": 0}


def gc(sandbox, idle: float = 300) -> dict:
    """What a sweep did."""
    code, _, body = sandbox.http("POST", f"/_sandbox/gc?idle={idle}", b"")
    assert code == 200, body
    return json.loads(body)


def stored(sandbox) -> set[str]:
    """The digests whose bytes are on disk."""
    top = sandbox.state / "registry/docker/registry/v2/blobs/sha256"
    return {f"sha256:{each.parent.name}" for each in top.glob("*/*/data")}


@pytest.fixture
def pusher(sandbox):
    gc(sandbox, 0)
    return Pusher(sandbox)


@pytest.fixture
def other(sandbox):
    name = f"test-{uuid.uuid4().hex[:8]}"
    sandbox.client().create_repository(repositoryName=name)
    return name


def delete(sandbox, repository, digest):
    done = sandbox.client().batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": digest}])
    assert done["failures"] == []


def test_a_deleted_image_gives_its_bytes_back_at_once(sandbox, pusher, repository):
    image = pusher.push(repository, [b"a layer" * 1000])
    assert gc(sandbox) == NOBODY
    delete(sandbox, repository, image.digest)
    swept = gc(sandbox)
    assert swept == {**NOBODY, "layers": 2, "freed": image.size}  # the layer and the config
    assert not stored(sandbox) & set(image.blobs)
    assert pusher.ask_blob(repository, image.blobs[0]) == 404
    assert gc(sandbox) == NOBODY


def test_what_another_image_shares_stays(sandbox, pusher, repository, other):
    shared, own = os.urandom(1000), os.urandom(500)
    gone = pusher.push(repository, [shared, own])
    here = pusher.push(repository, [shared])
    there = pusher.push(other, [own])
    delete(sandbox, repository, gone.digest)
    assert gc(sandbox)["layers"] == 1  # the config
    pusher.pull(repository, here.digest)
    pusher.pull(other, there.digest)
    # The bytes are there, but they are no longer this repository's.
    assert pusher.ask_blob(repository, there.blobs[0]) == 404


def test_a_moved_tag_leaves_an_image_that_keeps_its_layers(sandbox, pusher, repository):
    old = pusher.push(repository, [os.urandom(100)], tag="latest")
    pusher.push(repository, [os.urandom(100)], tag="latest")
    assert gc(sandbox, 0) == NOBODY
    pusher.pull(repository, old.digest)


def test_a_deleted_repository_gives_its_bytes_back(sandbox, pusher, repository):
    image = pusher.push(repository, [os.urandom(100)])
    sandbox.client().delete_repository(repositoryName=repository, force=True)
    assert gc(sandbox)["layers"] == 2
    assert not stored(sandbox) & set(image.blobs)


def test_a_digest_just_freed_can_be_pushed_again(sandbox, pusher, repository):
    content = os.urandom(1000)
    delete(sandbox, repository, pusher.push(repository, [content]).digest)
    assert gc(sandbox)["layers"] == 2
    pusher.pull(repository, pusher.push(repository, [content]).digest)


class TestAPushUnderWay:
    def test_layers_that_were_sent_wait_for_their_manifest(self, sandbox, pusher, repository):
        layer = os.urandom(1000)
        digest = pusher.send(repository, layer)
        assert gc(sandbox) == {**NOBODY, "kept": 1000}
        assert pusher.ask_blob(repository, digest) == 200

    def test_a_layer_that_the_client_was_told_is_there_waits_too(self, sandbox, pusher, repository):
        layer = os.urandom(1000)
        first = pusher.push(repository, [layer])
        digest = first.blobs[0]
        assert pusher.ask_blob(repository, digest) == 200
        delete(sandbox, repository, first.digest)
        assert gc(sandbox)["kept"] >= 1000
        pusher.pull(repository, pusher.push(repository, [layer], known=True).digest)

    def test_so_does_one_that_the_api_said_is_available(self, sandbox, pusher, repository):
        first = pusher.push(repository, [os.urandom(1000)])
        sandbox.client().batch_check_layer_availability(repositoryName=repository, layerDigests=[first.blobs[0]])
        delete(sandbox, repository, first.digest)
        assert gc(sandbox)["kept"] >= 1000

    def test_so_does_a_mounted_one(self, sandbox, pusher, repository, other):
        layer = os.urandom(1000)
        first = pusher.push(repository, [layer])
        assert pusher.mount(other, first.blobs[0], repository) == 201
        delete(sandbox, repository, first.digest)
        assert gc(sandbox)["kept"] == 1000
        pusher.pull(other, pusher.push(other, [layer], known=True).digest)

    def test_two_pushes_of_the_same_layer_wait_each(self, sandbox, pusher, repository):
        layer = os.urandom(1000)
        digest = pusher.send(repository, layer)
        assert pusher.ask_blob(repository, digest) == 200  # the second client's question
        delete(sandbox, repository, pusher.push(repository, [layer], known=True).digest)
        assert gc(sandbox)["kept"] >= 1000
        pusher.pull(repository, pusher.push(repository, [layer], known=True).digest)

    def test_a_pull_is_no_push(self, sandbox, pusher, repository):
        image = pusher.push(repository, [os.urandom(1000)])
        pusher.pull(repository, image.digest)
        delete(sandbox, repository, image.digest)
        assert gc(sandbox)["kept"] == 0

    def test_it_counts_as_given_up_after_some_silence(self, sandbox, pusher, repository):
        digest = pusher.send(repository, os.urandom(1000))
        time.sleep(0.05)
        assert gc(sandbox, 0.01) == {**NOBODY, "layers": 1, "freed": 1000}
        assert pusher.ask_blob(repository, digest) == 404

    def test_at_once_when_told_that_nobody_pushes(self, sandbox, pusher, repository):
        pusher.send(repository, os.urandom(1000))
        location = pusher.start(repository)
        pusher.part(location, os.urandom(500))
        swept = gc(sandbox, 0)
        assert (swept["layers"], swept["uploads"], swept["kept"]) == (1, 1, 0)
        assert swept["freed"] >= 1500

    def test_an_unfinished_upload_waits_for_a_day(self, sandbox, pusher, repository):
        content = os.urandom(1000)
        location = pusher.start(repository)
        pusher.part(location, content)
        assert gc(sandbox) == NOBODY
        pusher.finish(location, b"", f"sha256:{hashlib.sha256(content).hexdigest()}")
        location = pusher.start(repository)
        [upload] = (sandbox.state / "registry").glob(f"**/{repository}/_uploads/*")
        yesterday = time.time() - 24 * 3600 - 1
        for each in (upload, *upload.iterdir()):
            os.utime(each, (yesterday, yesterday))
        assert gc(sandbox)["uploads"] == 1

    def test_a_restart_in_between_does_not_forget_it(self, own_sandbox):
        sandbox = own_sandbox.start()
        sandbox.client().create_repository(repositoryName="app")
        pusher, sent, asked = Pusher(sandbox), os.urandom(1000), os.urandom(2000)
        pusher.send("app", sent)
        old = pusher.push("app", [asked])
        long_ago = time.time() - 3600
        for link in (sandbox.state / "registry").glob("**/_layers/sha256/*/link"):
            os.utime(link, (long_ago, long_ago))
        assert pusher.ask_blob("app", old.blobs[0]) == 200
        delete(sandbox, "app", old.digest)
        sandbox.stop(signal.SIGKILL)
        sandbox.start()
        assert gc(sandbox)["freed"] == 0
        pusher.pull("app", pusher.push("app", [sent, asked], known=True).digest)


class TestOtherRegistries:
    """Images of other accounts, Regions and registries are images too."""

    @pytest.mark.parametrize(
        ("key", "stored_as"),
        [
            (("111122223333", "eu-west-1", "app"), "111122223333/eu-west-1/app"),
            (("123456789012", "public", "team/app"), "123456789012/public/team/app"),
            (("docker-hub", "", "alice/app"), "docker-hub/alice/app"),
            (("docker-hub", "", "library/python"), "docker-hub/library/python"),
        ],
    )
    def test_their_layers_stay(self, tmp_path, key, stored_as):
        blobs, store = a_registry(tmp_path)
        try:
            kept, gone = send(blobs, stored_as, b"kept"), send(blobs, stored_as, b"gone")
            with store.change() as db:
                db.execute("INSERT INTO blobs VALUES (?, ?, ?, ?, 4, 1)", (*key, kept))
            assert sweep(store, blobs, 0) == Swept(layers=1, freed=4)
            assert blobs.size(stored_as, kept) == 4
            assert blobs.size(stored_as, gone) is None
        finally:
            blobs.stop()
            store.close()


def a_registry(folder):
    (folder / "log").mkdir()
    blobs = Distribution(folder, "a secret of the test")
    blobs.start()
    blobs.wait()
    return blobs, Store(folder / "state.db")


def send(blobs, repository, content):
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    location = blobs.request("POST", f"/v2/{repository}/blobs/uploads/", {"Content-Length": "0"}).headers["Location"]
    assert blobs.request("PUT", f"{location}&digest={digest}", {}, content).status == 201
    return digest


@pytest.mark.soak
def test_pushes_go_on_and_lose_nothing(sandbox, soak):
    """Several clients push, mount, share layers, pull and delete, while one sweep follows the other."""
    names = [f"busy-{number}-{uuid.uuid4().hex[:6]}" for number in range(3)]
    for name in names:
        sandbox.client().create_repository(repositoryName=name)
    shared = [os.urandom(2000) for _ in range(4)]
    end, wrong, pushed, swept = time.monotonic() + (120 if soak else 3), [], [], []

    def push(number):
        pusher = Pusher(sandbox)
        round_ = 0
        while time.monotonic() < end and not wrong:
            round_ += 1
            here, there = names[(number + round_) % 3], names[(number + round_ + 1) % 3]
            try:
                layers = [shared[round_ % 4], shared[(round_ + number) % 4], os.urandom(300)]
                image = pusher.push(here, layers, mount_from=there, tag=f"client-{number}")
                pusher.pull(here, image.digest)
                pushed.append(image)
                if round_ % 2:
                    delete(sandbox, here, image.digest)
            except Exception as error:
                wrong.append(error)

    clients = [threading.Thread(target=push, args=(number,)) for number in range(5)]
    for client in clients:
        client.start()
    while any(client.is_alive() for client in clients):
        swept.append(gc(sandbox))
    for client in clients:
        client.join(PATIENCE)
    assert not wrong, wrong[0]
    assert len(pushed) > 10
    assert sum(each["layers"] for each in swept) > 0, "nothing was ever freed: the sweeps proved nothing"
    pusher = Pusher(sandbox)
    for name in names:
        for digest in pusher.images(name):
            pusher.pull(name, digest)


def interrupted(sandbox):
    with contextlib.suppress(OSError):
        gc(sandbox, 0)


@pytest.mark.soak
def test_a_kill_during_a_sweep_leaves_every_image_whole(own_sandbox, soak):
    sandbox = own_sandbox.start()
    sandbox.client().create_repository(repositoryName="app")
    for _ in range(10 if soak else 1):
        pusher = Pusher(sandbox)
        kept = [pusher.push("app", [os.urandom(200)]).digest for _ in range(3)]
        for digest in [pusher.push("app", [os.urandom(200)]).digest for _ in range(15)]:
            delete(sandbox, "app", digest)
        sweeping = threading.Thread(target=interrupted, args=(sandbox,))
        sweeping.start()
        before = len(stored(sandbox))
        while len(stored(sandbox)) == before and sweeping.is_alive():
            pass
        sandbox.stop(signal.SIGKILL)
        sweeping.join(PATIENCE)
        sandbox.start()
        pusher = Pusher(sandbox)
        for digest in kept:
            pusher.pull("app", digest)
        gc(sandbox, 0)
        assert len(stored(sandbox)) == len(
            {blob for each in pusher.images("app") for blob in pusher.blobs("app", each)}
        )
        assert not (sandbox.state / "registry/garbage").exists()


def test_docker_pulls_and_pushes_afterwards(sandbox, repository, make_image):
    kept = make_image(f"{sandbox.registry}/{repository}:kept")
    gone = make_image(f"{sandbox.registry}/{repository}:gone")
    sandbox.run(f"docker push {kept} && docker push {gone}")
    sandbox.run(f"aws ecr batch-delete-image --repository-name {repository} --image-ids imageTag=gone")
    gc(sandbox, 0)
    subprocess.run(["docker", "rmi", kept], check=True, capture_output=True)
    sandbox.run(f"docker pull {kept}")
    assert "Pushed" in sandbox.run(f"docker push {gone}")  # docker believes the registry has it: it has not


def test_the_command_says_what_it_freed(sandbox, pusher, repository):
    ecr_lab = [sys.executable, "-c", "from helpers.cli import main; main()", "gc"]

    def said(*words):
        done = subprocess.run([*ecr_lab, *words], env=sandbox.env, capture_output=True, text=True, timeout=PATIENCE)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    image = pusher.push(repository, [os.urandom(1_500_000)])
    delete(sandbox, repository, image.digest)
    assert said() == "Freed 1.5 MB: 2 layers that no image uses.\n"
    assert said() == "Nothing to free.\n"
    pusher.send(repository, os.urandom(200_000))
    assert said() == "Nothing to free.\nKept 0.2 MB that a push of the last 5 minutes may need.\n"
    assert re.fullmatch(r"Freed 0\.2 MB: 1 layer that no image uses\.\n", said("--idle", "0"))


def test_bytes_are_not_gone_before_the_deletion_is_on_disk(tmp_path, monkeypatch):
    """A power cut may undo a deletion that nobody was told of yet: then the image is back, and must be whole."""
    blobs, store = a_registry(tmp_path)
    order = []
    fsync, rename = os.fsync, shutil.os.rename
    monkeypatch.setattr(
        "ecr_sandbox.registry.garbage_collection.os.fsync", lambda file: order.append(file.name) or fsync(file)
    )
    monkeypatch.setattr("pathlib.os.rename", lambda a, b: order.append(str(a)) or rename(a, b))
    try:
        send(blobs, "1/us-east-1/app", b"unused")
        order.clear()
        assert sweep(store, blobs, 0).layers == 1
    finally:
        blobs.stop()
        store.close()
    assert order[0] == f"{store.path}-wal"
    assert len(order) > 2
