"""A learner with docs/aws-policy.json can do what lessons do, and cannot get more permissions than that."""

import json
import os
from unittest import mock

import boto3
import pytest
from botocore.exceptions import ClientError

from machine.project import ROOT

ACCOUNT = "123456789012"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/demo-boundary"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
BY_POLICY, BY_DENY = "because no identity-based policy allows the {} action", "with an explicit deny"


class Learner:
    """boto3 clients with the key of a user who has docs/aws-policy.json, and those of the account's administrator."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.administrator = sandbox.client("iam")
        text = (ROOT / "docs" / "aws-boundary.json").read_text()
        self.administrator.create_policy(PolicyName="demo-boundary", PolicyDocument=text)
        self.administrator.create_user(UserName="learner")
        policy = (ROOT / "docs" / "aws-policy.json").read_text()
        made = self.administrator.create_policy(PolicyName="course", PolicyDocument=policy)["Policy"]
        self.administrator.attach_user_policy(UserName="learner", PolicyArn=made["Arn"])
        self.key = self.administrator.create_access_key(UserName="learner")["AccessKey"]

    def client(self, service: str, key: dict | None = None):
        """A client with this key; with the learner's by default."""
        key = key or self.key
        names = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        token = {"aws_session_token": key["SessionToken"]} if "SessionToken" in key else {}
        with mock.patch.dict(os.environ, self.sandbox.environ, clear=True):
            return boto3.session.Session().client(service, **names, **token)


@pytest.fixture(scope="module")
def learner(ecr_sandbox_session):
    return Learner(ecr_sandbox_session)


def trust(who: dict) -> str:
    statement = {"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refused(call, **parameters) -> str:
    """The message of a call that IAM denies."""
    with pytest.raises(ClientError, match="is not authorized to perform") as refusal:
        call(**parameters)
    return refusal.value.response["Error"]["Message"]


def test_lessons_create_users_and_roles_and_these_stay_inside_the_course(learner):
    """Whatever is attached: neither the user nor the role can do more than the boundary."""
    iam, ecr = learner.client("iam"), learner.sandbox.client("ecr")
    for name in ("demo-mine", "production"):
        ecr.create_repository(repositoryName=name)
    iam.create_user(UserName="demo-user", PermissionsBoundary=BOUNDARY)
    iam.attach_user_policy(UserName="demo-user", PolicyArn=ADMINISTRATOR)
    key = iam.create_access_key(UserName="demo-user")["AccessKey"]
    iam.create_role(
        RoleName="demo-role", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}), PermissionsBoundary=BOUNDARY
    )
    iam.put_role_policy(RoleName="demo-role", PolicyName="all", PolicyDocument=EVERYTHING)
    role = f"arn:aws:iam::{ACCOUNT}:role/demo-role"
    session = learner.client("sts").assume_role(RoleArn=role, RoleSessionName="attack")["Credentials"]
    for credentials in (key, session):
        theirs = learner.client("ecr", credentials)
        assert theirs.describe_images(repositoryName="demo-mine")["imageDetails"] == []
        outside = "because no permissions boundary allows the {} action"
        said = refused(theirs.delete_repository, repositoryName="production")
        assert said.endswith(outside.format("ecr:DeleteRepository"))
        said = refused(learner.client("iam", credentials).create_user, UserName="demo-more")
        assert said.endswith(outside.format("iam:CreateUser"))


@pytest.mark.parametrize("boundary", [{}, {"PermissionsBoundary": ADMINISTRATOR}])
def test_a_user_or_role_without_the_boundary_is_not_created(learner, boundary):
    iam = learner.client("iam")
    said = refused(iam.create_user, UserName="demo-x", **boundary)
    assert said.endswith(BY_POLICY.format("iam:CreateUser"))
    said = refused(iam.create_role, RoleName="demo-x", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}), **boundary)
    assert said.endswith(BY_POLICY.format("iam:CreateRole"))


def test_a_policy_named_like_the_boundary_in_a_folder_is_not_the_boundary(learner):
    iam = learner.client("iam")
    folder = iam.create_policy(PolicyName="demo-boundary-2", Path="/demo-x/", PolicyDocument=EVERYTHING)["Policy"]
    said = refused(iam.create_user, UserName="demo-x", PermissionsBoundary=folder["Arn"])
    assert said.endswith(BY_POLICY.format("iam:CreateUser"))


@pytest.mark.parametrize("name", ["demo-of-others", "learner"])
@pytest.mark.parametrize("kind", ["user", "role"])
def test_users_and_roles_without_the_boundary_get_no_permissions(learner, name, kind):
    iam, who = learner.client("iam"), {f"{kind.title()}Name": name}
    if (name, kind) != ("learner", "user"):
        create = getattr(learner.administrator, f"create_{kind}")
        create(**who, **({"AssumeRolePolicyDocument": trust({"AWS": ACCOUNT})} if kind == "role" else {}))
    said = refused(getattr(iam, f"attach_{kind}_policy"), **who, PolicyArn=ADMINISTRATOR)
    assert said.endswith(BY_POLICY.format(f"iam:Attach{kind.title()}Policy"))
    said = refused(getattr(iam, f"put_{kind}_policy"), **who, PolicyName="all", PolicyDocument=EVERYTHING)
    assert said.endswith(BY_POLICY.format(f"iam:Put{kind.title()}Policy"))


