"""The permissions of a user or a role come from all their IAM policies."""

import json

import pytest

from helpers import settings
from helpers.exercises import permissions

ARN = "arn:aws:ecr:us-east-1:123456789012:repository/demo-mine"
LOGIN = {"Action": "ecr:GetAuthorizationToken", "Resource": "*"}
PUSHES = sorted(permissions.PUSH)


def document(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


@pytest.fixture
def iam(plain):
    """IAM of a connected lab, with a user ``ann`` who has no permissions yet."""
    client = plain.client("iam")
    client.create_user(UserName="ann")
    return client


def may_push(lab) -> bool:
    ann = permissions.of_user(lab.client("iam"), "ann")
    return permissions.allowed(ann, "ecr:PutImage", ARN)


def test_an_unknown_name_is_none(plain, iam):
    assert permissions.of_user(plain.client("iam"), "ben") is None


def test_what_no_policy_allows_is_denied(plain, iam):
    assert not may_push(plain)


def test_inline_attached_and_group_policies_count(plain, iam):
    put = document({"Action": "ecr:PutImage", "Resource": ARN})
    iam.put_user_policy(UserName="ann", PolicyName="inline", PolicyDocument=put)
    assert may_push(plain)
    iam.delete_user_policy(UserName="ann", PolicyName="inline")

    arn = iam.create_policy(PolicyName="attached", PolicyDocument=put)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="ann", PolicyArn=arn)
    assert may_push(plain)
    iam.detach_user_policy(UserName="ann", PolicyArn=arn)
    assert not may_push(plain)

    iam.create_group(GroupName="builders")
    iam.put_group_policy(GroupName="builders", PolicyName="inline", PolicyDocument=put)
    iam.add_user_to_group(GroupName="builders", UserName="ann")
    assert may_push(plain)
    iam.delete_group_policy(GroupName="builders", PolicyName="inline")
    iam.attach_group_policy(GroupName="builders", PolicyArn=arn)
    assert may_push(plain)


def test_a_permissions_boundary_limits_the_permissions(plain, iam):
    arn = iam.create_policy(PolicyName="lid", PolicyDocument=document(LOGIN))["Policy"]["Arn"]
    iam.create_user(UserName="cleo", PermissionsBoundary=arn)
    iam.put_user_policy(
        UserName="cleo", PolicyName="all", PolicyDocument=document({"Action": "ecr:*", "Resource": "*"})
    )
    cleo = permissions.of_user(iam, "cleo")
    assert permissions.allowed(cleo, "ecr:GetAuthorizationToken", "*")
    assert not permissions.allowed(cleo, "ecr:PutImage", ARN)
    # An exercise is about the policies: what the boundary forbids is still too much in them.
    assert permissions.beyond(plain, cleo, ARN, *PUSHES) == "ecr:BatchDeleteImage on demo-mine"


def test_permissions_that_a_push_does_not_need_are_found(plain, iam):
    for statements, more in [
        ([{"Action": PUSHES, "Resource": ARN}], ""),
        ([{"Action": [*PUSHES, "ecr:Describe*", "ecr:ListImages"], "Resource": ARN}], ""),
        ([{"Action": PUSHES, "Resource": f"{ARN}*"}], "ecr:CompleteLayerUpload on demo-mine-too"),
        ([{"Action": PUSHES, "Resource": ARN.replace("demo-mine", "*")}], "ecr:CompleteLayerUpload on demo-mine-too"),
        ([{"Action": PUSHES, "Resource": ARN.replace("mine", "*e")}], ""),
        (
            [{"Action": PUSHES, "Resource": ARN.replace("demo-mine", "*a?other*")}],
            "ecr:CompleteLayerUpload on of-another-team",
        ),
        ([{"Action": "ecr:*", "Resource": ARN}], "ecr:BatchDeleteImage on demo-mine"),
        ([{"Action": PUSHES, "Resource": "arn:aws:ecr:us-east-1"}], "ecr:CompleteLayerUpload on demo-mine-too"),
        ([{"Action": [*PUSHES, "ecr:SetRepositoryPolicy"], "Resource": ARN}], "ecr:SetRepositoryPolicy on demo-mine"),
        ([{"NotAction": "ecr:DeleteRepository", "Resource": ARN}], "ecr:BatchDeleteImage on demo-mine"),
        ([{"Action": "ecr:PutRegistryPolicy", "Resource": "*"}], "ecr:PutRegistryPolicy on demo-mine"),
        ([{"Action": "iam:*", "Resource": "*"}], "iam:CreateUser on demo-mine-too"),
    ]:
        iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document(LOGIN, *statements))
        ann = permissions.of_user(iam, "ann")
        assert permissions.beyond(plain, ann, ARN, *PUSHES) == more, statements


def test_a_role_has_its_policies_and_a_trust_policy(plain, iam):
    trust = document({"Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="node", AssumeRolePolicyDocument=trust)
    assert permissions.trusts(plain, "node", "ec2.amazonaws.com")
    assert not permissions.trusts(plain, "node", "ecs-tasks.amazonaws.com")
    iam.attach_role_policy(RoleName="node", PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly")
    node = permissions.of_role(plain.client("iam"), "node")
    assert all(permissions.allowed(node, action, ARN) for action in permissions.PULL)
    assert permissions.beyond(plain, node, ARN, *permissions.PULL) == ""


def test_only_active_access_keys_are_listed(plain, iam):
    assert permissions.keys(plain, "ann") == permissions.keys(plain, "ben") == []
    key = iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]
    assert permissions.keys(plain, "ann") == [key]
    iam.update_access_key(UserName="ann", AccessKeyId=key, Status="Inactive")
    assert permissions.keys(plain, "ann") == []
    assert settings.ACCESS_KEY not in permissions.keys(plain, "ann")


def test_a_role_can_trust_another_account(plain, iam):
    other, own = "999999999999", {"AWS": plain.account}
    trust = document({"Principal": own, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="node", AssumeRolePolicyDocument=trust)
    for who, trusted in [({"AWS": "*"}, True), (own, False)]:
        trust = document({"Principal": who, "Action": "sts:AssumeRole"})
        iam.update_assume_role_policy(RoleName="node", PolicyDocument=trust)
        assert permissions.trusts_account(plain, "node", other) == trusted, who
