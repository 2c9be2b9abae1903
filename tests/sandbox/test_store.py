"""One transaction a change: all of it or nothing."""

import sqlite3
import threading

import pytest

from helpers.sandbox.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "state.db")
    yield store
    store.close()


def add(db, name):
    db.execute("INSERT INTO backends VALUES ('ecr', '1', ?, x'00')", (name,))


def names(store):
    return [row["region"] for row in store.read().execute("SELECT region FROM backends ORDER BY region")]


def test_a_change_is_seen_when_it_is_done(store):
    with store.change() as db:
        add(db, "a")
        assert names(store) == ["a"]  # by the thread that makes it
        seen: list[str] = []
        other = threading.Thread(target=lambda: seen.extend(names(store)))
        other.start()
        other.join()
        assert seen == []  # and by nobody else yet
    assert names(store) == ["a"]


def test_an_error_undoes_all_of_it_and_what_was_to_follow(store):
    followed = []
    with pytest.raises(KeyError), store.change() as db:
        add(db, "a")
        store.afterwards(lambda: followed.append("a"))
        with store.change() as inner:
            add(inner, "b")
        raise KeyError
    assert names(store) == followed == []


def test_what_follows_happens_after_the_commit(store):
    with store.change() as db:
        add(db, "a")
        store.afterwards(
            lambda: seen.append(sqlite3.connect(store.path).execute("SELECT count(*) FROM backends").fetchone())
        )
        seen: list[tuple[int]] = []
    assert seen == [(1,)]


def test_it_is_synced_to_disk_at_each_commit(store):
    with store.change() as db:
        assert db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL: also power loss
