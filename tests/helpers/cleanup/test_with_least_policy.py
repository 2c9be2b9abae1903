"""A learner with one of the policies in docs/ can clean up in an account with things of others."""

import json
import os

import pytest

import helpers
from helpers import settings
from machine.project import ROOT
from tests.helpers.conftest import _reset_boto

TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
NOTHING = {"Effect": "Deny", "Action": "*", "Resource": "*"}


def document(statement: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


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


@pytest.mark.parametrize("file", ["aws-policy.json", "aws-policy-core.json"])
def test_what_others_made_is_no_problem(account, monkeypatch, file):
    iam = account.client("iam")
    iam.create_user(UserName="learner")
    policy = iam.create_policy(PolicyName="course", PolicyDocument=(ROOT / "docs" / file).read_text())["Policy"]
    iam.attach_user_policy(UserName="learner", PolicyArn=policy["Arn"])
    key = iam.create_access_key(UserName="learner")["AccessKey"]
    account.client().create_repository(repositoryName="demo-app-repo", tags=[settings.TAG])
    monkeypatch.setitem(os.environ, "AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setitem(os.environ, "AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    _reset_boto()
    outcome = helpers.connect().clean_up()
    assert outcome["repositories"] == ["demo-app-repo"]
    assert [each for each in outcome["problems"] if "allowed" in each] == []
