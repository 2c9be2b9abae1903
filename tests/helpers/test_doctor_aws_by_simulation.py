"""The doctor's permissions, as IAM's simulator answers: for users and for sessions of roles, with the least policy."""

import json

import boto3
import pytest

from helpers import doctor, doctor_aws, settings

POLICY = json.loads((settings.PROJECT / "docs" / "aws-policy.json").read_text())
CORE = json.loads((settings.PROJECT / "docs" / "aws-policy-core.json").read_text())
ALL_ALLOWED = ["✔ Permissions     everything that the course calls is allowed"]


def without(action: str) -> dict:
    """The least policy without this action."""
    statements = [
        {**each, "Action": [one for one in each["Action"] if one != action]} if action in each["Action"] else each
        for each in POLICY["Statement"]
    ]
    return {**POLICY, "Statement": [each for each in statements if each["Action"]]}


@pytest.fixture
def permissions(on_aws):
    """``permissions(policy)``: what the doctor shows to a user with this policy, or to a session of such a role."""
    iam, sts, made = on_aws.client("iam"), on_aws.client("sts"), []

    def call(document: dict, as_role: bool = False) -> list[str]:
        made.append(name := f"learner-{len(made)}")
        arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]["Arn"]
        if as_role:
            statement = {"Effect": "Allow", "Principal": {"AWS": settings.ACCOUNT}, "Action": "sts:AssumeRole"}
            trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
            role = iam.create_role(RoleName=name, Path="/sso/", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
            key = sts.assume_role(RoleArn=role, RoleSessionName="ann")["Credentials"]
        else:
            iam.create_user(UserName=name)
            iam.attach_user_policy(UserName=name, PolicyArn=arn)
            key = iam.create_access_key(UserName=name)["AccessKey"]
        secrets = key["AccessKeyId"], key["SecretAccessKey"], key.get("SessionToken")
        session = boto3.Session(*secrets, region_name=settings.REGION)
        who = session.client("sts").get_caller_identity()["Arn"]
        found = doctor_aws.permission_rows(session, settings.ACCOUNT, settings.REGION, who)
        return [doctor.line(row) for row in found]

    return call


def test_the_least_policy_is_enough(permissions):
    assert permissions(POLICY) == ALL_ALLOWED


@pytest.mark.parametrize("as_role", [False, True], ids=["user", "session of a role"])
def test_a_missing_permission_is_named(permissions, as_role):
    extra = {"Effect": "Allow", "Action": "iam:GetRole", "Resource": "*"}  # a session asks for the path of its role
    document = without("ecr:PutLifecyclePolicy")
    document["Statement"].append(extra)
    assert permissions(document, as_role) == [
        "✗ Permissions     not possible in ECR: ecr:PutLifecyclePolicy. Fix: attach "
        "AmazonEC2ContainerRegistryFullAccess, for notebook 00 to 15"
    ]


def test_an_explicit_deny_counts(permissions):
    deny = {"Effect": "Deny", "Action": "lambda:CreateFunction", "Resource": "*"}
    found = permissions({**POLICY, "Statement": [*POLICY["Statement"], deny]})
    assert [line.partition(". Fix")[0] for line in found] == [
        "✗ Permissions     not possible in Lambda: lambda:CreateFunction"
    ]


def test_with_the_core_policy_every_service_that_it_limits_is_named(permissions):
    """Of ECR it lacks what notebooks 10 to 15 call."""
    services = [line.split("not possible in ")[1].split(":")[0] for line in permissions(CORE)]
    assert services == ["ECR", "IAM", "Cost Explorer", "ECS", "CloudWatch Logs", "Lambda"]


def test_who_may_not_simulate_gets_what_can_be_tried(permissions):
    [line] = permissions(without("iam:SimulatePrincipalPolicy"))
    assert line == "✔ Permissions     reading works; creating is unknown, because iam:SimulatePrincipalPolicy failed"
