"""The isolated environment as data: what is set, what is unset, and what the files contain."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from ecr_sandbox import environment

STATUS = {
    "endpoint": "http://localhost:5051",
    "port": 5051,
    "hub": "http://localhost:5052",
    "public": "http://localhost:5053",
    "registry": "localhost:5051",
    "public_registry": "localhost:5053",
    "accounts": {"123456789012": "default", "111122223333": "other-account"},
    "region": "us-east-1",
    "aws_names": None,
    "state": "/s",
}
AWS_NAMES = STATUS | {
    "registry": "210987654321.dkr.ecr.eu-west-3.amazonaws.com",
    "public_registry": "public.ecr.aws",
    "accounts": {"210987654321": "default", "111122223333": "other-account"},
    "region": "eu-west-3",
    "aws_names": {"ca": "/s/ca.pem", "address": "127.0.0.1", "names": []},
}


def test_all_clients_point_to_the_sandbox():
    new, _ = environment.isolated({"PATH": "/usr/bin"}, STATUS)
    assert new["AWS_ENDPOINT_URL"] == "http://localhost:5051"
    assert new["AWS_CONFIG_FILE"] == "/s/aws/config"
    assert new["AWS_SHARED_CREDENTIALS_FILE"] == "/s/aws/credentials"
    assert new["AWS_EC2_METADATA_DISABLED"] == "true"
    assert new["DOCKER_CONFIG"] == "/s/docker"
    assert new["AWS_REGION"] == new["AWS_DEFAULT_REGION"] == "us-east-1"
    assert new["REGISTRY"] == "localhost:5051"
    assert new["ACCOUNT_ID"] == "123456789012"
    assert new["PUBLIC_REGISTRY"] == "localhost:5053"
    assert (new["HUB"], new["HUB_API"]) == ("localhost:5052", "http://localhost:5052/hub.docker.com")


def test_with_awss_names_clients_trust_the_sandboxs_ca_and_no_other():
    new, unset = environment.isolated({"AWS_ENDPOINT_URL": "http://x", "AWS_CA_BUNDLE": "/their.pem"}, AWS_NAMES)
    assert "AWS_ENDPOINT_URL" in unset and "AWS_ENDPOINT_URL" not in new
    assert new["AWS_CA_BUNDLE"] == "/s/ca.pem" and "AWS_CA_BUNDLE" not in unset
    assert new["AWS_REGION"] == new["AWS_DEFAULT_REGION"] == "eu-west-3"
    assert (new["ACCOUNT_ID"], new["REGISTRY"]) == ("210987654321", "210987654321.dkr.ecr.eu-west-3.amazonaws.com")
    assert new["PUBLIC_REGISTRY"] == "public.ecr.aws"
    assert "amazonaws.com" in new["NO_PROXY"].split(",")


def test_an_engine_that_is_already_set_is_kept():
    new, _ = environment.isolated({}, STATUS, {"DOCKER_HOST": "unix:///x.sock"})
    assert new["DOCKER_HOST"] == "unix:///x.sock"


@pytest.mark.parametrize(
    "name",
    [
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_ENDPOINT_URL_ECR",
        "AWS_ENDPOINT_URL_SOMETHING_NEW",
        "AWS_A_NAME_OF_NEXT_YEAR",
        "AWS_DATA_PATH",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "DOCKER_CONTEXT",
        "DOCKER_AUTH_CONFIG",
        "DOCKER_CONTENT_TRUST",
        "BUILDX_BUILDER",
    ],
)
def test_variables_that_name_another_endpoint_or_account_are_unset(name):
    new, gone = environment.isolated({name: "x"}, STATUS)
    assert name in gone
    assert name not in new


def test_each_variable_is_either_set_or_unset_and_listed_once():
    new, gone = environment.isolated({"AWS_PROFILE": "x", "AWS_REGION": "y", "AWS_NEW": "z"}, STATUS)
    assert not set(new) & set(gone)
    assert len(gone) == len(set(gone))


def test_isolating_twice_changes_nothing():
    once, _ = environment.isolated({"PATH": "/usr/bin:/bin", "NO_PROXY": "corp"}, STATUS, {"DOCKER_HOST": "unix:///x"})
    twice, _ = environment.isolated(once, STATUS, {"DOCKER_HOST": once["DOCKER_HOST"]})
    assert twice == once


def test_its_arguments_are_not_changed():
    environ = {"PATH": "/bin", "AWS_PROFILE": "x"}
    environment.isolated(environ, STATUS)
    assert environ == {"PATH": "/bin", "AWS_PROFILE": "x"}


def test_path_begins_with_the_wrapper_of_the_aws_command():
    new, _ = environment.isolated({"PATH": "/a:/s/bin:/b"}, STATUS)
    assert new["PATH"] == "/s/bin:/a:/b"


@pytest.mark.parametrize(
    ("before", "upper", "lower"),
    [
        ({}, "localhost,127.0.0.1", "localhost,127.0.0.1"),
        ({"NO_PROXY": "corp"}, "corp,localhost,127.0.0.1", "corp,localhost,127.0.0.1"),
        ({"no_proxy": "a", "NO_PROXY": "b"}, "b,localhost,127.0.0.1", "a,localhost,127.0.0.1"),
        ({"no_proxy": "127.0.0.1"}, "127.0.0.1,localhost", "127.0.0.1,localhost"),
    ],
)
def test_no_proxy_for_localhost(before, upper, lower):
    new, _ = environment.isolated(before, STATUS)
    assert (new["NO_PROXY"], new["no_proxy"]) == (upper, lower)


@pytest.fixture
def state(tmp_path):
    state = tmp_path / "its state"  # a space in the name, as in "Application Support" on macOS
    state.mkdir()
    return state


def test_files_are_private_and_docker_uses_no_keychain(state):
    environment.write_files(state)
    assert json.loads((state / "docker" / "config.json").read_text())["auths"]
    for name in ("docker/config.json", "aws/config", "aws/credentials"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600
    assert not list(state.rglob(".*"))  # no temporary files


def test_the_users_additions_are_kept(state):
    environment.write_files(state)
    (state / "aws" / "credentials").write_text("[alice]\n")
    (state / "docker" / "config.json").write_text('{"auths": {"localhost:1": {"auth": "eA=="}}}')
    environment.write_files(state)
    assert (state / "aws" / "credentials").read_text().startswith("[alice]\n")
    assert "localhost:1" in (state / "docker" / "config.json").read_text()


@pytest.mark.parametrize("text", ["", "{", "{}", '{"auths": {}}', "[]", '{"credsStore": "desktop"}'])
def test_a_docker_config_without_a_credential_store_setting_is_replaced(state, text):
    (state / "docker").mkdir()
    (state / "docker" / "config.json").write_text(text)
    environment.write_files(state)
    assert json.loads((state / "docker" / "config.json").read_text()) == {"auths": {"sandbox.invalid": {}}}


@pytest.fixture
def aws(tmp_path):
    """An `aws` that prints its home and its arguments."""
    program = tmp_path / "own" / "aws"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$HOME: $*"\n')
    program.chmod(0o755)
    return program


def wrapped(state, **environ: str) -> str:
    """What `bin/aws` prints with the argument `x`."""
    environ = {"PATH": os.environ["PATH"], **environ}
    return subprocess.run([state / "bin" / "aws", "x"], env=environ, capture_output=True, text=True, check=True).stdout


def test_the_wrapper_runs_the_given_aws_with_another_home(state, aws):
    environment.write_files(state, aws)
    assert wrapped(state) == f"{state}/aws/home: x\n"


def test_the_wrapper_names_the_endpoint_for_services_that_ignore_the_variable(state, aws):
    environment.write_files(state, aws)
    assert wrapped(state, AWS_ENDPOINT_URL="http://localhost:1").endswith("home: --endpoint-url http://localhost:1 x\n")


def test_by_default_the_wrapper_runs_the_first_aws_on_path(state, aws, monkeypatch):
    monkeypatch.setenv("PATH", f"{state}/bin:{aws.parent}:{os.environ['PATH']}")
    environment.write_files(state)
    environment.write_files(state)  # now the wrapper is on PATH, too
    assert wrapped(state) == f"{state}/aws/home: x\n"


def test_without_aws_on_path_the_wrapper_runs_that_of_this_python(state, aws, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(environment, "venv_bin", lambda: aws.parent)
    environment.write_files(state)
    assert wrapped(state) == f"{state}/aws/home: x\n"


def test_without_any_aws_there_is_no_wrapper(state, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(environment, "venv_bin", lambda: Path("/nonexistent"))
    environment.write_files(state)
    assert not (state / "bin" / "aws").exists()


def test_a_state_folder_with_a_blank_and_a_quote_in_its_name(tmp_path, aws):
    odd = tmp_path / "it's a folder"
    odd.mkdir()
    environment.write_files(odd, aws)
    assert wrapped(odd) == f"{odd}/aws/home: x\n"


@pytest.fixture
def process_environment(monkeypatch):
    """os.environ and boto3 are as before after the test."""
    import boto3
    import botocore.loaders

    monkeypatch.setattr(botocore.loaders.Loader, "CUSTOMER_DATA_PATH", "/nowhere")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_apply_changes_the_environment_and_botocore(state, process_environment):
    import boto3
    import botocore.loaders

    boto3.setup_default_session()
    new, gone = environment.isolated({**os.environ, "AWS_PROFILE": "x"}, {**STATUS, "state": str(state)})
    os.environ["AWS_PROFILE"] = "x"
    environment.apply(new, gone)
    assert boto3.DEFAULT_SESSION is None
    assert "AWS_PROFILE" not in os.environ
    assert environment.is_isolated(os.environ, state)
    assert botocore.loaders.Loader().search_paths[0] == str(state / "aws" / "models")


# A Docker configuration of its own, without the sandbox ---


def test_docker_gets_a_configuration_of_its_own(tmp_path):
    user, own = tmp_path / "user", tmp_path / "own"
    (user / "cli-plugins").mkdir(parents=True)
    theirs = '{"auths": {}, "credsStore": "desktop", "credHelpers": {"public.ecr.aws": "ecr-login"}}'
    (user / "config.json").write_text(theirs)
    environ = {"DOCKER_CONFIG": str(user), "DOCKER_HOST": "unix:///engine.sock", "DOCKER_AUTH_CONFIG": "{}"}
    for _ in range(2):
        new, unset = environment.docker_environment(environ, own)
        environ = {name: value for name, value in environ.items() if name not in unset} | new
    assert environ["DOCKER_CONFIG"] == str(own / "docker")
    assert environ["DOCKER_HOST"] == "unix:///engine.sock"
    assert "DOCKER_AUTH_CONFIG" not in environ
    config = json.loads((own / "docker" / "config.json").read_text())
    assert config == {"auths": {"sandbox.invalid": {}}}
    assert (own / "docker" / "cli-plugins").readlink() == user / "cli-plugins"
    assert (user / "config.json").read_text() == theirs


def test_builds_use_the_users_current_proxies(tmp_path):
    user, own = tmp_path / "user", tmp_path / "own"
    user.mkdir()
    environ = {"DOCKER_CONFIG": str(user), "DOCKER_HOST": "unix:///engine.sock"}
    for proxies in ({"default": {"httpProxy": "http://proxy.example:3128"}}, {"default": {}}, {}):
        (user / "config.json").write_text(json.dumps({"auths": {"theirs": {}}, "proxies": proxies}))
        new, _ = environment.docker_environment(environ, own)
        environment.docker_environment(environ | new, own)  # its own configuration is not the user's
        config = json.loads((own / "docker" / "config.json").read_text())
        assert config == {"auths": {"sandbox.invalid": {}}, "proxies": proxies}
