"""Terraform against the sandbox: a plan after an apply has no changes, for each resource of ECR and ECR Public.

Terraform compares what each call answers with what it sent. The AWS provider comes from the mirror of the user's CLI
configuration, or from a folder that Terraform searches without configuration; nothing is downloaded.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sandbox.api import image, upload

pytestmark = [
    pytest.mark.skipif(not shutil.which("terraform"), reason="not installed: terraform"),
    pytest.mark.timeout(600),
]

CONFIGURATION = Path(__file__).parent / "terraform" / "main.tf"
NEEDED = "needs a local mirror of Terraform's AWS provider"
MIRRORS = [  # https://developer.hashicorp.com/terraform/cli/config/config-file, "Implied Local Mirror Directories"
    Path.home() / ".terraform.d" / "plugins",
    *(Path(parent, "terraform", "plugins") for parent in ("/usr/local/share", "/usr/share")),
]


@pytest.fixture
def terraform(own_sandbox, tmp_path):
    """A function that runs Terraform in a folder with the configuration, and returns its exit code and its output."""
    sandbox, folder = own_sandbox.start(), tmp_path / "terraform"
    folder.mkdir()
    shutil.copy(CONFIGURATION, folder)
    env = {**sandbox.env, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    own = env.pop("TF_CLI_CONFIG_FILE", "")
    if configured := Path(own).is_file():
        env["TF_CLI_CONFIG_FILE"] = own

    def run(*arguments, **variables):
        command = ["terraform", *arguments, "-no-color"]
        done = subprocess.run(
            command, cwd=folder, env={**env, **variables}, capture_output=True, text=True, timeout=300, check=False
        )
        return done.returncode, done.stdout + done.stderr

    mirrors = [f"-plugin-dir={each}" for each in MIRRORS if each.is_dir()]
    if not configured and not mirrors:
        pytest.skip(f"{NEEDED}: set TF_CLI_CONFIG_FILE")
    code, output = run("init", *([] if configured else mirrors))
    if code:
        pytest.skip(f"{NEEDED}: {output}")
    return run


@pytest.mark.operation(
    "CreateRepository",
    "PutImageTagMutability",
    "SetRepositoryPolicy",
    "PutLifecyclePolicy",
    "PutRegistryPolicy",
    "PutRegistryScanningConfiguration",
    "PutReplicationConfiguration",
    "CreatePullThroughCacheRule",
    "CreateRepositoryCreationTemplate",
    "PutAccountSetting",
)
def test_a_plan_after_an_apply_has_no_changes(terraform, own_sandbox):
    ecr = own_sandbox.client()
    ecr.create_repository(repositoryName="pushed-before")
    upload(ecr, "pushed-before", b"{}")
    digest = image(ecr, "pushed-before", "app", "v1")
    for variables in ({}, {"TF_VAR_scan_rules": "{}"}):
        code, output = terraform("apply", "-auto-approve", **variables)
        assert code == 0, output
        assert digest in output
        code, output = terraform("plan", "-detailed-exitcode", **variables)  # 2: there are changes
        assert code == 0, output
    code, output = terraform("destroy", "-auto-approve")
    assert code == 0, output
    assert [each["repositoryName"] for each in ecr.describe_repositories()["repositories"]] == ["pushed-before"]
