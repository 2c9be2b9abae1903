"""The workflow `aws`: a maintainer's account is used without stored keys and always cleaned up; its steps really run.

They run on a private machine where AWS's names lead to a sandbox, as a role with the policy of docs/. Not tried is what
GitHub does: the actions, and the exchange of its token for the role's credentials.
"""

import json
import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml

from machine import newer_engine, rehearse
from machine.project import ROOT
from tests.machine.test_private_machine import WHY_NOT

TEXT = (ROOT / ".github" / "workflows" / "aws.yml").read_text()
JOB = yaml.safe_load(TEXT)["jobs"]["notebooks"]
STEPS = JOB["steps"]
CREDENTIALS = [step for step in STEPS if "aws-actions/configure-aws-credentials@" in step.get("uses", "")]
ROLE = "learn-amazon-ecr"
VALUES = {
    "${{ vars.ECR_TUTORIAL_CONFIRM }}": rehearse.ACCOUNT,
    "${{ inputs.tests || 'notebooks' }}": "notebooks/04_create_a_repository.ipynb",
}
# In place of configure-aws-credentials: the same role and variables, by the key of a user.
ASSUME_ROLE = f"""
trust='{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "{rehearse.ACCOUNT}"}},
    "Action": "sts:AssumeRole"}}]}}'
policy=$(aws iam create-policy --policy-name {ROLE} --policy-document file://docs/aws-policy.json \
    --query Policy.Arn --output text)
arn=$(aws iam create-role --role-name {ROLE} --assume-role-policy-document "$trust" --query Role.Arn --output text)
aws iam attach-role-policy --role-name {ROLE} --policy-arn "$policy"
sleep 10  # until AWS applies this
session=$(aws sts assume-role --role-arn "$arn" --role-session-name GitHubActions \
    --query 'Credentials.[AccessKeyId, SecretAccessKey, SessionToken]' --output text)
read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN <<< "$session"
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
export AWS_REGION={rehearse.REGION} AWS_DEFAULT_REGION={rehearse.REGION}
unset AWS_PROFILE ECR_TUTORIAL_OTHER_PROFILE
"""


def script() -> str:
    """The steps after `make setup` as one script, with the variables of the job and a role's credentials."""
    variables = (f"export {name}={shlex.quote(VALUES.get(value, value))}" for name, value in JOB["env"].items())
    commands = [step["run"] for step in STEPS if step.get("run", "make setup") != "make setup"]
    return "\n".join(["set -eo pipefail", ASSUME_ROLE, *variables, *commands])


def test_it_runs_only_in_a_repository_with_the_variable():
    assert JOB["if"] == "vars.ECR_TUTORIAL_CONFIRM != ''"


def test_it_has_a_role_and_no_stored_keys():
    assert JOB["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets." not in TEXT
    for step in CREDENTIALS:
        assert step["with"]["role-to-assume"] == "${{ vars.AWS_ROLE_ARN }}"
        assert step["with"]["allowed-account-ids"] == JOB["env"]["ECR_TUTORIAL_CONFIRM"]
        assert not any("key" in name for name in step["with"])


def test_two_runs_are_never_in_the_account_at_once():
    assert yaml.safe_load(TEXT)["concurrency"] == {"group": "aws", "cancel-in-progress": False}


def test_it_always_cleans_up_at_the_end_with_fresh_credentials():
    *_, credentials, clean_up = STEPS
    assert credentials in CREDENTIALS
    assert credentials["if"] == clean_up["if"] == "always()"
    assert clean_up["run"] == ".venv/bin/ecr-lab cleanup"


def test_contributing_has_the_trust_policy_of_the_role():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    documents = [json.loads(found) for found in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    (statement,) = next(each["Statement"] for each in documents if "token.actions" in json.dumps(each))
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    host = "token.actions.githubusercontent.com"
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{host}"}
    assert statement["Condition"] == {
        "StringEquals": {
            f"{host}:aud": "sts.amazonaws.com",
            f"{host}:sub": "repo:OWNER/learn-amazon-ecr:ref:refs/heads/main",
        }
    }


@pytest.mark.soak
@pytest.mark.skipif(
    bool(WHY_NOT or newer_engine.missing()), reason=f"no private machine here: {WHY_NOT or newer_engine.missing()}"
)
def test_its_steps_pass_as_a_role_and_leave_nothing(soak):
    if not soak:
        pytest.skip("make soak runs the steps of the workflow: about a minute")
    command = rehearse.on_a_private_machine(["bash", "-c", script()])
    got = subprocess.run(
        [sys.executable, "-m", "machine.newer_engine", *command],
        cwd=ROOT,
        env=os.environ | {"PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])},
        capture_output=True,
        text=True,
    )
    assert got.returncode == 0, got.stdout + got.stderr
    assert " passed" in got.stdout and " failed" not in got.stdout
    assert f"you are arn:aws:sts::{rehearse.ACCOUNT}:assumed-role/{ROLE}/GitHubActions" in got.stdout
