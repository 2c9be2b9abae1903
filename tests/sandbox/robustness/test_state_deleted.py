"""``rm -rf`` or ``git clean -fdX`` of the state folder under a running sandbox: it ends, and says why.

Source: https://git-scm.com/docs/git-clean: ``-X`` removes what Git ignores, and the course's state folder is ignored.
"""

import shutil
import subprocess
import sys

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from ecr_sandbox import background
from tests.sandbox.conftest import PATIENCE, until

SENTENCE = "It has stopped, and has acknowledged no change. Start a new one: ecr-sandbox up\n"


def ended(sandbox) -> str:
    """The last line that a sandbox prints before it ends with an error."""
    _, stderr = sandbox.process.communicate(timeout=PATIENCE)
    assert sandbox.process.returncode == 1
    assert "Traceback" not in stderr
    return stderr.splitlines(keepends=True)[-1]


@pytest.mark.parametrize("name", [".", "state.db", "blobs/sha256", "sandbox.lock"])
def test_it_ends_when_its_state_is_deleted(own_sandbox, name):
    own_sandbox.start().client().create_repository(repositoryName="app")
    gone = own_sandbox.state / name
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    line = ended(own_sandbox)
    assert line.endswith(SENTENCE) and str(own_sandbox.state) in line


def test_no_change_is_acknowledged_after_it(own_sandbox):
    ecr = own_sandbox.start().client()
    shutil.rmtree(own_sandbox.state)
    with pytest.raises((ClientError, BotoCoreError)):
        ecr.create_repository(repositoryName="app")
    assert ended(own_sandbox).endswith(SENTENCE)


def test_the_files_of_another_sandbox_in_the_same_place_stay(own_sandbox):
    own_sandbox.start()
    own_sandbox.state.rename(own_sandbox.state.with_name("moved"))
    own_sandbox.state.mkdir()
    (own_sandbox.state / "sandbox.json").write_text("of another")
    ended(own_sandbox)
    assert [each.name for each in own_sandbox.state.iterdir()] == ["sandbox.json"]


def test_the_status_file_is_written_again(own_sandbox):
    """Without it, clients would not find the sandbox."""
    status = own_sandbox.start().state / "sandbox.json"
    before = status.read_text()
    status.unlink()
    until(status.exists)
    until(lambda: status.read_text() == before)


def test_up_never_starts_a_second_one_beside_it(own_settings):
    first = background.start(own_settings)
    shutil.rmtree(own_settings.state)
    second = background.start(own_settings)
    with pytest.raises(ProcessLookupError):
        background.os.kill(first["pid"], 0)
    assert second["port"] == first["port"] and background.find(own_settings) == second


def test_up_refuses_while_the_other_one_does_not_end(own_settings, started, monkeypatch):
    monkeypatch.setattr(background, "STOP_SECONDS", 0.2)
    command = [sys.executable, "-c", "import time; time.sleep(600)", "serve", "--state", str(own_settings.state)]
    hanging = subprocess.Popen(command)
    started.append(hanging)
    longer = subprocess.Popen([*command[:-1], f"{own_settings.state}-2"])  # another sandbox's
    started.append(longer)
    with pytest.raises(background.SandboxError, match=f"still uses the state folder .* Fix: kill {hanging.pid}$"):
        background.start(own_settings)
    hanging.kill()
    hanging.wait(timeout=60)

    background.start(own_settings)
