"""What a manifest names is on disk, names and all, before its row is."""

import hashlib
import os
from pathlib import Path

import pytest
from ecr_sandbox.registry.distribution import Distribution
from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import Manifest
from ecr_sandbox.registry.put_image import having_all
from ecr_sandbox.state.store import Store

REPOSITORY = "123456789012/us-east-1/app"


@pytest.fixture
def world(tmp_path):
    """A registry and a store, as a sandbox has them."""
    (tmp_path / "log").mkdir()
    blobs, store = Distribution(tmp_path, "a secret of the test"), Store(tmp_path / "state.db")
    blobs.start()
    blobs.wait()
    yield blobs, store
    blobs.stop()
    store.close()


@pytest.fixture
def synced(monkeypatch):
    """Which files and folders were synced, in order."""
    order: list[Path] = []
    fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda number: order.append(Path(os.readlink(f"/proc/self/fd/{number}"))) or fsync(number)
    )
    return order


def send(blobs, content):
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    location = blobs.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/", {"Content-Length": "0"}).headers["Location"]
    assert blobs.request("PUT", f"{location}&digest={digest}", {}, content).status == 201
    return digest


def put(blobs, store, *digests):
    """Store an image of these blobs."""
    manifest = Manifest("{}" + "".join(digests), "type", f"sha256:{len(digests)}{digests[-1][-8:]}", None,
                        tuple((digest, 1) for digest in digests), ())  # fmt: skip
    images = Images(store, "123456789012", "us-east-1", "app")
    with having_all(blobs, REPOSITORY, manifest, images, "app", "123456789012"), store.change():
        images.put(manifest, None, False)


def test_every_name_down_to_the_bytes_is_synced_before_the_row(world, synced):
    """Distribution syncs bytes, but no folder, so a name could be lost in a power cut, and the image with it."""
    blobs, store = world
    digests = [send(blobs, bytes([number]) * 100) for number in range(10)]
    synced.clear()
    put(blobs, store, *digests)
    row = synced.index(Path(f"{store.path}-wal"))
    before = set(synced[:row])
    for digest in digests:
        for file in (blobs.tree.data(digest), blobs.tree.link(REPOSITORY, digest)):
            named_by = [each for each in file.parents if each.is_relative_to(blobs.root)]
            assert before.issuperset(named_by), f"{file} could not be found again"
    assert len(synced[:row]) == len(before), "something was synced twice"


def test_what_was_synced_before_is_not_again(world, synced):
    blobs, store = world
    shared, own = send(blobs, b"shared"), send(blobs, b"own")
    put(blobs, store, shared)
    synced.clear()
    put(blobs, store, shared, own)
    folders = synced[: synced.index(Path(f"{store.path}-wal"))]
    assert set(folders) == {
        each
        for file in (blobs.tree.data(own), blobs.tree.link(REPOSITORY, own))
        for each in (file.parent, file.parent.parent)
    } | {blobs.tree.data(own).parents[2]}  # its first two digits may be new there


def test_a_repository_made_anew_is_synced_anew(world, synced):
    blobs, store = world
    put(blobs, store, send(blobs, b"one"))
    blobs.forget(REPOSITORY)
    digest = send(blobs, b"two")
    synced.clear()
    put(blobs, store, digest)
    assert blobs.tree.link(REPOSITORY, digest).parents[2] in synced


def test_its_size_is_told_also_through_a_link_that_was_emptied(world):
    blobs, _ = world
    digest = send(blobs, b"12345")
    assert blobs.size(REPOSITORY, digest) == 5
    assert blobs.size("123456789012/us-east-1/other", digest) is None
    blobs.tree.link(REPOSITORY, digest).write_text("")
    assert blobs.size(REPOSITORY, digest) == 5
