"""An image that docker builds and pushes, with docker's own layers and whiteouts."""

import subprocess
from pathlib import Path

import pytest

from helpers import settings
from tests.sandbox.conftest import Sandbox
from tests.sandbox.rootfs import CVE, debian, dpkg, python
from tests.sandbox.services.ecr.test_scan_api import enhanced, names, scanned

# The base image has the shell. The files of the test replace its package lists.
OLD = f"FROM {settings.BASE_IMAGE}\nCOPY root/ /\n"
FIXED = f"{OLD}RUN rm -r /usr/local/lib/python3.11/site-packages/Jinja2-3.1.2.dist-info /var/lib/dpkg/status\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A build context with an old system package and an old Python package."""
    for path, content in (debian(dpkg()) | python("Jinja2", "3.1.2")).items():
        (tmp_path / "root" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / path).write_bytes(content)
    return tmp_path


def test_a_package_that_a_run_step_removes_is_not_found(own_sandbox: Sandbox, context: Path):
    ecr = own_sandbox.start().client()
    own_sandbox.login()
    enhanced(ecr)
    ecr.create_repository(repositoryName="app")
    for tag, dockerfile in (("old", OLD), ("fixed", FIXED)):
        name = f"{own_sandbox.registry}/app:{tag}"
        try:
            command = ["docker", "build", "--quiet", "--tag", name, "--file", "-", str(context)]
            subprocess.run(command, input=dockerfile.encode(), check=True, capture_output=True)
            own_sandbox.run(f"docker push --quiet {name}")
        finally:
            subprocess.run(["docker", "rmi", "--force", name], capture_output=True)
    old, fixed = (scanned(ecr, "app", tag) for tag in ("old", "fixed"))
    assert (CVE, "libpcre2-8-0") in names(old)
    assert "Jinja2" in {package for _, package in names(old)}
    assert {"libpcre2-8-0", "Jinja2"} & {package for _, package in names(fixed)} == set()
