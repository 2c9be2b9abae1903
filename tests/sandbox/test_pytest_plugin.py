"""The pytest fixtures of ecr-sandbox, used by generated test files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import docker
import pytest

pytest_plugins = ["pytester"]

USER_ENVIRONMENT = {
    "AWS_PROFILE": "mine",
    "AWS_ACCESS_KEY_ID": "the user's own",
    "AWS_SECRET_ACCESS_KEY": "the user's own",
    "AWS_SESSION_TOKEN": "the user's own",
    "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


@pytest.fixture
def run(pytester, monkeypatch):
    """Run these tests with the plugin and no other, as a user with an AWS configuration; returns the result."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name, value in USER_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    def run(source: str):
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess("-p", "ecr_sandbox.pytest_plugin", timeout=120)

    return run


def test_the_value_of_the_fixture(run):
    result = run("""
        def test_it(ecr_sandbox):
            assert ecr_sandbox.endpoint == f"http://{ecr_sandbox.registry}"
            assert (ecr_sandbox.account, ecr_sandbox.region) == ("123456789012", "us-east-1")
            assert (ecr_sandbox.access_key, ecr_sandbox.secret_key) == (
                "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
            )
            repository = ecr_sandbox.client("ecr").create_repository(repositoryName="app")["repository"]
            assert repository["repositoryUri"] == f"{ecr_sandbox.registry}/app"
            other = ecr_sandbox.client("ecr", region_name="eu-west-1")
            assert other.describe_repositories()["repositories"] == []
            login = ecr_sandbox.docker_login()
            assert login["username"] == "AWS" and login["password"]
    """)
    result.assert_outcomes(passed=1)


def test_a_subprocess_uses_the_sandbox_and_has_nothing_of_the_users(run):
    result = run("""
        import os, subprocess

        def test_it(ecr_sandbox):
            ecr_sandbox.client("ecr").create_repository(repositoryName="app")
            command = "aws ecr describe-repositories --query 'repositories[].repositoryName' --output text"
            ran = subprocess.run(command, shell=True, env=ecr_sandbox.environ, capture_output=True, text=True)
            assert (ran.stdout, ran.stderr) == ("app\\n", "")
            assert "the user's own" not in ecr_sandbox.environ.values()
            assert "AWS_PROFILE" not in ecr_sandbox.environ
            assert os.path.isfile(ecr_sandbox.environ["DOCKER_CONFIG"] + "/config.json")
            assert os.environ["AWS_PROFILE"] == "mine"  # this process keeps its environment
    """)
    result.assert_outcomes(passed=1)


def test_each_test_can_have_its_own_or_the_shared_sandbox(run):
    result = run("""
        import pytest

        def names(sandbox):
            return [each["repositoryName"] for each in sandbox.client("ecr").describe_repositories()["repositories"]]

        @pytest.mark.parametrize("turn", [1, 2])
        def test_own(ecr_sandbox, turn):
            assert names(ecr_sandbox) == []
            ecr_sandbox.client("ecr").create_repository(repositoryName="app")

        @pytest.mark.parametrize("before", [[], ["shared"]])
        def test_shared(ecr_sandbox_session, before):
            assert names(ecr_sandbox_session) == before
            if not before:
                ecr_sandbox_session.client("ecr").create_repository(repositoryName="shared")

        def test_both(ecr_sandbox, ecr_sandbox_session):
            assert ecr_sandbox.endpoint != ecr_sandbox_session.endpoint
    """)
    result.assert_outcomes(passed=5)


def test_the_sandbox_is_stopped_and_removed_also_after_a_failed_test(run, pytester):
    result = run("""
        import pathlib, shutil

        def test_it(ecr_sandbox):
            shutil.copy(ecr_sandbox.settings.state / "sandbox.json", "status.json")
            raise AssertionError
    """)
    result.assert_outcomes(failed=1)
    status = json.loads((pytester.path / "status.json").read_text())
    assert not Path(status["state"]).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(status["pid"], 0)


def test_docker_pushes_to_it(run, pytester):
    (pytester.path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    result = run("""
        def test_it(ecr_sandbox):
            uri = ecr_sandbox.client("ecr").create_repository(repositoryName="app")["repository"]["repositoryUri"]
            engine = ecr_sandbox.docker()
            engine.images.build(path=".", tag=f"{uri}:v1")
            assert "digest: sha256:" in engine.images.push(uri, tag="v1", auth_config=ecr_sandbox.docker_login())
            open("uri", "w").write(uri)
    """)
    result.assert_outcomes(passed=1)
    uri = (pytester.path / "uri").read_text()
    assert docker.from_env().images.list(uri) == [], "the image is removed from the engine"


def test_an_unused_plugin_imports_nothing():
    code = """
import sys, pytest
before = set(sys.modules)
import ecr_sandbox.pytest_plugin
print(*{name.split(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["ecr_sandbox"]
