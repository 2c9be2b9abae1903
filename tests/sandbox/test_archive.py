"""The archive class: what is in the archive cannot be pulled, until it was restored; or pushed again."""

import pytest

from helpers.sandbox import clock
from helpers.sandbox.ecr.images import Images, Manifest
from helpers.sandbox.store import Store

from .api import OCI, digest_of


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "state.db")
    clock.install(store)
    yield store
    clock.install(Store(tmp_path / "another.db"))  # whose clock is nobody's
    store.close()


def manifest(name):
    part = f'{{"digest": "{digest_of(b"{}")}", "size": 2}}'
    text = f'{{"mediaType": "{OCI}", "config": {part}, "layers": [], "annotations": {{"name": "{name}"}}}}'
    return Manifest.parse(text, None)


def test_an_image_is_activating_for_a_while_and_lists_choose_by_status(store):
    images = Images(store, "1", "r", "app")
    kept, moved = (images.put(manifest(name), name, False) for name in ("kept", "moved"))
    images.archive(moved)
    assert [each.digest for each in images.page(status="ARCHIVED")] == [moved.digest]
    assert [digest for _, digest, _ in images.ids(status="ACTIVE")] == [kept.digest]
    images.restore(images.find(tag="moved"), int(clock.now()) + 600)
    assert [each.status for each in images.all()] == ["ACTIVE", "ACTIVATING"]
    assert [each.digest for each in images.page(status="ACTIVATING", tagged=True)] == [moved.digest]
    clock.forward(store, 601)
    assert [each.status for each in images.page(status="ACTIVE")] == ["ACTIVE", "ACTIVE"]
