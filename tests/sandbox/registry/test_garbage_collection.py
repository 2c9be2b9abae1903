"""Garbage collection: `ecr-sandbox gc` frees the layers that no image uses, and keeps those that a push needs."""

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from io import BytesIO
from pathlib import Path

import pytest

from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.garbage_collection import Collected, collect
from ecr_sandbox.registry.upload_sessions import UploadSessions
from tests.sandbox.conftest import PATIENCE, until
from tests.sandbox.pusher import Pusher

APP = ("123456789012", "us-east-1", "app")
NOTHING = {"layers": 0, "freed": 0, "kept": 0, "uploads": 0}


def gc(sandbox, idle: float = 300) -> dict:
    """Run a garbage collection; its report."""
    code, _, body = sandbox.control("POST", f"/_sandbox/gc?idle={idle}", b"")
    assert code == 200, body
    return json.loads(body)


def stored(sandbox) -> set[str]:
    """The digests of the blobs on disk."""
    return {f"sha256:{each.name}" for each in (sandbox.state / "blobs/sha256").iterdir()}


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


def test_the_layers_of_a_deleted_image_are_freed_immediately(sandbox, pusher, repository):
    image = pusher.push(repository, [b"a layer" * 1000])
    assert gc(sandbox) == NOTHING
    delete(sandbox, repository, image.digest)
    assert gc(sandbox) == {**NOTHING, "layers": 2, "freed": image.size}  # the layer and the config
    assert not stored(sandbox) & set(image.blobs)
    assert pusher.ask_blob(repository, image.blobs[0]) == 404
    assert gc(sandbox) == NOTHING


def test_a_layer_that_another_image_uses_is_kept(sandbox, pusher, repository, other):
    shared, own = os.urandom(1000), os.urandom(500)
    deleted = pusher.push(repository, [shared, own])
    same_repository = pusher.push(repository, [shared])
    other_repository = pusher.push(other, [own])
    delete(sandbox, repository, deleted.digest)
    assert gc(sandbox)["layers"] == 1  # the config
    pusher.pull(repository, same_repository.digest)
    pusher.pull(other, other_repository.digest)
    # The blob is on disk, but no longer in this repository.
    assert pusher.ask_blob(repository, other_repository.blobs[0]) == 404


def test_an_untagged_image_keeps_its_layers(sandbox, pusher, repository):
    old = pusher.push(repository, [os.urandom(100)], tag="latest")
    pusher.push(repository, [os.urandom(100)], tag="latest")
    assert gc(sandbox, 0) == NOTHING
    pusher.pull(repository, old.digest)


def test_the_layers_of_a_deleted_repository_are_freed(sandbox, pusher, repository):
    image = pusher.push(repository, [os.urandom(100)])
    sandbox.client().delete_repository(repositoryName=repository, force=True)
    assert gc(sandbox)["layers"] == 2
    assert not stored(sandbox) & set(image.blobs)


def test_a_freed_layer_can_be_pushed_again(sandbox, pusher, repository):
    content = os.urandom(1000)
    delete(sandbox, repository, pusher.push(repository, [content]).digest)
    assert gc(sandbox)["layers"] == 2
    pusher.pull(repository, pusher.push(repository, [content]).digest)


