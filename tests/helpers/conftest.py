"""A state folder, a port and an environment of each test's own; whatever a test starts is ended."""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from ecr_sandbox import background, docker_engine
from ecr_sandbox.errors import LabError

import helpers
from helpers import lab, settings

LEARN_MIRROR = docker_engine.learn_mirror
STUB = Path(__file__).parents[1] / "sandbox" / "stub_sandbox.py"


@pytest.fixture(autouse=True)
def own_world(tmp_path, monkeypatch):
    """A state folder and a free port for this test; the environment comes back as it was."""
    before = dict(os.environ)
    for name in [n for n in os.environ if n.startswith(("AWS_", "ECR_TUTORIAL_"))]:
        del os.environ[name]
    state = tmp_path / "its state"  # a blank in its name is nothing unusual on a learner's machine
    state.mkdir()
    os.environ |= {"ECR_TUTORIAL_STATE": str(state), "ECR_TUTORIAL_PORT": str(free_port())}
    monkeypatch.setattr(lab, "_current", None)
    # The real base image is not pulled for each test: what is left to try has a test of its own.
    monkeypatch.setattr(docker_engine, "learn_mirror", lambda *_: False)
    os.environ["ECR_TUTORIAL_BASE"] = str(tmp_path / "no layout")
    yield
    os.environ["ECR_TUTORIAL_STATE"] = str(state)
    os.environ.pop("ECR_TUTORIAL_PORT", None)  # a test may have set one that is no port
    try:
        background.stop(settings.sandbox())
    finally:
        os.environ.clear()
        os.environ.update(before)
        _forget_boto()


@pytest.fixture
def learn_mirror():
    """The true ``engine.learn_mirror``."""
    return LEARN_MIRROR


@pytest.fixture
def state() -> Path:
    return settings.state()


@pytest.fixture
def plain(monkeypatch, capsys):
    """A connected lab without an engine."""

    def refuse(*_):
        raise LabError("The Docker engine is not running.", "start it")

    monkeypatch.setattr(docker_engine, "client", refuse)
    lab = helpers.connect()
    capsys.readouterr()
    return lab


@pytest.fixture
def stub(monkeypatch):
    """A stub in the sandbox's place; call it with a mood."""
    monkeypatch.setattr(background, "COMMAND", (sys.executable, str(STUB)))
    monkeypatch.setattr(background, "COMMAND_LINE", STUB.name)
    return lambda mood: os.environ.__setitem__("STUB_MOOD", mood)


@pytest.fixture
def started():
    """Processes a test starts by itself: ended at its end."""
    children = []
    yield children
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
        child.wait()


@pytest.fixture
def port() -> int:
    return free_port()


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def _forget_boto():
    import boto3
    import botocore.loaders

    boto3.DEFAULT_SESSION = None
    botocore.loaders.Loader.CUSTOMER_DATA_PATH = os.path.join(os.path.expanduser("~"), ".aws", "models")
