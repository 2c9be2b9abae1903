"""The background sandbox: one is started, found, waited for and stopped, whatever state it is in."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from ecr_sandbox import background
from ecr_sandbox.errors import SandboxError

from helpers import settings


def starts() -> int:
    return len((settings.state() / "starts").read_text())


def test_starts_finds_and_stops(stub, state):
    assert background.find() is None
    status = background.start()
    assert status["port"] == settings.port()
    assert status == background.find() == background.start()
    assert starts() == 1
    assert background.stop() is True
    assert background.find() is None
    assert background.stop() is False
    with pytest.raises(ProcessLookupError):
        os.kill(status["pid"], 0)


def test_the_log_has_what_it_says(stub):
    status = background.start()
    assert f"ready {status['endpoint']}" in background.log_file().read_text()


def test_it_outlives_the_session_of_who_started_it(stub):
    status = background.start()
    assert os.getsid(status["pid"]) == status["pid"]


def test_two_at_once_start_one(stub):
    stub("slow")
    code = (
        "import sys; from helpers import background as b; b.COMMAND = (sys.executable, sys.argv[1]);"
        "print(b.start()['pid'])"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, background.COMMAND[1]],
            cwd=settings.PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    pids = {child.communicate(timeout=60)[0].strip() for child in both}
    assert pids == {str(background.find()["pid"])}
    assert starts() == 1


def test_a_sandbox_just_started_by_hand_is_waited_for(stub, started, state):
    stub("slow")
    started.append(subprocess.Popen(background.COMMAND))
    while not (state / "sandbox.lock").exists():
        time.sleep(0.01)
    time.sleep(0.2)
    assert background.start()["pid"] == started[0].pid


def test_a_note_left_by_kill_9_is_not_believed(stub):
    pid = background.start()["pid"]
    os.kill(pid, signal.SIGKILL)
    background._gone(pid, 5)
    assert background._noted()
    assert background.find() is None
    assert background.start()["pid"] != pid


def test_the_sandbox_of_another_folder_at_our_old_address_is_not_ours(stub, state, tmp_path):
    status = background.start()
    other = tmp_path / "other"
    other.mkdir()
    (other / "sandbox.json").write_text(json.dumps(status))
    os.environ["ECR_TUTORIAL_STATE"] = str(other)
    assert background.find() is None
    os.environ["ECR_TUTORIAL_STATE"] = str(state)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"endpoint": 1}', '"x"'])
def test_a_damaged_note_is_no_sandbox(state, text):
    (state / "sandbox.json").write_text(text)
    assert background.find() is None
    assert background.stop() is False


def test_why_it_did_not_start_is_the_sandboxs_own_sentence(stub):
    stub("refuse")
    with pytest.raises(SandboxError) as told:
        background.start()
    assert str(told.value) == "No registry program is installed. Fix: make setup"


def test_an_older_reason_in_the_log_is_not_repeated(stub):
    stub("crash")
    with pytest.raises(SandboxError) as told:
        background.start()
    assert str(told.value) == (f"The sandbox ended while it was starting. Fix: read its log: {background.log_file()}")
    stub("refuse")
    with pytest.raises(SandboxError, match=r"^No registry program is installed"):
        background.start()


def test_one_that_never_gets_ready_is_given_up_and_ended(stub, monkeypatch):
    stub("never")
    monkeypatch.setattr(background, "READY_SECONDS", 1)
    with pytest.raises(SandboxError, match=r"was not ready after 1 seconds\. Fix: read its log"):
        background.start()
    assert background._started[-1].wait(timeout=60) == -signal.SIGTERM


def test_one_that_ignores_the_polite_signal_is_killed(stub, monkeypatch):
    stub("deaf")
    monkeypatch.setattr(background, "STOP_SECONDS", 0.3)
    pid = background.start()["pid"]
    assert background.stop() is True
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_one_that_hangs_is_stopped_too(stub, monkeypatch):
    monkeypatch.setattr(background, "STOP_SECONDS", 0.3)
    pid = background.start()["pid"]
    os.kill(pid, signal.SIGSTOP)
    with contextlib.suppress(ProcessLookupError):
        assert background.stop() is True
        os.kill(pid, 0)
        pytest.fail("it is still there")


def test_a_number_used_again_by_another_program_is_left_alone(state, started):
    started.append(subprocess.Popen(["sleep", "60"]))
    note = {"endpoint": "http://localhost:1", "pid": started[0].pid}
    (state / "sandbox.json").write_text(json.dumps(note))
    assert background.stop() is False
    assert started[0].poll() is None


def test_no_proxy_is_asked(stub):
    os.environ |= {"http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
    assert background.start()
    del os.environ["http_proxy"], os.environ["HTTP_PROXY"]


def test_a_state_folder_that_cannot_be_made_is_said(tmp_path, stub):
    (tmp_path / "file").touch()
    before = os.environ["ECR_TUTORIAL_STATE"]
    os.environ["ECR_TUTORIAL_STATE"] = str(tmp_path / "file" / "state")
    with pytest.raises(SandboxError, match=r"cannot be written \(Not a directory\)\. Fix: free some disk"):
        background.start()
    os.environ["ECR_TUTORIAL_STATE"] = before


def test_a_long_log_begins_afresh(stub):
    log = background.log_file()
    log.parent.mkdir()
    log.write_text("x" * (background.LOG_LIMIT + 1))
    background.start()
    assert log.stat().st_size < 1000
