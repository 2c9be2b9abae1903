"""Flipped bits in the state file: a start finds them, or refuses.

Sources: https://www.sqlite.org/pragma.html#pragma_integrity_check, which compares rows with their indexes where
``quick_check`` does not; https://www.sqlite.org/fileformat2.html#storage_of_the_sql_database_schema: names are text.
"""

import pytest

from ecr_sandbox.state.store import Store

COLUMNS = "id, account, region, repository, digest, manifest, media_type, size, pushed_at"
IMAGE = f"INSERT INTO images ({COLUMNS}) VALUES (1, '1', 'r', 'app', 'sha256:x', '{{}}', 'm', 1, 1)"


@pytest.fixture
def file(tmp_path):
    """A state file with one image and its tag, all of it in the file itself."""
    store = Store(tmp_path / "state.db")
    store.add("CREATE TABLE IF NOT EXISTS added (first TEXT, second_column TEXT)")
    with store.change() as db:
        db.execute(IMAGE)
        db.execute("INSERT INTO tags VALUES ('1', 'r', 'app', 'a-long-tag', 1)")
    store.close()
    return store.path


def flip(file, text: bytes, which: int = 0) -> None:
    """Change a bit of the first letter of *text*, at its occurrence number *which* in the *file*."""
    content, at = bytearray(file.read_bytes()), -1
    for _ in range(which + 1):
        at = content.index(text, at + 1)
    content[at] ^= 2
    file.write_bytes(content)


@pytest.mark.parametrize("name", [b"archived_at INTEGER, activated_at", b"last_pulled INTEGER"])
def test_a_damaged_name_of_a_column_is_refused(file, name):
    flip(file, name)
    with pytest.raises(ValueError, match=r"state.db is damaged: its table images has no column (archived|last)_"):
        Store(file)


def test_of_a_table_that_is_added_later_too(file):
    flip(file, b"second_column")
    with pytest.raises(ValueError, match="its table added has no column second_column"):
        Store(file).add("CREATE TABLE IF NOT EXISTS added (first TEXT, second_column TEXT)")


@pytest.mark.parametrize("which", [0, 1])
def test_a_row_that_differs_from_its_index_is_not_served(file, capfd, which):
    """A tag is in its row and in its index."""
    flip(file, b"a-long-tag", which)
    store = Store(file)
    assert store.read().execute("SELECT count(*) FROM tags").fetchone()[0] == 0
    store.close()
    assert "could not be read" in capfd.readouterr().err
    assert file.with_name("state.db.unreadable-1").exists()
