"""What the sandbox has open stays in its place, or nothing more is acknowledged.

Source: unlink(2), https://man7.org/linux/man-pages/man2/unlink.2.html: a deleted file can still be written to.
"""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.state.in_place import InPlace, StateGone
from ecr_sandbox.state.store import Store

INSERT = "INSERT INTO backends VALUES ('ecr', '1', ?, 'x')"


@pytest.fixture
def store(tmp_path):
    """A store next to its blobs, as in a state folder."""
    (tmp_path / "state").mkdir()
    store = Store(tmp_path / "state" / "state.db")
    ContentStore(tmp_path / "state", store)
    yield store
    store.close()


def change(store: Store, row: str = "row", sync: bool = True) -> None:
    with store.change(sync) as db:
        db.execute(INSERT, (row,))


def delete(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def replace(path: Path) -> None:
    """By a copy, as a backup program or a checkout does."""
    copy = path.with_name("copy")
    shutil.copytree(path, copy) if path.is_dir() else shutil.copy(path, copy)
    delete(path)
    copy.rename(path)


def move(path: Path) -> None:
    path.rename(path.with_name("moved"))


@pytest.mark.parametrize("act", [delete, replace, move])
@pytest.mark.parametrize(
    "name", ["", "state.db", "state.db-wal", "state.db-shm", "blobs", "blobs/sha256", "uploads"], ids=str
)
@pytest.mark.parametrize("sync", [True, False])
def test_a_change_is_refused_when_a_file_is_gone(store, tmp_path, act, name, sync):
    change(store, "before")
    act(tmp_path / "state" / name)
    for row in ("one", "two"):
        with pytest.raises(StateGone, match="was deleted, moved, replaced or cut while the sandbox was running"):
            change(store, row, sync)
    assert store.in_place.gone.is_set()


def test_a_change_is_refused_when_the_file_goes_while_it_is_written(store, tmp_path, monkeypatch):
    def sync(number: int) -> None:
        shutil.rmtree(tmp_path / "state")

    monkeypatch.setattr(store._disk, "sync", sync)
    with pytest.raises(StateGone):
        change(store)


def test_a_reader_creates_no_file(store, tmp_path):
    (tmp_path / "state" / "state.db").unlink()
    with pytest.raises(Exception, match="unable to open database file"):
        store.read()
    assert not (tmp_path / "state" / "state.db").exists()


def test_a_file_that_cannot_be_seen_is_not_said_to_be_gone(tmp_path, monkeypatch):
    """The disk fails for a moment, for example: the change is refused, and the next one may succeed."""
    in_place = InPlace()
    in_place.watch(tmp_path)

    def fail(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("os.stat", fail)
        with pytest.raises(OSError, match="Input/output error"):
            in_place.check()
    in_place.check()
    assert not in_place.gone.is_set()


def test_an_unreadable_state_that_is_renamed_is_not_missed(store):
    store.put_aside("of another version")
    change(store)


def test_a_store_that_is_closed_misses_nothing(tmp_path):
    store = Store(tmp_path / "closed.db")
    store.close()
    store.in_place.check()


@pytest.mark.parametrize("name", ["state.db", "state.db-wal", "state.db-shm"])
def test_a_change_is_refused_when_a_file_is_cut(store, tmp_path, name):
    """``> state.db``, or a program that synchronizes folders. Source: truncate(2)."""
    change(store, "before")
    with (tmp_path / "state" / name).open("r+b") as file:
        file.truncate(100)
    with pytest.raises(StateGone):
        change(store, "after")


def test_a_file_may_grow(store):
    for row in range(5000):
        change(store, f"{row}", sync=False)  # SQLite moves the log's content to the file meanwhile


@pytest.mark.parametrize("act", [delete, lambda path: os.truncate(path, 0)], ids=["deleted log", "cut file"])
def test_what_was_acknowledged_is_rescued_at_the_end(tmp_path, act):
    """The process that has the log open can still move its content to the state file."""
    store = Store(tmp_path / "state.db")
    change(store, "before")
    reader = sqlite3.connect(store.path)  # with it, SQLite itself would leave everything in the log
    reader.execute("SELECT 1 FROM backends").fetchall()
    act(store.path.with_name("state.db-wal") if act is delete else store.path)
    with pytest.raises(StateGone):
        change(store, "after")
    store.close()
    reader.close()
    again = Store(store.path)
    assert [row["region"] for row in again.read().execute("SELECT region FROM backends")] == ["before"]
    again.close()