class TestUnfinishedPushes:
    def test_uploaded_layers_are_kept_until_their_manifest_arrives(self, sandbox, pusher, repository):
        layer = os.urandom(1000)
        digest = pusher.send(repository, layer)
        assert gc(sandbox) == {**NOTHING, "kept": 1000}
        assert pusher.ask_blob(repository, digest) == 200

    def test_a_layer_that_a_head_request_found_is_kept(self, sandbox, pusher, repository):
        layer = os.urandom(1000)
        first = pusher.push(repository, [layer])
        digest = first.blobs[0]
        assert pusher.ask_blob(repository, digest) == 200
        delete(sandbox, repository, first.digest)
        assert gc(sandbox)["kept"] >= 1000
        pusher.pull(repository, pusher.push(repository, [layer], known=True).digest)

    def test_a_layer_that_the_api_reported_as_available_is_kept(self, sandbox, pusher, repository):
        first = pusher.push(repository, [os.urandom(1000)])
        sandbox.client().batch_check_layer_availability(repositoryName=repository, layerDigests=[first.blobs[0]])
        delete(sandbox, repository, first.digest)
        assert gc(sandbox)["kept"] >= 1000

    def test_a_mounted_layer_is_kept(self, sandbox, pusher, repository, other):
        layer = os.urandom(1000)
        first = pusher.push(repository, [layer])
        assert pusher.mount(other, first.blobs[0], repository) == 201
        delete(sandbox, repository, first.digest)
        assert gc(sandbox)["kept"] == 1000
        pusher.pull(other, pusher.push(other, [layer], known=True).digest)

    def test_a_layer_is_kept_for_each_of_two_pushes(self, sandbox, pusher, repository):
        layer = os.urandom(1000)
        digest = pusher.send(repository, layer)
        assert pusher.ask_blob(repository, digest) == 200  # by the second client
        delete(sandbox, repository, pusher.push(repository, [layer], known=True).digest)
        assert gc(sandbox)["kept"] >= 1000
        pusher.pull(repository, pusher.push(repository, [layer], known=True).digest)

    def test_a_pull_does_not_keep_a_layer(self, sandbox, pusher, repository):
        image = pusher.push(repository, [os.urandom(1000)])
        pusher.pull(repository, image.digest)
        delete(sandbox, repository, image.digest)
        assert gc(sandbox)["kept"] == 0

    def test_an_idle_push_no_longer_keeps_its_layers(self, sandbox, pusher, repository):
        digest = pusher.send(repository, os.urandom(1000))
        time.sleep(0.05)
        assert gc(sandbox, 0.01) == {**NOTHING, "layers": 1, "freed": 1000}
        assert pusher.ask_blob(repository, digest) == 404

    def test_an_idle_time_of_zero_frees_layers_and_uploads_immediately(self, sandbox, pusher, repository):
        pusher.send(repository, os.urandom(1000))
        location = pusher.start(repository)
        pusher.part(location, os.urandom(500))
        collected = gc(sandbox, 0)
        assert (collected["layers"], collected["uploads"], collected["kept"]) == (1, 1, 0)
        assert collected["freed"] >= 1500

    def test_an_unfinished_upload_is_kept_for_a_day(self, sandbox, pusher, repository):
        content = os.urandom(1000)
        location = pusher.start(repository)
        pusher.part(location, content)
        assert gc(sandbox) == NOTHING
        pusher.finish(location, b"", f"sha256:{hashlib.sha256(content).hexdigest()}")
        location = pusher.start(repository)
        upload = sandbox.state / "uploads" / location.rpartition("/")[2]
        yesterday = time.time() - 24 * 3600 - 1
        os.utime(upload, (yesterday, yesterday))
        assert gc(sandbox)["uploads"] == 1
        assert not upload.exists()
        assert pusher.ask("GET", location)[0] == 404

    def test_a_restart_keeps_the_layers_of_a_push(self, own_sandbox):
        sandbox = own_sandbox.start()
        sandbox.client().create_repository(repositoryName="app")
        pusher, sent, found = Pusher(sandbox), os.urandom(1000), os.urandom(2000)
        pusher.send("app", sent)
        old = pusher.push("app", [found])
        assert pusher.ask_blob("app", old.blobs[0]) == 200
        delete(sandbox, "app", old.digest)
        sandbox.stop(signal.SIGKILL)
        sandbox.start()
        assert gc(sandbox) == {**NOTHING, "layers": 1, "freed": len(config_of(found)), "kept": 3000}
        pusher.pull("app", pusher.push("app", [sent, found], known=True).digest)


def config_of(*layers):
    """The config of an image that the pusher makes."""
    return json.dumps({"layers": [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers]}).encode()


class TestOtherRegistries:
    """A collection considers the images of all accounts, Regions and registries."""

    @pytest.mark.parametrize(
        "key",
        [
            ("111122223333", "eu-west-1", "app"),
            ("123456789012", "public", "team/app"),
            ("docker-hub", "", "alice/app"),
            ("docker-hub", "", "library/python"),
        ],
    )
    def test_their_layers_are_kept(self, store, content, key):
        used, unused = add(content, key, b"used"), add(content, key, b"free")
        with store.change() as db:
            db.execute("INSERT INTO blobs VALUES (?, ?, ?, ?, 4, 1)", (*key, used))
        assert collect(store, content, 0) == Collected(layers=1, freed=4)
        assert content.size(key, used) == 4
        assert content.size(key, unused) is None


