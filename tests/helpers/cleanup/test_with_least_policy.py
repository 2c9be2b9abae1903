"""A learner with one of the policies in docs/ can clean up in an account with things of others."""

import json
import os

import pytest

import helpers
from helpers import settings
from machine.project import ROOT
from tests.helpers.cleanup import one_of_each
from tests.helpers.conftest import _reset_boto
from tests.notebooks import each_permission

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
SOME = ("iam:ListUsers", "iam:DeleteUserPolicy", "ecs:DeleteService")
NO_ENGINE = "images on this machine: The Docker engine is not running. Fix: start it"
TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
NOTHING = {"Effect": "Deny", "Action": "*", "Resource": "*"}


def document(statement: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def read(file: str) -> dict:
    return json.loads((ROOT / "docs" / file).read_text())


@pytest.fixture
def account(on_aws):
    """An administrator's clients of an account with one thing of each kind, which the course did not make."""
    iam = on_aws.client("iam")
    iam.create_user(UserName="of-others")
    iam.create_role(RoleName="of-others", AssumeRolePolicyDocument=document(TRUST))
    iam.create_policy(PolicyName="of-others", PolicyDocument=document(NOTHING))
    on_aws.client().create_repository(repositoryName="of-others")
    on_aws.client("ecr-public").create_repository(repositoryName="of-others")
    on_aws.client("ecs").create_cluster(clusterName="of-others")
    on_aws.client("logs").create_log_group(logGroupName="/ecs/of-others")
    return on_aws


@pytest.fixture
def learner(on_aws, monkeypatch):
    """A function that gives the learner a policy, and connects with the learner's key; without a policy, with ours."""
    iam, keys = on_aws.client("iam"), {name: os.environ[name] for name in KEYS}
    iam.create_user(UserName="learner")
    key = iam.create_access_key(UserName="learner")["AccessKey"]
    policy = iam.create_policy(PolicyName="course", PolicyDocument=document(NOTHING))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="learner", PolicyArn=policy)

    def connect(allowed: dict | None = None):
        if allowed:
            text, old = json.dumps(allowed), iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"]
            iam.create_policy_version(PolicyArn=policy, PolicyDocument=text, SetAsDefault=True)
            iam.delete_policy_version(PolicyArn=policy, VersionId=old)
        theirs = dict(zip(KEYS, (key["AccessKeyId"], key["SecretAccessKey"]), strict=True)) if allowed else keys
        for name, value in theirs.items():
            monkeypatch.setitem(os.environ, name, value)
        _reset_boto()
        return helpers.connect()

    return connect


@pytest.mark.parametrize("file", ["aws-policy.json", "aws-policy-core.json"])
def test_what_others_made_is_no_problem(account, learner, file):
    account.client().create_repository(repositoryName="demo-app-repo", tags=[settings.TAG])
    outcome = learner(read(file)).clean_up()
    assert outcome["repositories"] == ["demo-app-repo"]
    assert [each for each in outcome["problems"] if "allowed" in each] == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_each_missing_permission_is_named(learner, soak):
    """What the clean-up cannot list or delete is reported with the action, and the rest is deleted."""
    whole, unnamed = read("aws-policy.json"), []
    for action in one_of_each.ACTIONS if soak else SOME:
        one_of_each.make(learner().client)
        problems = learner(each_permission.less(whole, action)).clean_up()["problems"]
        unnamed += [] if any(f"{action} is not allowed" in each for each in problems) else [action]
        assert learner().clean_up()["problems"] == [NO_ENGINE]
    assert unnamed == []
