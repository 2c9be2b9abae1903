"""connect(): what it prints, that it can be repeated, and every error."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, LoginRefreshRequired, TokenRetrievalError
from moto import mock_aws

import ecr_sandbox
import helpers
from ecr_sandbox import SandboxError
from helpers import aws_account, lab, ledger, settings
from machine import aws_cli


@pytest.fixture
def no_engine(monkeypatch):
    def refuse():
        raise SandboxError("The Docker engine is not running.", "start it")

    monkeypatch.setattr(ecr_sandbox, "docker_client", refuse)


# The sandbox ---


def test_connect_starts_the_sandbox_and_prints_its_address(capsys):
    found = helpers.connect()
    registry = f"localhost:{settings.port()}"
    assert capsys.readouterr().out.splitlines() == [
        f"✔ sandbox: account 123456789012, region us-east-1, registry {registry}",
        "✔ isolated: cells cannot reach a real account",
    ]
    assert (
        repr(found) == f"<Lab: sandbox, account 123456789012, region us-east-1, registry localhost:{settings.port()}>"
    )
    assert found.repository_uri == f"{registry}/demo-app-repo" == os.environ["REPOSITORY_URI"]
    assert boto3.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert found == helpers.connect() == lab.current()


@pytest.mark.parametrize(("chosen", "version"), [("", "2.38.5"), ("1", "1.46.3")])
def test_cells_run_the_aws_that_the_course_chooses(stub, no_engine, monkeypatch, tmp_path, chosen, version):
    for number in ("1.46.3", "2.38.5"):
        program = tmp_path / number / "aws"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho aws-cli/{number}\n")
        program.chmod(0o755)
    monkeypatch.setattr(ecr_sandbox, "venv_bin", lambda: tmp_path / "1.46.3")
    monkeypatch.setattr(aws_cli, "LINK", tmp_path / "2.38.5" / "aws")
    monkeypatch.setenv("ECR_TUTORIAL_AWS_CLI", chosen)
    helpers.connect()
    assert subprocess.run(["aws", "--version"], capture_output=True, text=True).stdout == f"aws-cli/{version}\n"


def test_connect_restarts_a_killed_sandbox(stub, no_engine, capsys):
    from ecr_sandbox import background

    helpers.connect()
    pid = background.find(settings.sandbox())["pid"]
    os.kill(pid, 9)
    background._gone(pid, 5)
    helpers.connect()
    assert background.find(settings.sandbox())["pid"] != pid


def test_connect_without_an_engine_prints_one_line(stub, no_engine, capsys):
    helpers.connect()
    assert capsys.readouterr().out.splitlines()[2:] == ["✗ engine: The Docker engine is not running. Fix: start it"]


def test_connect_reports_the_forwarder(stub, monkeypatch, capsys):
    monkeypatch.setattr(ecr_sandbox, "docker_client", lambda: None)
    monkeypatch.setattr(ecr_sandbox, "make_reachable", lambda *_: True)
    monkeypatch.setattr(ecr_sandbox, "pull_mirror", lambda *_: False)
    helpers.connect()
    assert capsys.readouterr().out.splitlines()[2] == (
        "✔ engine: Docker runs in a virtual machine here and reaches the sandbox by a forwarder"
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ECR_TUTORIAL_TARGET", "gcp", "ECR_TUTORIAL_TARGET is 'gcp': set it to 'sandbox' or 'aws'."),
        ("ECR_TUTORIAL_PORT", "http", "ECR_TUTORIAL_PORT is 'http': set it to a number from 1 to 65535."),
        ("ECR_TUTORIAL_PORT", "70000", "ECR_TUTORIAL_PORT is '70000': set it to a number from 1 to 65535."),
    ],
)
def test_an_invalid_setting_is_refused(name, value, sentence):
    os.environ[name] = value
    with pytest.raises(SandboxError) as raised:
        helpers.connect()
    assert str(raised.value) == sentence


def test_current_before_connect_is_an_error():
    with pytest.raises(SandboxError, match="not connected yet"):
        lab.current()


def test_an_error_in_a_notebook_is_one_sentence():
    code = (
        "from IPython.core.interactiveshell import InteractiveShell as S\n"
        "S.instance(colors='nocolor').run_cell('from helpers import connect; connect()')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.PROJECT,
        env={**os.environ, "ECR_TUTORIAL_TARGET": "gcp", "IPYTHONDIR": str(settings.state())},
        capture_output=True,
        text=True,
    )
    assert ran.stdout.strip() == "ECR_TUTORIAL_TARGET is 'gcp': set it to 'sandbox' or 'aws'."


def test_importing_the_package_imports_nothing_slow():
    code = "import sys, helpers.cli; print([m for m in ('boto3', 'docker', 'botocore') if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=settings.PROJECT, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]"


# AWS, simulated by moto ---


@pytest.fixture
def aws(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECR_TUTORIAL_TARGET", "aws")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("it asked for confirmation"))
    with mock_aws():
        yield


DOCKER = {"DOCKER_CONFIG", "DOCKER_CLI_HINTS", "REGISTRY_AUTH_FILE"}


def answers(monkeypatch, what):
    def reply(question):
        print(question)
        if isinstance(what, type):
            raise what
        return what

    monkeypatch.setattr("builtins.input", reply)


def test_connect_to_aws_prints_the_identity_and_asks_once(aws, monkeypatch, capsys):
    answers(monkeypatch, "yes")
    found = helpers.connect()
    first = capsys.readouterr().out
    registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    assert first.splitlines() == [
        f"✔ AWS: account 123456789012, region eu-west-1, registry {registry}",
        "  you are arn:aws:sts::123456789012:user/moto",
        "  The course creates, and notebook 14 deletes:",
        "  - private repositories with small images, and one public repository",
        "  - IAM users with access keys, roles and policies",
        "  - on ECS a cluster, a service and short Fargate tasks with a log group",
        "  - a Lambda function that does not run",
        "  - questions to the Cost Explorer API",
        "  All notebooks together cost about $0.12, without tax and at the prices of us-east-1:",
        "  $0.02  0.2 GB of images in ECR for a month, if you do not clean up",
        "  $0.00  0.5 GB of images pulled to your machine, free within the first 100 GB of a month",
        "  $0.03  about 3 questions to Cost Explorer",
        "  $0.02  about 16 Fargate tasks of half a processor and 1 GB, two minutes each",
        "  $0.05  about 5 Fargate tasks of half a processor and 1 GB, twenty minutes each",
        "  (https://aws.amazon.com/ecr/pricing/, 2026-03)",
        "Work in account 123456789012, region eu-west-1? (yes/no) ",
        "✔ confirmed: all that is made here gets the tag made-by=learn-amazon-ecr; notebook 14 deletes exactly that",
    ]
    assert os.environ["REGISTRY"] == registry
    assert found.endpoint == "https://api.ecr.eu-west-1.amazonaws.com"
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("it asked again"))
    helpers.connect()


def test_no_secret_is_printed_or_kept(aws, monkeypatch, capsys, state):
    answers(monkeypatch, "y")
    helpers.connect()
    shown = capsys.readouterr().out + "".join(p.read_text() for p in state.rglob("*") if p.is_file())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert os.environ[name] not in shown


def test_connect_to_aws_sets_only_the_documented_variables(aws, monkeypatch):
    answers(monkeypatch, "yes")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    before = dict(os.environ)
    helpers.connect()
    new = {name for name in os.environ if os.environ[name] != before.get(name)}
    names = {"REGISTRY", "PUBLIC_REGISTRY", "ACCOUNT_ID", "REPOSITORY_NAME", "REPOSITORY_URI", "OTHER_REGION"}
    assert new | {"PATH"} == names | {"AWS_REGION", "DOCKER_HOST", "PATH", *DOCKER}
    assert os.environ["PATH"].startswith(f"{settings.aws_cli().parent}:")
    assert set(before) <= set(os.environ)


@pytest.mark.parametrize("reply", ["no", "", "n", "123456789012"])
def test_any_answer_other_than_yes_is_no(aws, monkeypatch, reply, state):
    answers(monkeypatch, reply)
    with pytest.raises(SandboxError, match="Nothing was created: you did not answer yes"):
        helpers.connect()
    assert "REGISTRY" not in os.environ
    assert not list(state.iterdir())


@pytest.mark.parametrize("error", [EOFError, NotImplementedError])
def test_without_a_terminal_the_account_is_confirmed_by_a_variable(aws, monkeypatch, error):
    answers(monkeypatch, error)
    with pytest.raises(SandboxError, match=r"there is no terminal to ask\. Fix: set ECR_TUTORIAL_CONFIRM=123456789012"):
        helpers.connect()
    os.environ["ECR_TUTORIAL_CONFIRM"] = "123456789012"
    assert helpers.connect().target == "aws"


def test_the_confirmation_of_another_account_is_refused(aws):
    os.environ["ECR_TUTORIAL_CONFIRM"] = "999999999999"
    with pytest.raises(SandboxError, match="is 999999999999, but these credentials belong to account 123456789012"):
        helpers.connect()


def test_each_region_is_confirmed_separately(aws, monkeypatch):
    answers(monkeypatch, "yes")
    helpers.connect()
    os.environ["AWS_REGION"] = "us-west-2"
    answers(monkeypatch, "no")
    with pytest.raises(SandboxError, match="you did not answer yes"):
        helpers.connect()


@pytest.mark.parametrize("text", ["{", "7", '{"a": 1}'])
def test_a_damaged_confirmation_file_is_replaced(aws, monkeypatch, state, text):
    (state / "aws-confirmed.json").write_text(text)
    answers(monkeypatch, "yes")
    helpers.connect()
    assert json.loads((state / "aws-confirmed.json").read_text()) == ["123456789012/eu-west-1"]


def test_a_missing_region_is_an_error(aws, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(SandboxError) as raised:
        helpers.connect()
    assert str(raised.value) == "No AWS region is configured. Fix: aws configure set region us-east-1"


def test_missing_credentials_are_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ECR_TUTORIAL_TARGET", "aws")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SandboxError) as raised:
        helpers.connect()
    assert str(raised.value) == "No AWS credentials are configured. Fix: aws login, or aws configure sso"


class Session:
    region_name = "eu-west-1"

    profile_name = "default"

    def __init__(self, error):
        self.error = error

    def client(self, _):
        return self

    def get_caller_identity(self):
        raise self.error


def client_error(code, message=""):
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetCallerIdentity")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (client_error("ExpiredToken"), "Your AWS credentials have expired. Fix: "),
        (
            client_error("InvalidClientTokenId"),
            "AWS does not accept your credentials (InvalidClientTokenId). Fix: ",
        ),
        (client_error("SignatureDoesNotMatch", "Signature expired: 2017"), "AWS says your clock is wrong ("),
        (
            LoginRefreshRequired(),
            "Your AWS sign-in cannot be used (Your session has expired or credentials have changed. "
            "Please reauthenticate using 'aws login'). Fix: aws login",
        ),
        (TokenRetrievalError(provider="sso", error_msg="Token has expired"), "Your AWS sign-in cannot be used ("),
        (EndpointConnectionError(endpoint_url="https://sts"), "AWS cannot be reached ("),
    ],
)
def test_an_error_from_aws_has_a_fix(error, sentence):
    with pytest.raises(SandboxError) as raised:
        aws_account.identity(Session(error))
    assert str(raised.value).startswith(sentence)


def test_boto3_can_read_the_credentials_of_aws_login(monkeypatch, tmp_path):
    """botocore needs the package awscrt for them: botocore/credentials.py, LoginProvider."""
    (tmp_path / "config").write_text(
        "[default]\nregion = eu-west-1\nlogin_session = arn:aws:iam::123456789012:user/ann\n"
    )
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_LOGIN_CACHE_DIRECTORY", str(tmp_path))
    with pytest.raises(SandboxError, match=r"Please reauthenticate with 'aws login'\)\. Fix: aws login"):
        aws_account.identity(boto3.Session())


def test_a_terminal_set_up_for_the_sandbox_cannot_connect_to_aws(aws, state):
    os.environ["AWS_CONFIG_FILE"] = str(state / "aws" / "config")
    with pytest.raises(SandboxError, match=r"set up for the sandbox\. Fix: open a new terminal"):
        helpers.connect()


def test_a_kernel_cannot_change_its_target(aws, monkeypatch):
    os.environ["ECR_TUTORIAL_CONFIRM"] = "123456789012"
    helpers.connect()
    os.environ["ECR_TUTORIAL_TARGET"] = "sandbox"
    with pytest.raises(SandboxError, match=r"already connected to aws\. Fix: restart its kernel"):
        helpers.connect()


def test_registries_in_china_have_their_own_suffix():
    assert aws_account.registry("1" * 12, "cn-north-1") == "111111111111.dkr.ecr.cn-north-1.amazonaws.com.cn"


def test_now_returns_the_time_of_the_sandbox(stub, no_engine, monkeypatch):
    moved = datetime(2027, 3, 1, 12, tzinfo=UTC)
    lab = helpers.connect()
    monkeypatch.setattr("ecr_sandbox.advance_clock", lambda _, seconds: moved.timestamp() + seconds)
    assert lab.now() == moved


def test_wait_until_advances_the_clock(stub, no_engine, monkeypatch, capsys):
    clock = [datetime(2027, 3, 1, 12, tzinfo=UTC)]

    def advance(_, seconds: float) -> float:
        clock[0] += timedelta(seconds=seconds)
        return clock[0].timestamp()

    lab = helpers.connect()
    monkeypatch.setattr("ecr_sandbox.advance_clock", advance)
    lab.wait_until(datetime(2027, 4, 1, tzinfo=UTC))
    assert lab.now() == datetime(2027, 4, 1, tzinfo=UTC)
    assert capsys.readouterr().out.endswith("✔ the sandbox's clock says 2027-04-01 00:00:00\n")


def test_wait_until_on_aws_does_not_change_the_clock(aws, capsys):
    os.environ["ECR_TUTORIAL_CONFIRM"] = "123456789012"
    lab = helpers.connect()
    lab.wait_until(lab.now() + timedelta(days=1))
    assert capsys.readouterr().out.splitlines()[-1].startswith("AWS's clock cannot be moved")


def test_a_repository_of_the_learner_with_the_same_name_is_not_used(aws, monkeypatch):
    """A later cell would push into it, and notebook 14 would delete it with its images."""
    ecr = boto3.client("ecr")
    arn = ecr.create_repository(repositoryName="demo-app-repo")["repository"]["repositoryArn"]
    answers(monkeypatch, "yes")
    lab = helpers.connect()
    with pytest.raises(
        SandboxError,
        match=r"^The repository demo-app-repo has no tag made-by=learn-amazon-ecr: .*ECR_TUTORIAL_PREFIX=my-course- ",
    ):
        lab.catch_up("00")
    assert ledger.entries() == []
    ecr.tag_resource(resourceArn=arn, tags=[settings.TAG])
    lab.catch_up("00")
    assert [entry.name for entry in ledger.entries()] == ["demo-app-repo"]


def test_catching_up_does_not_take_a_repository_of_the_learner(aws, monkeypatch):
    answers(monkeypatch, "yes")
    connected = helpers.connect()
    connected.client().create_repository(repositoryName="demo-app-repo", tags=[{"Key": "made-by", "Value": "me"}])
    with pytest.raises(SandboxError, match="this tutorial did not create it, so it stays"):
        connected.catch_up("09")
