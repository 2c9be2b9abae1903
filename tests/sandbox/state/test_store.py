"""Transactions of the store: a change is committed completely or rolled back."""

import json
import os
import sqlite3
import threading

import pytest

from ecr_sandbox.registry.images import Images
from ecr_sandbox.state.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "state.db")
    yield store
    store.close()


def add(db, name):
    db.execute("INSERT INTO backends VALUES ('ecr', '1', ?, x'00')", (name,))


def names(store):
    return [row["region"] for row in store.read().execute("SELECT region FROM backends ORDER BY region")]


def test_a_change_is_visible_after_its_commit(store):
    with store.change() as db:
        add(db, "a")
        assert names(store) == ["a"]  # in the thread of the change
        seen: list[str] = []
        other = threading.Thread(target=lambda: seen.extend(names(store)))
        other.start()
        other.join()
        assert seen == []  # not in other threads
    assert names(store) == ["a"]


def test_an_error_rolls_back_and_drops_callbacks(store):
    called = []
    with pytest.raises(KeyError), store.change() as db:
        add(db, "a")
        store.afterwards(lambda: called.append("a"))
        with store.change() as inner:
            add(inner, "b")
        raise KeyError
    assert names(store) == called == []


def test_tables_are_made_again_when_the_transaction_that_made_them_is_rolled_back(store):
    """A call loads its service in its own transaction, and may be refused then."""
    with pytest.raises(RuntimeError), store.change():
        store.add("CREATE TABLE IF NOT EXISTS functions (name TEXT)")
        raise RuntimeError
    assert store.read().execute("SELECT count(*) FROM functions").fetchone()[0] == 0
    with store.change() as db:
        db.execute("INSERT INTO functions VALUES ('kept')")
    with pytest.raises(RuntimeError), store.change():
        raise RuntimeError
    assert store.read().execute("SELECT name FROM functions").fetchone()["name"] == "kept"


def test_callbacks_run_after_the_commit(store):
    with store.change() as db:
        add(db, "a")
        store.afterwards(
            lambda: seen.append(sqlite3.connect(store.path).execute("SELECT count(*) FROM backends").fetchone())
        )
        seen: list[tuple[int]] = []
    assert seen == [(1,)]


@pytest.fixture
def syncs(monkeypatch):
    """The file descriptors of all calls of fsync."""
    calls: list[int] = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (calls.append(file), sync(file)))
    return calls


def test_a_change_is_on_disk_when_it_ends(store, syncs):
    with store.change() as db:
        add(db, "a")
        assert syncs == []
    assert len(syncs) == 1
    with store.change():
        pass  # nothing was changed
    with store.change(sync=False) as db:
        add(db, "b")
    assert len(syncs) == 1


def test_waiting_changes_share_one_sync(store, monkeypatch):
    """Five changes are written during one sync. The next sync is for all five."""
    calls, busy, written = [], threading.Event(), threading.Semaphore(0)

    def slow(file):
        calls.append(file)
        if len(calls) == 1:
            busy.set()
            for _ in range(5):
                assert written.acquire(timeout=10)

    monkeypatch.setattr(os, "fsync", slow)

    def change(name):
        with store.change() as db:
            add(db, name)
            if busy.is_set():
                written.release()

    first = threading.Thread(target=change, args=("first",))
    first.start()
    assert busy.wait(10)
    others = [threading.Thread(target=change, args=(f"{number}",)) for number in range(5)]
    for each in others:
        each.start()
    for each in [first, *others]:
        each.join(20)
    assert len(names(store)) == 6
    assert 2 <= len(calls) <= 3  # the last of the five can be too late for the second sync


def test_callbacks_wait_for_the_sync(store, syncs):
    with store.change() as db:
        add(db, "a")
        store.afterwards(lambda: seen.append(len(syncs)))
        seen: list[int] = []
    assert seen == [1]


def test_undone_is_called_before_the_lock_is_released(store):
    seen: list[object] = []

    def undone():
        other = threading.Thread(target=lambda: seen.append(store.lock.acquire(blocking=False)))
        other.start()
        other.join()
        seen.append(names(store))

    with pytest.raises(KeyError), store.change(undone=undone) as db:
        add(db, "a")
        raise KeyError
    assert seen == [False, []]


