"""Each test has its own state folder, port and environment; every process that it starts is stopped."""

import json
import os
import signal
import socket
import sys
from pathlib import Path

import boto3
import pytest

import ecr_sandbox
import helpers
from ecr_sandbox import SandboxError, background
from helpers import aws_account, lab, settings
from tests import fork_server

PULL_MIRROR = ecr_sandbox.pull_mirror
STUB = Path(__file__).parents[1] / "sandbox" / "stub_sandbox.py"


@pytest.fixture(autouse=True)
def own_environment(tmp_path, monkeypatch):
    """A state folder and a free port for this test; the environment is restored afterwards."""
    before = dict(os.environ)
    for name in [n for n in os.environ if n.startswith(("AWS_", "ECR_TUTORIAL_"))]:
        del os.environ[name]
    state = tmp_path / "its state"  # a space in the name is common on learners' machines
    state.mkdir()
    os.environ |= {"ECR_TUTORIAL_STATE": str(state), "ECR_TUTORIAL_PORT": str(free_port())}
    monkeypatch.setattr(lab, "_current", None)
    monkeypatch.setattr(background, "subprocess", fork_server.SUBPROCESS)
    # The real base image is not pulled for each test; one test covers it.
    monkeypatch.setattr(ecr_sandbox, "pull_mirror", lambda *_: False)
    os.environ["ECR_TUTORIAL_BASE"] = str(tmp_path / "no layout")
    yield
    os.environ |= {"ECR_TUTORIAL_STATE": str(state), "ECR_TUTORIAL_PORT": ""}
    try:
        background.stop(settings.sandbox())
    finally:
        os.environ.clear()
        os.environ.update(before)
        _reset_boto()


@pytest.fixture
def pull_mirror():
    """The real ``ecr_sandbox.pull_mirror``."""
    return PULL_MIRROR


@pytest.fixture
def state() -> Path:
    return settings.state()


@pytest.fixture
def plain(monkeypatch, capsys):
    """A connected lab without an engine."""

    def refuse(*_):
        raise SandboxError("The Docker engine is not running.", "start it")

    monkeypatch.setattr(ecr_sandbox, "docker_client", refuse)
    lab = helpers.connect()
    capsys.readouterr()
    return lab


@pytest.fixture
def on_aws(monkeypatch, tmp_path, capsys):
    """A lab with target aws whose AWS is a sandbox, without an engine."""

    def refuse(*_):
        raise SandboxError("The Docker engine is not running.", "start it")

    monkeypatch.setattr(ecr_sandbox, "docker_client", refuse)
    endpoint = ecr_sandbox.start(settings.sandbox())["endpoint"]
    monkeypatch.setattr(aws_account, "registry", lambda *_: endpoint.partition("//")[2])
    os.environ |= {
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": settings.REGION,
        "AWS_DEFAULT_REGION": settings.REGION,
        "AWS_ACCESS_KEY_ID": settings.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": settings.SECRET_KEY,
        "ECR_TUTORIAL_TARGET": "aws",
        "ECR_TUTORIAL_CONFIRM": settings.ACCOUNT,
    }
    _reset_boto()
    lab = helpers.connect()
    capsys.readouterr()
    return lab


@pytest.fixture
def deny():
    """Call it to continue as a user who may do all but the named actions."""
    iam = boto3.client("iam")
    iam.create_user(UserName="limited")
    key = iam.create_access_key(UserName="limited")["AccessKey"]

    def call(*actions):
        statements = [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": list(actions), "Resource": "*"},
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName="limited", PolicyName="all-but", PolicyDocument=document)
        os.environ |= {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        boto3.DEFAULT_SESSION = None

    return call


@pytest.fixture
def stub(monkeypatch):
    """A stub in place of the sandbox; call it to choose how it behaves."""
    monkeypatch.setattr(background, "COMMAND", (sys.executable, str(STUB)))
    monkeypatch.setattr(background, "COMMAND_LINE", STUB.name)
    return lambda behavior: os.environ.__setitem__("STUB_BEHAVIOR", behavior)


@pytest.fixture
def started():
    """Processes that a test starts; they are killed when it ends."""
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


def _reset_boto():
    import boto3
    import botocore.loaders

    boto3.DEFAULT_SESSION = None
    botocore.loaders.Loader.CUSTOMER_DATA_PATH = os.path.join(os.path.expanduser("~"), ".aws", "models")
