"""The background process: it is found, started once, waited for and stopped, in every state."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from ecr_sandbox import background
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.settings import Settings


def starts(sandbox: Settings) -> int:
    """How many times the stub was started."""
    return len((sandbox.state / "starts").read_text())


def test_the_sandbox_is_started_found_and_stopped(stub, own_settings):
    assert background.find(own_settings) is None
    status = background.start(own_settings)
    assert status["port"] == own_settings.port
    assert status == background.find(own_settings) == background.start(own_settings)
    assert starts(own_settings) == 1
    assert background.stop(own_settings) is True
    assert background.find(own_settings) is None
    assert background.stop(own_settings) is False
    with pytest.raises(ProcessLookupError):
        os.kill(status["pid"], 0)


def test_its_output_is_in_the_log(stub, own_settings):
    status = background.start(own_settings)
    assert f"ready {status['endpoint']}" in background.log_file(own_settings).read_text()


def test_it_has_its_own_session(stub, own_settings):
    status = background.start(own_settings)
    assert os.getsid(status["pid"]) == status["pid"]


def test_two_simultaneous_starts_start_one_sandbox(stub, own_settings):
    stub("slow")
    code = (
        "import sys; from ecr_sandbox import background, settings;"
        "background.COMMAND = (sys.executable, sys.argv[1]);"
        "print(background.start(settings.from_environ())['pid'])"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, background.COMMAND[1]],
            env=os.environ | own_settings.environ(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    pids = {child.communicate(timeout=60)[0].strip() for child in both}
    assert pids == {str(background.find(own_settings)["pid"])}
    assert starts(own_settings) == 1


def test_a_recent_start_in_the_foreground_is_waited_for(stub, started, own_settings):
    stub("slow")
    started.append(subprocess.Popen(background.COMMAND, env=os.environ | own_settings.environ()))
    while not (own_settings.state / "sandbox.lock").exists():
        time.sleep(0.01)
    time.sleep(0.2)
    assert background.start(own_settings)["pid"] == started[0].pid


def test_the_status_file_of_a_killed_sandbox_is_ignored(stub, own_settings):
    pid = background.start(own_settings)["pid"]
    os.kill(pid, signal.SIGKILL)
    background._gone(pid, 5)
    assert background._noted(own_settings)
    assert background.find(own_settings) is None
    assert background.start(own_settings)["pid"] != pid


def test_a_sandbox_of_another_folder_at_the_same_address_is_not_used(stub, tmp_path, own_settings):
    status = background.start(own_settings)
    other = tmp_path / "other"
    other.mkdir()
    (other / "sandbox.json").write_text(json.dumps(status))
    assert background.find(replace(own_settings, state=other)) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"endpoint": 1}', '"x"'])
def test_a_damaged_status_file_is_ignored(text, own_settings):
    (own_settings.state / "sandbox.json").write_text(text)
    assert background.find(own_settings) is None
    assert background.stop(own_settings) is False


def test_the_reason_of_a_failed_start_is_the_last_line_of_the_log(stub, own_settings):
    stub("refuse")
    with pytest.raises(SandboxError) as error:
        background.start(own_settings)
    assert str(error.value) == "The state cannot be read. Fix: ecr-sandbox reset"


def test_the_reason_of_an_earlier_failure_is_not_repeated(stub, own_settings):
    stub("crash")
    with pytest.raises(SandboxError) as error:
        background.start(own_settings)
    log = background.log_file(own_settings)
    assert str(error.value) == f"The sandbox ended while it was starting. Fix: read its log: {log}"
    stub("refuse")
    with pytest.raises(SandboxError, match=r"^The state cannot be read"):
        background.start(own_settings)


def test_a_start_that_takes_too_long_is_stopped(stub, monkeypatch, own_settings):
    stub("never")
    monkeypatch.setattr(background, "READY_SECONDS", 1)
    with pytest.raises(SandboxError, match=r"was not ready after 1 seconds\. Fix: read its log"):
        background.start(own_settings)
    assert background._started[-1].wait(timeout=60) == -signal.SIGTERM


def test_a_sandbox_that_ignores_SIGTERM_is_killed(stub, monkeypatch, own_settings):
    stub("deaf")
    monkeypatch.setattr(background, "STOP_SECONDS", 0.3)
    pid = background.start(own_settings)["pid"]
    assert background.stop(own_settings) is True
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_sandbox_that_hangs_is_stopped(stub, monkeypatch, own_settings):
    monkeypatch.setattr(background, "STOP_SECONDS", 0.3)
    pid = background.start(own_settings)["pid"]
    os.kill(pid, signal.SIGSTOP)
    with contextlib.suppress(ProcessLookupError):
        assert background.stop(own_settings) is True
        os.kill(pid, 0)
        pytest.fail("it is still there")


def test_another_program_with_the_old_process_number_is_left_alone(started, own_settings):
    started.append(subprocess.Popen(["sleep", "60"]))
    note = {"endpoint": "http://localhost:1", "pid": started[0].pid}
    (own_settings.state / "sandbox.json").write_text(json.dumps(note))
    assert background.stop(own_settings) is False
    assert started[0].poll() is None


def test_no_proxy_is_used(stub, own_settings, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert background.start(own_settings)


def test_a_state_folder_that_cannot_be_created(tmp_path, stub, own_settings):
    (tmp_path / "file").touch()
    below_a_file = replace(own_settings, state=tmp_path / "file" / "state", variables="ECR_TUTORIAL")
    with pytest.raises(
        SandboxError, match=r"cannot be written \(Not a directory\).* set ECR_TUTORIAL_STATE to another"
    ):
        background.start(below_a_file)


def test_a_long_log_is_replaced(stub, own_settings):
    log = background.log_file(own_settings)
    log.parent.mkdir()
    log.write_text("x" * (background.LOG_LIMIT + 1))
    background.start(own_settings)
    assert log.stat().st_size < 1000
