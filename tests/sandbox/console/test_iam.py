"""IAM: users, roles, policies, and why a call was refused."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.console.pages import Console, text

TASKS = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [TASKS]})


def test_a_user_with_policies_groups_and_keys(console, sandbox, person):
    person.may({"Action": "ecr:DescribeImages", "Resource": "*"})
    iam, group = sandbox.client("iam"), f"group-{uuid.uuid4().hex[:8]}"
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=person.name)
    iam.attach_user_policy(UserName=person.name, PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly")
    assert person.name in text(console.get("/iam/users"))
    shown = text(console.get(f"/iam/users/{person.name}"))
    for each in (person.arn, person.key[0], group, "AmazonEC2ContainerRegistryPullOnly", '"ecr:DescribeImages"'):
        assert each in shown
    assert person.key[1] not in shown
    assert "NoSuchEntity" in text(console.get("/iam/users/nobody", 404))


def test_a_role_with_its_trust_policy(console, sandbox):
    name = f"role-{uuid.uuid4().hex[:8]}"
    sandbox.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    assert f"{name} ecs-tasks.amazonaws.com" in text(console.get("/iam/roles"))
    shown = text(console.get(f"/iam/roles/{name}"))
    assert '"Service": "ecs-tasks.amazonaws.com"' in shown
    assert "No policies: every call is refused." in shown


def test_policies(console, sandbox):
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}]}
    name = f"policy-{uuid.uuid4().hex[:8]}"
    made = sandbox.client("iam").create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]
    listed = text(console.get("/iam/policies"))
    assert name in listed and "AmazonEC2ContainerRegistryPowerUser" in listed
    assert '"ecr:*"' in text(console.get(f"/iam/policies/{made['Arn']}"))


def test_why_a_call_was_refused(console, sandbox, person, repository):
    person.may({"Action": "ecr:*", "Resource": "*"})
    person.policy("Deny", {"Action": "ecr:Put*", "Resource": "*"}, {"Action": "ecr:DeleteRepository", "Resource": "*"})
    with pytest.raises(ClientError):
        person.client().delete_repository(repositoryName=repository)
    with pytest.raises(ClientError):
        person.client("iam").list_users()
    missing, denied = console.get("/iam/access-denied").split('<section class="panel"')[1:3]
    assert f"User: {person.arn} is not authorized to perform: iam:ListUsers" in text(missing)
    assert '"Action": "iam:ListUsers"' in text(missing)
    assert "Denied by statement 2 of the identity-based policy Deny ." in text(denied)


def test_a_push_that_was_refused(console, sandbox, person, repository):
    person.login(sandbox.registry)
    with pytest.raises(AssertionError):
        person.run(f"docker pull {sandbox.registry}/{repository}:v1")
    assert "perform: ecr:BatchGetImage" in text(console.get("/iam/access-denied"))


def test_the_refusals_of_another_account_are_not_shown(console, sandbox):
    other = sandbox.client("ecr", key=("AKIAI44QH8DHBEXAMPLE", "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"))
    with pytest.raises(ClientError):
        other.describe_repositories(registryId="123456789012")
    assert "arn:aws:iam::111122223333:user/administrator is not" not in text(console.get("/iam/access-denied"))
    console.switch("arn:aws:iam::111122223333:user/administrator")
    assert "arn:aws:iam::111122223333:user/administrator is not" in text(console.get("/iam/access-denied"))


def test_a_user_is_created_and_gets_and_loses_permissions(console, sandbox, repository):
    name, iam = f"user-{uuid.uuid4().hex[:8]}", sandbox.client("iam")
    shown = text(console.post("/iam/users", name=name))
    assert f"The user {name} was created." in shown and "No policies" in shown
    page, arn = f"/iam/users/{name}", "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
    assert "aws iam attach-user-policy" in text(console.post(page, attach=arn))
    [attached] = iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
    assert attached["PolicyArn"] == arn
    other = Console(sandbox)
    other.switch(f"arn:aws:iam::123456789012:user/{name}")
    assert repository in other.get("/ecr/private-registry/repositories")
    console.post(page, detach=arn)
    other.get("/ecr/private-registry/repositories", 400)
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}]}
    )
    assert "Saved the inline policy own." in text(console.post(page, policy_name="own", document=document))
    assert repository in other.get("/ecr/private-registry/repositories")
    assert "Deleted the inline policy own." in text(console.post(page, remove="own"))
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == []


def test_a_policy_of_iam_that_is_not_valid(console, sandbox, person):
    page = console.post(f"/iam/users/{person.name}", 400, policy_name="own", document='{"Statement": oops')
    assert "MalformedPolicyDocument" in text(page)
    assert "oops</textarea>" in page
    assert "EntityAlreadyExists" in text(console.post("/iam/users", 409, name=person.name))


def test_a_user_is_deleted_with_its_keys_groups_and_policies(console, sandbox, person):
    iam, group = sandbox.client("iam"), f"group-{uuid.uuid4().hex[:8]}"
    person.may({"Action": "ecr:*", "Resource": "*"})
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=person.name)
    page = f"/iam/users/{person.name}/_/delete"
    assert "aws iam delete-access-key" in text(console.get(page))
    assert f"To confirm, enter {person.name}." in text(console.post(page, 400, confirmation="delete"))
    assert f"The user {person.name} was deleted." in text(console.post(page, confirmation=person.name))
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_user(UserName=person.name)


def test_a_role_is_deleted_with_its_policies(console, sandbox):
    iam, name = sandbox.client("iam"), f"role-{uuid.uuid4().hex[:8]}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly")
    assert f"The role {name} was deleted." in text(console.post(f"/iam/roles/{name}/_/delete", confirmation=name))
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName=name)


def test_an_inline_policy_is_edited(console, sandbox, person):
    person.may({"Action": "ecr:DescribeImages", "Resource": "*"})
    [policy] = sandbox.client("iam").list_user_policies(UserName=person.name)["PolicyNames"]
    page = console.get(f"/iam/users/{person.name}", edit=policy)
    assert "Edit inline policy" in page and f'value="{policy}"' in page
    assert "ecr:DescribeImages" in page.partition("<textarea")[2]
