"""A damaged write-ahead log is reported and kept. SQLite reads it up to the damage, without an error.

Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
"""

import os
import shutil

import pytest

from ecr_sandbox.state.store import Store

HEADER, FRAME, PAGE = 32, 24, 4096


@pytest.fixture
def killed(tmp_path):
    """The state file of a sandbox that was killed: its changes are in the log."""
    store = Store(tmp_path / "state.db")
    for number in range(5):
        with store.change() as db:
            db.execute("INSERT INTO backends VALUES ('ecr', '1', ?, x'00')", (f"{number}",))
    folder = tmp_path / "killed"
    folder.mkdir()
    for part in ("", "-wal"):
        shutil.copy(f"{store.path}{part}", folder / f"state.db{part}")
    store.close()
    return folder / "state.db"


def read(file) -> int:
    store = Store(file)
    [count] = store.read().execute("SELECT count(*) FROM backends").fetchone()
    store.close()
    return count


def test_a_log_that_is_not_damaged(killed, capfd):
    assert read(killed) == 5
    assert capfd.readouterr().err == ""


def test_a_change_that_was_not_finished_is_no_damage(killed, capfd):
    """Its frames are cut, or do not end with one that commits."""
    log = killed.with_name("state.db-wal")
    os.truncate(log, log.stat().st_size - 100)
    assert read(killed) == 4
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("at", [8, 17, HEADER + 9, HEADER + FRAME + 100, -3 * (FRAME + PAGE) + FRAME + 50])
def test_flipped_bits_are_reported(killed, capfd, at):
    log = killed.with_name("state.db-wal")
    content = bytearray(log.read_bytes())
    content[at] ^= 4
    log.write_bytes(content)
    assert read(killed) < 5
    kept = killed.with_name("state.db.unreadable-1-wal")
    assert f"{log} is damaged: the newest changes could not be read. It is kept as {kept}." in capfd.readouterr().err
    assert kept.read_bytes() == content
    assert read(killed) < 5 and capfd.readouterr().err == "", "it is reported once"