@pytest.fixture
def content(store, tmp_path):
    """A content store without a sandbox."""
    return ContentStore(tmp_path, store)


def add(content, key, blob):
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    content.add(key, digest, BytesIO(blob))
    return digest


@pytest.mark.soak
def test_pushes_during_collections_lose_no_layer(sandbox, soak):
    """Several clients push, mount, share layers, pull and delete while collections run one after another."""
    names = [f"busy-{number}-{uuid.uuid4().hex[:6]}" for number in range(3)]
    for name in names:
        sandbox.client().create_repository(repositoryName=name)
    shared = [os.urandom(2000) for _ in range(4)]
    end, errors, pushed, reports = time.monotonic() + (120 if soak else 3), [], [], []

    def push(number):
        pusher = Pusher(sandbox)
        round_ = 0
        while time.monotonic() < end and not errors:
            round_ += 1
            target, source = names[(number + round_) % 3], names[(number + round_ + 1) % 3]
            try:
                layers = [shared[round_ % 4], shared[(round_ + number) % 4], os.urandom(300)]
                image = pusher.push(target, layers, mount_from=source, tag=f"client-{number}")
                pusher.pull(target, image.digest)
                pushed.append(image)
                if round_ % 2:
                    delete(sandbox, target, image.digest)
            except Exception as error:
                errors.append(error)

    clients = [threading.Thread(target=push, args=(number,)) for number in range(5)]
    for client in clients:
        client.start()
    while any(client.is_alive() for client in clients):
        reports.append(gc(sandbox))
    for client in clients:
        client.join(PATIENCE)
    assert not errors, errors[0]
    assert len(pushed) > 10
    assert sum(each["layers"] for each in reports) > 0, "no collection freed a layer"
    pusher = Pusher(sandbox)
    for name in names:
        for digest in pusher.images(name):
            pusher.pull(name, digest)


def collect_until_killed(sandbox):
    with contextlib.suppress(OSError):
        gc(sandbox, 0)


@pytest.mark.soak
def test_a_kill_during_a_collection_damages_no_image(own_sandbox, soak):
    sandbox = own_sandbox.start()
    sandbox.client().create_repository(repositoryName="app")
    for _ in range(10 if soak else 1):
        pusher = Pusher(sandbox)
        kept = [pusher.push("app", [os.urandom(200)]).digest for _ in range(3)]
        for digest in [pusher.push("app", [os.urandom(200)]).digest for _ in range(15)]:
            delete(sandbox, "app", digest)
        collecting = threading.Thread(target=collect_until_killed, args=(sandbox,))
        collecting.start()
        before = len(stored(sandbox))
        while len(stored(sandbox)) == before and collecting.is_alive():
            pass
        sandbox.stop(signal.SIGKILL)
        collecting.join(PATIENCE)
        sandbox.start()
        pusher = Pusher(sandbox)
        for digest in kept:
            pusher.pull("app", digest)
        gc(sandbox, 0)
        assert len(stored(sandbox)) == len(
            {blob for each in pusher.images("app") for blob in pusher.blobs("app", each)}
        )
        assert not list((sandbox.state / "trash").iterdir())


def test_docker_can_pull_and_push_after_a_collection(sandbox, repository, make_image):
    kept = make_image(f"{sandbox.registry}/{repository}:kept")
    deleted = make_image(f"{sandbox.registry}/{repository}:deleted")
    sandbox.run(f"docker push {kept} && docker push {deleted}")
    sandbox.run(f"aws ecr batch-delete-image --repository-name {repository} --image-ids imageTag=deleted")
    gc(sandbox, 0)
    subprocess.run(["docker", "rmi", kept], check=True, capture_output=True)
    sandbox.run(f"docker pull {kept}")
    assert "Pushed" in sandbox.run(f"docker push {deleted}")  # docker's cache says that the registry has the layer