def test_who_may_use_a_role_changes_only_for_roles_of_the_course(learner):
    """Not for a foreign role with a name of the course, nor for another name that has the tag."""
    iam, tag = learner.client("iam"), {"Key": "made-by", "Value": "learn-amazon-ecr"}
    for name, tags in (("demo-foreign", []), ("demo-theirs", [{**tag, "Value": "somebody-else"}]), ("tagged", [tag])):
        document = trust({"Service": "ec2.amazonaws.com"})
        made = learner.administrator.create_role(RoleName=name, AssumeRolePolicyDocument=document, Tags=tags)
        said = refused(iam.update_assume_role_policy, RoleName=name, PolicyDocument=trust({"AWS": ACCOUNT}))
        assert said.endswith(BY_POLICY.format("iam:UpdateAssumeRolePolicy"))
        assume = learner.client("sts").assume_role
        assert made["Role"]["Arn"] in refused(assume, RoleArn=made["Role"]["Arn"], RoleSessionName="attack")


def test_a_role_with_another_trust_policy_stays_inside_the_course(learner):
    iam, tag = learner.client("iam"), {"Key": "made-by", "Value": "learn-amazon-ecr"}
    document = trust({"Service": "ecs-tasks.amazonaws.com"})
    named = {"RoleName": "demo-delivery", "PermissionsBoundary": BOUNDARY, "Tags": [tag]}
    role = iam.create_role(**named, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.put_role_policy(RoleName="demo-delivery", PolicyName="all", PolicyDocument=EVERYTHING)
    iam.update_assume_role_policy(RoleName="demo-delivery", PolicyDocument=trust({"AWS": ACCOUNT}))
    session = learner.client("sts").assume_role(RoleArn=role, RoleSessionName="attack")["Credentials"]
    theirs = learner.client("iam", session)
    outside = "because no permissions boundary allows the {} action"
    said = refused(theirs.update_assume_role_policy, RoleName="demo-delivery", PolicyDocument=document)
    assert said.endswith(outside.format("iam:UpdateAssumeRolePolicy"))
    said = refused(theirs.attach_user_policy, UserName="learner", PolicyArn=ADMINISTRATOR)
    assert said.endswith(outside.format("iam:AttachUserPolicy"))


@pytest.mark.parametrize("kind", ["user", "role"])
def test_the_boundary_stays_on_users_and_roles(learner, kind):
    iam, who = learner.client("iam"), {f"{kind.title()}Name": f"demo-bounded-{kind}"}
    trusted = {"AssumeRolePolicyDocument": trust({"AWS": ACCOUNT})} if kind == "role" else {}
    getattr(iam, f"create_{kind}")(**who, **trusted, PermissionsBoundary=BOUNDARY)
    said = refused(getattr(iam, f"delete_{kind}_permissions_boundary"), **who)
    assert said.endswith(BY_POLICY.format(f"iam:Delete{kind.title()}PermissionsBoundary"))
    said = refused(getattr(iam, f"put_{kind}_permissions_boundary"), **who, PermissionsBoundary=ADMINISTRATOR)
    assert said.endswith(BY_POLICY.format(f"iam:Put{kind.title()}PermissionsBoundary"))


def test_the_text_of_the_boundary_stays(learner):
    iam = learner.client("iam")
    attacks = [
        (iam.create_policy_version, {"PolicyDocument": EVERYTHING, "SetAsDefault": True}),
        (iam.set_default_policy_version, {"VersionId": "v1"}),
        (iam.delete_policy_version, {"VersionId": "v1"}),
        (iam.delete_policy, {}),
        (iam.tag_policy, {"Tags": [{"Key": "made-by", "Value": "learn-amazon-ecr"}]}),
    ]
    for call, parameters in attacks:
        assert BY_DENY in refused(call, PolicyArn=BOUNDARY, **parameters)
    assert BY_DENY in refused(iam.create_policy, PolicyName="demo-boundary", PolicyDocument=EVERYTHING)


@pytest.mark.parametrize(
    "operation, parameters",
    [
        ("create_policy_version", {"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/course", "PolicyDocument": EVERYTHING}),
        ("create_access_key", {"UserName": "administrator"}),
        ("create_login_profile", {"UserName": "demo-any", "Password": "a-Pass-word-1"}),
        ("create_group", {"GroupName": "demo-any"}),
        ("add_user_to_group", {"GroupName": "demo-any", "UserName": "learner"}),
        ("create_service_linked_role", {"AWSServiceName": "lambda.amazonaws.com"}),
        ("create_instance_profile", {"InstanceProfileName": "demo-any"}),
    ],
)
def test_no_other_way_of_iam_is_open(learner, operation, parameters):
    action = "iam:" + "".join(part.title() for part in operation.split("_"))
    said = refused(getattr(learner.client("iam"), operation), **parameters)
    assert said.endswith(BY_POLICY.format(action))


def test_a_role_is_passed_to_the_services_of_the_lessons_only(learner):
    iam, role = learner.client("iam"), f"arn:aws:iam::{ACCOUNT}:role/demo-task"
    iam.create_role(
        RoleName="demo-task",
        AssumeRolePolicyDocument=trust({"Service": "ecs-tasks.amazonaws.com"}),
        PermissionsBoundary=BOUNDARY,
    )
    task = {"family": "demo-app", "containerDefinitions": [{"name": "app", "image": "app"}], "networkMode": "awsvpc"}
    task |= {"requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
    learner.client("ecs").register_task_definition(**task, executionRoleArn=role)
    learner.administrator.create_role(RoleName="power", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    power = f"arn:aws:iam::{ACCOUNT}:role/power"
    said = refused(learner.client("ecs").register_task_definition, **task, taskRoleArn=power)
    assert said.endswith(BY_POLICY.format("iam:PassRole"))
    assert power in refused(learner.client("sts").assume_role, RoleArn=power, RoleSessionName="attack")
    policy = json.loads((ROOT / "docs" / "aws-policy.json").read_text())
    [passing] = [each for each in policy["Statement"] if "iam:PassRole" in each["Action"]]
    services = ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": services}}
