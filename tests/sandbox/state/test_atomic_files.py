"""Small files are complete after any crash, and only their owner can read secrets."""

import errno
import os
import stat

import pytest

from ecr_sandbox.state.atomic_files import secret, write_whole


def test_the_new_text_replaces_the_old_one(tmp_path):
    path = tmp_path / "note"
    write_whole(path, "old")
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fails", ["fsync", "rename"])
def test_a_crash_at_any_step_leaves_the_old_text(tmp_path, monkeypatch, fails):
    path = tmp_path / "note"
    write_whole(path, "old")

    def crash(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync" if fails == "fsync" else "replace", crash)
        with pytest.raises(OSError, match="No space left"):
            write_whole(path, "new")
        assert path.read_text() == "old"
    write_whole(path, "new", 0o600)  # files that the crash left do not matter, nor does their mode
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)


def test_file_and_folder_are_synced_in_this_order(tmp_path, monkeypatch):
    """The content is synced before the rename. Otherwise a crash could leave an empty file."""
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda number: order.append(os.readlink(f"/proc/self/fd/{number}")) or fsync(number)
    )
    monkeypatch.setattr(os, "replace", lambda *names: order.append("rename") or replace(*names))
    write_whole(tmp_path / "note", "text")
    assert order == [str(tmp_path / "note.new"), "rename", str(tmp_path)]


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    before = os.umask(0)
    try:
        assert secret(tmp_path / "secret", lambda: "first") == "first"
    finally:
        os.umask(before)
    assert secret(tmp_path / "secret", lambda: "second") == "first"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_an_empty_secret_is_replaced(tmp_path):
    """An earlier version could leave an empty secret when it was killed. Anyone could sign with it."""
    (tmp_path / "secret").touch()
    assert secret(tmp_path / "secret", lambda: "made now") == "made now"
