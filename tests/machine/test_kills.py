"""The moments at which learners are killed, and the kill itself; `python -m machine.break_it` does the rest."""

import json
import os
import subprocess
import sys
import time

import pytest

from machine import kills
from machine.kills import MARK, Moment

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_twenty_moments_are_in_all_notebooks_and_of_each_sort():
    found = kills.moments(seed=1, count=20)
    assert {each.notebook for each in found} == {*kills.NOTEBOOKS}
    assert {each.event for each in found} == {"call", "note", "second"}
    assert found == kills.moments(seed=1, count=20)
    assert found != kills.moments(seed=2, count=20)


def test_every_process_of_the_learner_is_killed_and_no_other():
    child = [sys.executable, "-c", f"import subprocess; subprocess.run({SLEEP!r}, start_new_session=True)"]
    learner = subprocess.Popen(child, env=os.environ | {MARK: "a test"}, start_new_session=True)
    other = subprocess.Popen(SLEEP, env=os.environ | {MARK: "another"})
    try:
        while len(marked("a test")) < 2:
            time.sleep(0.01)
        kills.kill(f"{MARK}=a test")
        assert learner.wait(10) == -9
        assert marked("a test") == []
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def marked(value: str) -> list:
    return [path for path in kills.processes() if kills.has(path, f"{MARK}={value}".encode())]


CALLS = ("ecr:DescribeRepositories", "ecr:CreateRepository", "ecr:GetAuthorizationToken", "ecr:PutImage")


@pytest.mark.parametrize(
    ("event", "nth", "last"),
    [
        ("call", 1, "ecr:CreateRepository"),
        ("call", 2, "ecr:PutImage"),
        ("note", 1, "ecr:CreateRepository"),
        ("second", 0, "no call"),
    ],
)
def test_the_moment_is_an_event_of_its_sort(tmp_path, event, nth, last):
    decisions, ledger = tmp_path / "decisions.jsonl", tmp_path / "ledger.json"
    decisions.write_text(json.dumps({"action": "ecr:PutImage"}) + "\n")  # of the last learner
    start = decisions.stat().st_size
    learner = subprocess.Popen(SLEEP)
    try:
        if event == "note":
            ledger.write_text("[]")
        with decisions.open("a") as log:
            log.writelines(json.dumps({"action": action}) + "\n" for action in CALLS[: 2 * nth])
        moment = Moment(1, "04", event, nth, "a seed")
        assert kills.wait_for(moment, learner, decisions, start, ledger) == last
        assert learner.poll() is None
    finally:
        learner.kill()
        learner.wait()


def test_files_that_are_left_are_found(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "config.json").write_text('{"auths": {}}')
    (tmp_path / "kernel.json").write_text('{"shell_port": 1}')
    assert kills.files(tmp_path) == [tmp_path / "folder" / "config.json"]
