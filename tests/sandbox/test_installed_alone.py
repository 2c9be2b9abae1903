"""ecr-sandbox alone in a virtual environment: the examples of its README, and every service."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.conftest import free_port

SANDBOX = Path(__file__).parents[2] / "sandbox"
README = (SANDBOX / "README.md").read_text()
COURSE_ONLY = {"jupyterlab", "matplotlib", "nbval", "awscli", "flask", "learn-amazon-ecr"}

# One call of each service. With a missing package it would return an error.
CALLS = """
import sys, boto3
for service, operation, arguments in (
    ("ecr", "describe_repositories", {}),
    ("ecr-public", "describe_repositories", {}),
    ("iam", "get_policy", {"PolicyArn": "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"}),
    ("sts", "get_caller_identity", {}),
    ("ecs", "list_clusters", {}),
    ("lambda", "list_functions", {}),
    ("events", "list_rules", {}),
    ("sqs", "list_queues", {}),
    ("logs", "describe_log_groups", {}),
    ("cloudwatch", "list_metrics", {}),
    ("secretsmanager", "list_secrets", {}),
    ("ec2", "describe_vpcs", {}),
    ("ce", "get_cost_and_usage", {
        "TimePeriod": {"Start": "2026-01-01", "End": "2026-02-01"},
        "Granularity": "MONTHLY",
        "Metrics": ["UnblendedCost"],
    }),
):
    getattr(boto3.client(service), operation)(**arguments)
    print(service)
"""


def example(language: str, containing: str) -> str:
    """The code block of the README in this *language* that contains this text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(block for block in blocks if containing in block)


JOB_STEPS = re.findall(r"- run: (.*)", example("yaml", "jobs:"))


@pytest.fixture(scope="module")
def environ(tmp_path_factory) -> dict[str, str]:
    """The environment of a terminal with a new active virtual environment that has what the README installs."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON", "PYTEST"))}
    path = [part for part in kept["PATH"].split(os.pathsep) if Path(part) != Path(sys.executable).parent]
    environ = kept | {
        "PATH": os.pathsep.join([str(folder / "bin"), *path]),
        "ECR_SANDBOX_STATE": str(folder / "state"),
        "ECR_SANDBOX_PORT": str(free_port()),
        "PIP_RETRIES": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    install = re.sub(r'"ecr-sandbox @ [^"]*#subdirectory=sandbox"', str(SANDBOX), JOB_STEPS[0])
    assert install == f"pip install pytest {SANDBOX}"
    ran = subprocess.run(["sh", "-c", f"{install} --quiet"], env=environ, capture_output=True, text=True)
    if "Retrying (" in ran.stderr:
        pytest.skip("no package index can be reached")
    assert ran.returncode == 0, ran.stderr
    return environ


def run(command: str, environ: dict[str, str], folder: Path | None = None) -> str:
    """The output of a shell command, which must succeed."""
    ran = subprocess.run(["sh", "-ec", command], env=environ, cwd=folder, capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_no_package_of_the_course_is_installed(environ):
    installed = run("pip list --format=freeze", environ)
    names = {line.partition("==")[0].lower() for line in installed.splitlines()}
    assert "ecr-sandbox" in {name.partition(" @")[0] for name in names}
    assert not names & COURSE_ONLY


def test_the_examples_of_the_readme_work(environ, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    (tmp_path / "test_push.py").write_text(example("python", "def test_push"))
    (tmp_path / "test_repositories.py").write_text(example("python", "def test_repositories"))
    assert JOB_STEPS[1:] == ["pytest"]
    assert re.search(r"^=+ 2 passed in ", run(JOB_STEPS[1], environ, tmp_path), re.MULTILINE)


def test_every_service_answers(environ):
    try:
        run("ecr-sandbox up", environ)
        assert "advisories on" in run("ecr-sandbox advisories", environ)
        answered = run(f"eval \"$(ecr-sandbox env)\"\npython -c '{CALLS}'", environ)
        assert len(answered.split()) == 13
    finally:
        run("ecr-sandbox down", environ)
