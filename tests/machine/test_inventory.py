"""What a learner could lose on this machine is in the inventory, and each difference is one sentence."""

import json
import subprocess

import pytest

from machine import inventory

LISTS = {
    "image": [
        {"Repository": "app", "Tag": "v1", "Digest": "sha256:1", "ID": "sha256:2"},
        {"Repository": "learn-amazon-ecr-tests", "Tag": "warm", "Digest": "<none>", "ID": "sha256:3"},
    ],
    "container": [
        {"Names": "web", "ID": "4", "Image": "app", "State": "running", "Labels": "", "Mounts": "", "Command": "x"}
    ],
    "volume": [{"Name": "data", "Labels": "a=b"}],
    "network": [{"Name": "bridge", "ID": "5"}],
}


def answer(argv, **_):
    lines = "".join(json.dumps(each) + "\n" for each in LISTS[argv[1]])
    return subprocess.CompletedProcess(argv, 0, lines, "")


def test_the_engine_has_images_containers_volumes_and_networks(monkeypatch):
    monkeypatch.setattr(inventory, "run", answer)
    found = inventory.engine()
    assert list(found) == ["image app:v1@sha256:1", "container web", "volume data", "network bridge"]
    assert found["container web"]["State"] == "running"


def test_an_engine_that_does_not_answer_is_an_error(monkeypatch):
    refused = subprocess.CompletedProcess([], 1, "", "Cannot connect to the Docker daemon")
    monkeypatch.setattr(inventory, "run", lambda argv: refused)
    with pytest.raises(RuntimeError, match="Cannot connect"):
        inventory.engine()


def test_files_are_compared_by_content_and_mode(tmp_path):
    (tmp_path / ".aws" / "cli" / "cache").mkdir(parents=True)
    config = tmp_path / ".aws" / "config"
    config.write_text("[default]")
    config.chmod(0o600)
    before = inventory.files(tmp_path)
    assert list(before) == ["file ~/.aws/config"]
    config.write_text("[other]")
    config.chmod(0o644)
    (tmp_path / ".aws" / "cli" / "cache" / "session.db").write_text("the CLI's own")
    changes = inventory.differences(before, inventory.files(tmp_path))
    assert [change.partition(" was ")[0] for change in changes] == [
        "changed: file ~/.aws/config: content",
        "changed: file ~/.aws/config: mode",
    ]


def test_each_difference_is_a_sentence():
    before = {"a": {"tags": 1}, "b": {}, "c": {"same": 1}}
    after = {"a": {"tags": 2}, "c": {"same": 1}, "d": {}}
    assert inventory.differences(before, after) == ["left: d", "deleted: b", "changed: a: tags was 1 and is 2"]
