"""IAM: users, roles, policies, and why a call was refused."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.console.pages import Console, text

TASKS = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [TASKS]})


def made_policy(sandbox, allowed: str, *others: tuple[str, str]) -> str:
    """A managed policy that allows an action, and has more statements of effect and action; its ARN."""
    statements = [{"Effect": effect, "Action": each, "Resource": "*"} for effect, each in (("Allow", allowed), *others)]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    name = f"policy-{uuid.uuid4().hex[:8]}"
    return sandbox.client("iam").create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]


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


def test_a_permissions_boundary_that_does_not_allow(console, sandbox, person):
    person.may({"Action": "ecr:*", "Resource": "*"})
    arn = made_policy(sandbox, "ecr:DescribeImages")
    console.post(f"/iam/users/{person.name}", boundary=arn)
    with pytest.raises(ClientError):
        person.client().describe_repositories()
    first = console.get("/iam/access-denied").split('<section class="panel"')[1]
    assert "because no permissions boundary allows the ecr:DescribeRepositories action" in text(first)
    assert "A statement for the permissions boundary" in text(first)
    assert '"Resource": "arn:aws:ecr:us-east-1:123456789012:repository/*"' in text(first)


def test_a_statement_of_a_permissions_boundary_that_denies(console, sandbox, person):
    person.may({"Action": "ecr:*", "Resource": "*"})
    arn = made_policy(sandbox, "ecr:*", ("Deny", "ecr:Describe*"))
    console.post(f"/iam/users/{person.name}", boundary=arn)
    with pytest.raises(ClientError):
        person.client().describe_repositories()
    assert "Denied by statement 2 of the permissions boundary" in text(console.get("/iam/access-denied"))


def test_a_repository_policy_that_denies(console, sandbox, person, repository):
    person.may({"Action": "ecr:*", "Resource": "*"})
    deny = {"Effect": "Deny", "Principal": {"AWS": person.arn}, "Action": "ecr:ListImages"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    sandbox.client().set_repository_policy(repositoryName=repository, policyText=document)
    with pytest.raises(ClientError):
        person.client().list_images(repositoryName=repository)
    assert "Denied by statement 1 of the resource-based policy" in text(console.get("/iam/access-denied"))


def test_a_repository_of_another_account_needs_its_policy_too(console, sandbox, repository):
    other = sandbox.client("ecr", key=("AKIAI44QH8DHBEXAMPLE", "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"))
    with pytest.raises(ClientError):
        other.list_images(repositoryName=repository, registryId="123456789012")
    console.switch("arn:aws:iam::111122223333:user/administrator")
    first = text(console.get("/iam/access-denied").split('<section class="panel"')[1])
    assert "The policy of the resource, which belongs to another account, must allow it." in first
    assert '"Principal": { "AWS": "arn:aws:iam::111122223333:user/administrator" }' in first


def test_a_role_whose_session_lacks_an_action(console, sandbox, repository):
    name = f"role-{uuid.uuid4().hex[:8]}"
    console.post("/iam/roles", name=name, trusted="123456789012")
    own = Console(sandbox)
    own.switch(f"arn:aws:iam::123456789012:role/{name}")
    own.get("/ecr/private-registry/repositories", 400)
    first = text(console.get("/iam/access-denied").split('<section class="panel"')[1])
    assert f"assumed-role/{name}/console is not authorized to perform: ecr:DescribeRepositories" in first
    assert '"Action": "ecr:DescribeRepositories"' in first


def test_a_role_that_does_not_trust_the_caller(console, sandbox):
    name = f"role-{uuid.uuid4().hex[:8]}"
    console.post("/iam/roles", name=name, trusted="lambda.amazonaws.com")
    with pytest.raises(ClientError):
        arn = f"arn:aws:iam::123456789012:role/{name}"
        sandbox.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")
    first = text(console.get("/iam/access-denied").split('<section class="panel"')[1])
    assert "The trust policy of the role must allow it." in first
    assert '"Action": "sts:AssumeRole"' in first


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


def test_an_inline_policy_is_edited(console, sandbox, person):
    person.may({"Action": "ecr:DescribeImages", "Resource": "*"})
    [policy] = sandbox.client("iam").list_user_policies(UserName=person.name)["PolicyNames"]
    page = console.get(f"/iam/users/{person.name}", edit=policy)
    assert "Edit inline policy" in page and f'value="{policy}"' in page
    assert "ecr:DescribeImages" in page.partition("<textarea")[2]