def test_the_command_prints_what_it_freed(sandbox, pusher, repository):
    command = [sys.executable, "-m", "ecr_sandbox", "gc"]

    def output(*arguments):
        done = subprocess.run([*command, *arguments], env=sandbox.env, capture_output=True, text=True, timeout=PATIENCE)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    image = pusher.push(repository, [os.urandom(1_500_000)])
    delete(sandbox, repository, image.digest)
    assert output() == "Freed 1.5 MB: 2 layers that no image uses.\n"
    assert output() == "Nothing to free.\n"
    pusher.send(repository, os.urandom(200_000))
    assert output() == "Nothing to free.\nKept 0.2 MB that a push of the last 5 minutes may need.\n"
    assert re.fullmatch(r"Freed 0\.2 MB: 1 layer that no image uses\.\n", output("--idle", "0"))


def test_blobs_are_deleted_after_the_deletion_of_their_image_is_on_disk(store, content, monkeypatch):
    """A power failure can undo a deletion that was not acknowledged. Then the image needs its blobs again."""
    order = []
    fsync, rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda file: order.append(f"sync {name_of(file)}") or fsync(file))
    monkeypatch.setattr(os, "rename", lambda a, b: order.append(f"move {Path(a).name}") or rename(a, b))
    digest = add(content, APP, b"of a deleted image")
    with store.change(sync=False) as db:
        db.execute("UPDATE repository_blobs SET leases = 0")
    with store.change(sync=False) as db:
        db.execute("DELETE FROM blobs")
    order.clear()
    assert collect(store, content).layers == 1
    assert order[0] == "sync state.db-wal"
    assert f"move {digest[7:]}" in order


def name_of(file):
    number = file if isinstance(file, int) else file.fileno()
    return Path(os.readlink(f"/proc/self/fd/{number}")).name


class TestConcurrentRequests:
    """Requests between any two steps of a collection."""

    def test_a_blob_of_an_upload_that_is_finishing_is_kept(self, store, content, monkeypatch):
        """Its file is in place, and its row is not committed yet."""
        collected = []
        monkeypatch.setattr(
            "ecr_sandbox.registry.content_store.sync_folder", lambda _: collected.append(collect(store, content, 0))
        )
        digest = add(content, APP, b"new")
        assert collected == [Collected(kept=3)]
        assert content.open(APP, digest).read() == b"new"

    def test_a_blob_that_is_uploaded_again_is_kept(self, store, content):
        """The old file of the same digest has no row. The new file replaces it immediately before the collection."""
        digest = add(content, APP, b"again")
        content.forget(APP)
        old_file = content.path(digest).stat().st_ino
        settle = store.settle
        store.settle = lambda: settle() or start_thread(lambda: add(content, APP, b"again"))
        collect(store, content, 0)
        until(lambda: content.size(APP, digest) == 5)
        assert content.path(digest).stat().st_ino != old_file

    def test_an_active_upload_and_the_leases_of_its_repository_are_kept(self, store, content):
        uploads = UploadSessions(store, content, 0)
        upload = uploads.start(APP)
        sent = add(content, APP, b"sent")

        def part():
            yield b"more"
            assert collect(store, content, 0) == Collected(kept=4)

        uploads.append(APP, upload, part())
        assert collect(store, content, 0) == Collected(layers=1, freed=8, uploads=1)
        assert content.size(APP, sent) is None

    def test_a_running_pull_of_a_collected_blob_completes(self, store, content):
        digest = add(content, APP, b"x" * 1_000_000)
        with content.open(APP, digest) as blob:
            start = blob.read(10)
            assert collect(store, content, 0).layers == 1
            assert start + blob.read() == b"x" * 1_000_000
        with pytest.raises(FileNotFoundError):
            content.open(APP, digest)


def start_thread(act):
    threading.Thread(target=act).start()


def test_files_that_a_crash_left_are_collected(store, content):
    (content.uploads / "left-by-a-crash").write_bytes(b"12345")
    (content.trash / "half-deleted").write_bytes(b"1")
    (content.trash / "old-registry" / "blobs").mkdir(parents=True)
    (content.blobs / ("0" * 64)).write_bytes(b"123")  # renamed, but its row was not committed
    assert collect(store, content) == Collected(layers=1, freed=3)  # the upload may still grow
    assert collect(store, content, 0) == Collected(uploads=1, freed=5)
    assert [list(each.iterdir()) for each in (content.uploads, content.trash, content.blobs)] == [[], [], []]
