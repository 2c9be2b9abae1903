"""A command on another computer has that computer's environment, and all its output is returned."""

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers.shell import computer, delete_computers, run_on, run_until
from helpers.waiting import wait_for


def test_a_command_has_both_environments(monkeypatch):
    monkeypatch.setenv("HERE", "here")
    assert run_on({"THERE": "there"}, 'echo "$HERE and $THERE"') == "here and there"


def test_standard_error_is_part_of_the_output():
    assert run_on({}, "echo one; echo two >&2; echo three; exit 3") == "one\ntwo\nthree"


def test_progress_output_is_removed():
    pushed = "The push refers to repository [localhost:5050/app]\n1a2b3c4d5e6f: Preparing\n1a2b3c4d5e6f: Pushed\n"
    assert run_on({}, f"printf '{pushed}'").splitlines()[1:] == ["1a2b3c4d5e6f: Pushed"]


def test_without_a_computer_nothing_runs(tmp_path):
    assert run_on(None, f"touch {tmp_path}/made").startswith("skipped")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(("target", "output"), [("aws", "3"), ("sandbox", "1")])
def test_on_aws_a_command_runs_until_its_output_is_the_expected_one(target, output, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    lab = SimpleNamespace(target=target)
    lab.wait_for = partial(wait_for, lab)
    count = f"cd {tmp_path}; echo $(($(cat log 2> /dev/null | wc -l) + 1)) >> log; cat log"
    assert run_until(lab, "the policy works", "^3", {}, f"{count} | tail -1") == output


def test_a_computer_has_the_key_and_a_docker_without_logins():
    key = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "secret"}
    lasting, borrowed = computer(key), computer({**key, "SessionToken": "token"})
    assert lasting["AWS_ACCESS_KEY_ID"] == "AKIAIOSFODNN7EXAMPLE"
    assert lasting["AWS_SECRET_ACCESS_KEY"] == "secret"
    assert [each["AWS_SESSION_TOKEN"] for each in (lasting, borrowed)] == ["", "token"]
    assert lasting["DOCKER_CONFIG"] != borrowed["DOCKER_CONFIG"]
    logins = json.loads(Path(lasting["DOCKER_CONFIG"], "config.json").read_text())
    assert logins == {"auths": {"nowhere.invalid": {}}}


def test_the_logins_of_all_computers_are_deleted():
    folders = [Path(computer({"AccessKeyId": "A", "SecretAccessKey": "S"})["DOCKER_CONFIG"]) for _ in range(2)]
    assert all(folder.is_dir() for folder in folders)
    delete_computers()
    assert not any(folder.exists() for folder in folders)