def test_an_older_state_is_migrated(tmp_path):
    """Version 0 had no tables for the blobs and children of images."""
    path = tmp_path / "state.db"
    old = sqlite3.connect(path)
    old.executescript("""
        CREATE TABLE images (id INTEGER PRIMARY KEY, account TEXT, region TEXT, repository TEXT, digest TEXT,
            manifest TEXT NOT NULL, media_type TEXT NOT NULL, artifact_type TEXT, size INTEGER NOT NULL,
            pushed_at INTEGER NOT NULL, UNIQUE (account, region, repository, digest));
        CREATE TABLE tags (account TEXT, region TEXT, repository TEXT, tag TEXT,
            image INTEGER NOT NULL REFERENCES images ON DELETE CASCADE, PRIMARY KEY (account, region, repository, tag));
    """)
    config, layer = {"digest": "sha256:c", "size": 1}, {"digest": "sha256:d", "size": 5}
    for digest, manifest in {
        "sha256:1": {"config": config, "layers": [layer]},
        "sha256:2": {"config": {**config, "digest": "sha256:e"}, "layers": [layer, layer]},
        "sha256:3": {"manifests": [{"digest": "sha256:1"}]},
    }.items():
        old.execute(
            "INSERT INTO images (account, region, repository, digest, manifest, media_type, size, pushed_at)"
            " VALUES ('1', 'r', 'app', ?, ?, 'm', 6, 0)",
            (digest, json.dumps(manifest)),
        )
    old.commit()
    old.close()
    store = Store(path)
    images = Images(store, "1", "r", "app")
    assert [image.digest for image in images.all()] == ["sha256:1", "sha256:2", "sha256:3"]
    assert images.index_of("sha256:1") == "sha256:3"
    images.delete("sha256:3")
    images.delete("sha256:1")
    assert (images.use("sha256:c"), images.use("sha256:d")) == (False, True)
    [image] = images.all()
    assert (image.status, image.last_pulled, image.archived_at, image.activated_at) == ("ACTIVE", None, None, None)
    store.close()
    Store(path).close()  # the migration runs only once


def test_a_state_from_before_archiving_is_migrated(tmp_path):
    """Version 1 had no columns for pulls and the archive."""
    path = tmp_path / "state.db"
    Store(path).close()
    old = sqlite3.connect(path)
    for column in ("last_pulled", "storage_class", "archived_at", "activated_at"):
        old.execute(f"ALTER TABLE images DROP COLUMN {column}")
    old.execute(
        "INSERT INTO images (account, region, repository, digest, manifest, media_type, size, pushed_at)"
        """ VALUES ('1', 'r', 'app', 'sha256:1', '{"manifests": []}', 'm', 6, 1000)"""
    )
    old.execute("PRAGMA user_version=1")
    old.commit()
    old.close()
    store = Store(path)
    images = Images(store, "1", "r", "app")
    [image] = images.all()
    assert (image.pushed_at, image.status, image.last_pulled) == (1000, "ACTIVE", None)
    images.archive(image)
    assert [each.status for each in images.all()] == ["ARCHIVED"]
    store.close()
    again = Store(path)  # the migration runs only once
    assert [each.status for each in Images(again, "1", "r", "app").all()] == ["ARCHIVED"]
    again.close()


def test_the_indexes_of_an_older_version_are_replaced(tmp_path):
    path = tmp_path / "state.db"
    Store(path).close()
    old = sqlite3.connect(path)
    old.executescript("""
        DROP INDEX images_by_push; CREATE INDEX images_in_order ON images (account, region, repository);
        DROP INDEX tags_by_image; CREATE INDEX tags_of_image ON tags (image); PRAGMA user_version=3;
    """)
    old.close()
    Store(path).close()
    indexes = {name for (name,) in sqlite3.connect(path).execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert {"images_by_push", "tags_by_image"} <= indexes
    assert not {"images_in_order", "tags_of_image"} & indexes


def test_a_state_of_a_newer_version_is_not_changed(tmp_path):
    path = tmp_path / "state.db"
    new = sqlite3.connect(path)
    new.execute("PRAGMA user_version=99")
    new.close()
    with pytest.raises(ValueError, match="newer version"):
        Store(path)
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (99,)


def test_a_thread_that_waits_for_a_change_wakes_up(store):
    seen = store.wait_for_change(-1, 0)
    assert store.wait_for_change(seen, 0.01) == seen
    with store.change():
        pass  # it changes nothing
    assert store.wait_for_change(seen, 0) == seen
    got: list[int] = []
    waiting = threading.Thread(target=lambda: got.append(store.wait_for_change(seen, 60)))
    waiting.start()
    with store.change() as db:
        add(db, "a")
    waiting.join(20)
    assert got == [seen + 1]
