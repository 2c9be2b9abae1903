"""Every refusal to start is one sentence, from ``serve``, ``up``, ``start`` and the pytest fixture; nothing is lost."""

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys

import pytest

from ecr_sandbox import background
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.settings import Settings
from tests import fork_server
from tests.sandbox.conftest import Sandbox
from tests.sandbox.pusher import Pusher

pytest_plugins = ["pytester"]
HANG = 60  # seconds


@pytest.fixture(autouse=True)
def by_fork(monkeypatch):
    """``serve`` and ``up`` are run as programs, ``background.start`` uses fork."""
    monkeypatch.setattr(background, "subprocess", fork_server.SUBPROCESS)


@pytest.fixture
def state(tmp_path):
    """The state folder of a sandbox with one image, which has stopped."""
    sandbox = Sandbox(tmp_path).start()
    sandbox.client().create_repository(repositoryName="app")
    Pusher(sandbox).push("app", [b"a layer"])
    assert sandbox.stop() == 0
    return sandbox.state


def run(state, command: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "ECR_SANDBOX_STATE": str(state), "ECR_SANDBOX_BASE_IMAGE": "/nonexistent"}
    return subprocess.run(
        [sys.executable, "-m", "ecr_sandbox", command], env=environ, capture_output=True, text=True, timeout=HANG
    )


def refused(state) -> str:
    """The sentence of ``serve``, which is that of ``up`` and ``start`` too."""
    served = run(state, "serve")
    assert (served.returncode, served.stdout) == (1, "")
    [sentence] = served.stderr.removeprefix("ecr-sandbox: ").splitlines()
    started = run(state, "up")
    assert (started.returncode, started.stdout) == (1, "")
    assert len(started.stderr.splitlines()) == 1
    with pytest.raises(SandboxError) as error:
        background.start(Settings(state))
    assert started.stderr == f"ecr-sandbox: {error.value}\n"
    assert "Traceback" not in sentence
    return sentence + started.stderr


def blobs(state) -> int:
    return len(list((state / "blobs" / "sha256").iterdir()))


@pytest.mark.parametrize("how", ["missing", "empty", "without tables"])
def test_layers_without_a_state_file(state, how):
    file, log, before = state / "state.db", state / "state.db-wal", blobs(state)
    kept = file.read_bytes()
    file.unlink()
    if log.exists():
        log.rename(state / "log of the file")
    if how == "empty":
        file.touch()
    if how == "without tables":
        with contextlib.closing(sqlite3.connect(file)) as db, db:
            db.execute("CREATE TABLE one (x)")
            db.execute("DROP TABLE one")
    sentence = refused(state)
    assert f"The state file {file} is missing or empty, but there are layers in {state}/blobs/sha256." in sentence
    assert "Restore the file, or remove everything: ecr-sandbox reset" in sentence
    assert blobs(state) == before > 0
    file.write_bytes(kept)
    if (state / "log of the file").exists():
        (state / "log of the file").rename(log)
    ends_well(state)


def ends_well(state) -> None:
    environ = {**os.environ, "ECR_SANDBOX_STATE": str(state), "ECR_SANDBOX_BASE_IMAGE": "/nonexistent"}
    command = [sys.executable, "-m", "ecr_sandbox", "serve"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("ready ")
        process.send_signal(signal.SIGTERM)
        assert process.wait(HANG) == 0


def test_reset_helps_when_the_state_file_is_missing(state, own_settings):
    shutil.copytree(state, own_settings.state, dirs_exist_ok=True)
    (own_settings.state / "state.db").unlink()
    environ = {**os.environ, **own_settings.environ()}
    command = [sys.executable, "-m", "ecr_sandbox", "reset", "--yes"]
    subprocess.run(command, env=environ, check=True, capture_output=True, timeout=HANG)
    assert background.find(own_settings)


def test_a_state_file_of_a_newer_version(state):
    with contextlib.closing(sqlite3.connect(state / "state.db")) as db:
        db.execute("PRAGMA user_version = 1000")
    assert "was made by a newer version of the sandbox. Update it, or use another state folder." in refused(state)


def test_a_state_file_that_another_program_locks(state):
    with contextlib.closing(sqlite3.connect(state / "state.db", isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        sentence = refused(state)
    assert f"Another program locks the state file {state / 'state.db'}. Close that program" in sentence
    ends_well(state)


@pytest.mark.parametrize("name", ["", "state.db", "blobs", "blobs/sha256", "uploads", "trash", "log", "secret"])
def test_a_file_in_place_of_a_folder_or_a_folder_in_place_of_a_file(state, name):
    there = state / name
    if there.is_dir():
        shutil.rmtree(there)
        there.touch()
    else:
        there.unlink()
        there.mkdir()
    assert str(there) in refused(state)


@pytest.mark.parametrize("name", ["sandbox.lock", "starting.lock", "ports.json", "sandbox.json"])
def test_a_folder_in_place_of_a_small_file(state, name):
    (state / name).unlink(missing_ok=True)
    (state / name).mkdir()
    (state / name / "file").touch()
    started = run(state, "up")
    assert started.returncode == 1 and len(started.stderr.splitlines()) == 1
    assert str(state / name) in started.stderr


def test_the_port_that_was_asked_for_and_all_after_it_are_taken(tmp_path, monkeypatch):
    """One that is taken is replaced by the next; the last port has no next one."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 65535))
        other.listen()
        monkeypatch.setenv("ECR_SANDBOX_PORT", "65535")
        served = run(tmp_path / "state", "serve")
    assert served.returncode == 1
    assert len(served.stderr.splitlines()) == 1 and "Choose another: ECR_SANDBOX_PORT=6060" in served.stderr


def test_the_pytest_fixture_shows_the_sentence_only(pytester, monkeypatch):
    pytester.makepyfile(
        """
        from ecr_sandbox import background
        from ecr_sandbox.errors import SandboxError

        def start(settings):
            raise SandboxError("The disk is full.", "free some disk space")

        background.start = start

        def test_it(ecr_sandbox):
            pass
        """
    )
    ran = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")
    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines(["The disk is full. Fix: free some disk space"])
    assert "Traceback" not in ran.stdout.str() and "def _running" not in ran.stdout.str()
