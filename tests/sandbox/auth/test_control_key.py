"""The key of the sandbox's own API is a secret of the state folder."""

import stat

import pytest

from ecr_sandbox.auth import control_key


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    key = control_key.authorization(tmp_path)
    assert key.startswith("Bearer ") and len(key) > 40
    assert control_key.authorization(tmp_path) == key
    assert stat.S_IMODE((tmp_path / control_key.FILE).stat().st_mode) == 0o600


def test_the_key_of_another_folder_is_another_one(tmp_path):
    (tmp_path / "other").mkdir()
    assert not control_key.is_valid(control_key.authorization(tmp_path / "other"), tmp_path)


@pytest.mark.parametrize("change", ["", "Bearer ", "{}x", "Basic {}", "{}é", "x{}"])
def test_only_the_whole_key_is_valid(tmp_path, change):
    key = control_key.authorization(tmp_path)
    assert control_key.is_valid(key, tmp_path)
    assert not control_key.is_valid(change.format(key), tmp_path)
