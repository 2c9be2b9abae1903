"""Who the learner is: the AWS CLI's precedence, and one sentence for each way to fail."""

import json
import os
import stat
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore import exceptions
from botocore.credentials import AssumeRoleCredentialFetcher
from moto import mock_aws

from ecr_sandbox import SandboxError
from helpers import aws_account
from helpers.aws_account import credentials

ROLE = "arn:aws:iam::123456789012:role/admin"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty ~/.aws, and no instance role."""
    folder = tmp_path / "home" / ".aws"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return folder


def sentence(profile=None) -> str:
    with pytest.raises(SandboxError) as raised:
        aws_account.identity(aws_account.session(profile))
    return str(raised.value)


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({}, "eu-west-3"),
        ({"AWS_PROFILE": "north"}, "eu-north-1"),
        ({"AWS_PROFILE": "north", "AWS_REGION": "eu-west-1"}, "eu-west-1"),
    ],
)
def test_the_region_has_the_precedence_of_the_aws_cli(home, monkeypatch, variables, region):
    (home / "config").write_text("[default]\nregion = eu-west-3\n[profile north]\nregion = eu-north-1\n")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert aws_account.session().region_name == region


def test_cells_use_the_same_session(home, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    found = aws_account.session()
    assert boto3.client("ecr").meta.region_name == "eu-west-1"
    assert boto3.DEFAULT_SESSION is found
    (home / "config").write_text("[profile other]\nregion = eu-north-1\n")
    aws_account.session("other")
    assert aws_account.session("other", "eu-west-3").region_name == "eu-west-3"
    assert boto3.DEFAULT_SESSION is found


def test_a_profile_that_does_not_exist(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert sentence() == (
        "The config profile (nobody) could not be found. Fix: aws configure list-profiles, then name one of them"
    )


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            "region = eu-west-1\n",
            "No AWS credentials are configured. Fix: aws login --profile lab, or aws configure sso",
        ),
        ("no section", "Your AWS configuration cannot be used (Unable to parse config file: "),
        ("region = a b\n", "This is not a Region ("),
        (
            "region = eu-west-1\ncredential_process = sh -c 'echo locked >&2; exit 3'\n",
            "Your credential_process failed (Error when retrieving credentials from custom-process: locked). Fix: run",
        ),
        (
            "region = eu-west-1\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = lab2\n",
            'Your AWS configuration cannot be used (The source_profile "lab2" referenced in the profile "lab" does not',
        ),
        (
            "region = eu-west-1\nrole_arn = arn:aws:iam::1:role/r\ncredential_source = Moon\n",
            "Your AWS configuration cannot be used (",
        ),
        (
            "region = eu-west-1\nsso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\n"
            "sso_account_id = 123456789012\nsso_role_name = admin\n",
            "Your AWS sign-in cannot be used (Error loading SSO Token: ",
        ),
        (
            "region = eu-west-1\nlogin_session = arn:aws:iam::123456789012:user/ann\n",
            "Your AWS sign-in cannot be used (",
        ),
    ],
)
def test_a_profile_that_cannot_be_used(home, monkeypatch, config, expected):
    (home / "config").write_text(config if config == "no section" else f"[profile lab]\n{config}")
    monkeypatch.setenv("AWS_PROFILE", "lab")
    found = sentence()
    assert found.startswith(expected)
    assert "\n" not in found
    if "sign-in" in found:
        assert found.endswith(("Fix: aws sso login --profile lab", "Fix: aws login --profile lab"))


def test_half_a_key_is_named(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    assert sentence() == (
        "Your AWS credentials are incomplete (Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY). Fix: "
        "set what is missing, or aws login"
    )


def test_a_container_role_that_does_not_answer(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/")
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    assert sentence().startswith("This machine gives no AWS credentials (")


def test_credential_process_works(home, monkeypatch):
    keys = {"Version": 1, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "secret"}
    program = home / "keys"
    program.write_text(f"#!/bin/sh\necho '{json.dumps(keys)}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (home / "config").write_text(f"[default]\nregion = eu-west-1\ncredential_process = {program}\n")
    assert aws_account.session().get_credentials().access_key == "AKIAEXAMPLE"


# A role with MFA


@pytest.fixture
def mfa(home, monkeypatch):
    """A profile that assumes a role with a code; returns the codes that were asked for."""
    (home / "config").write_text(
        f"[profile mfa]\nregion = eu-west-1\nrole_arn = {ROLE}\nsource_profile = base\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/ann\n"
    )
    (home / "credentials").write_text("[base]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = secret\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "mfa")
    asked: list[str] = []

    def answer(_fetcher):
        asked.append(credentials._ask_for_code("code: "))
        until = datetime.now(UTC) + timedelta(hours=1)
        keys = {"AccessKeyId": "ASIA1", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": until.isoformat()}
        return {"Credentials": keys}

    monkeypatch.setattr(AssumeRoleCredentialFetcher, "_get_credentials", answer)
    return asked


def test_a_code_is_asked_for_once_and_shared_with_the_aws_cli(home, mfa, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda _: "123456")
    for _ in range(2):
        assert aws_account.session().get_credentials().get_frozen_credentials().access_key == "ASIA1"
    assert mfa == ["123456"]
    assert len(list((home / "cli" / "cache").iterdir())) == 1


@pytest.mark.parametrize("error", [EOFError, NotImplementedError])
def test_without_a_terminal_the_code_is_asked_for_elsewhere(mfa, monkeypatch, error):
    def refuse(_):
        raise error

    monkeypatch.setattr("getpass.getpass", refuse)
    assert sentence() == (
        "Your profile needs a code of your MFA device, and there is no terminal to ask. Fix: run aws sts "
        "get-caller-identity in a terminal, then run this cell again"
    )


def test_boto3_asks_with_this_function():
    """The attribute belongs to botocore: a new version may call it something else."""
    roles = aws_account.session()._session.get_component("credential_provider").get_provider("assume-role")
    assert roles._prompter is credentials._ask_for_code
    assert roles.cache is not None


def test_a_role_that_may_not_be_assumed(home, monkeypatch):
    class Refused:
        region_name, profile_name = "eu-west-1", "mfa"

        def client(self, _):
            return self

        def get_caller_identity(self):
            error = {"Error": {"Code": "AccessDenied", "Message": "MultiFactorAuthentication failed with invalid MFA"}}
            raise exceptions.ClientError(error, "AssumeRole")

    with pytest.raises(
        SandboxError, match=r"does not let you assume the role of your profile \(Multi.* Fix: check role"
    ):
        aws_account.identity(Refused())


def test_the_identity_of_a_key(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with mock_aws():
        assert aws_account.identity(aws_account.session()) == (
            "123456789012",
            "eu-west-1",
            "arn:aws:sts::123456789012:user/moto",
        )
    assert os.environ["AWS_REGION"] == "eu-west-1"
