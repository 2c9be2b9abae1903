"""What the forms of IAM change: users, groups, roles, access keys, boundaries and managed policies."""

import html
import json
import re
import uuid

import pytest

from tests.sandbox.console.pages import Console, text
from tests.sandbox.console.test_iam import made_policy

PULL_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}]})


@pytest.fixture
def name() -> str:
    """A new name of a user, a group, a role or a policy."""
    return f"test-{uuid.uuid4().hex[:8]}"


def test_an_access_key_is_shown_once_and_works(console, sandbox, person):
    page = f"/iam/users/{person.name}"
    shown = console.post(page, action="create-key")
    key, secret = (
        html.unescape(each) for each in re.findall(r'data-copy="([^"]+)" aria-label="Copy the (?:access|secret)', shown)
    )
    assert "is shown this once" in text(shown) and "aws iam create-access-key" in text(shown)
    assert sandbox.client("sts", key=(key, secret)).get_caller_identity()["Arn"] == person.arn
    assert key in console.get(page) and secret not in console.get(page)


def test_an_access_key_is_deactivated_activated_and_deleted(console, sandbox, person):
    page, key, iam = f"/iam/users/{person.name}", person.key[0], sandbox.client("iam")
    assert f"The access key {key} is inactive." in text(console.post(page, deactivate=key))
    assert iam.list_access_keys(UserName=person.name)["AccessKeyMetadata"][0]["Status"] == "Inactive"
    assert f"The access key {key} is active." in text(console.post(page, activate=key))
    assert "No access keys" in text(console.post(page, delete_key=key))
    assert iam.list_access_keys(UserName=person.name)["AccessKeyMetadata"] == []


def test_a_third_access_key_is_refused(console, person):
    page = f"/iam/users/{person.name}"
    console.post(page, action="create-key")
    assert "LimitExceeded" in text(console.post(page, 409, action="create-key"))


def test_a_group_gives_its_policies_to_its_users(console, sandbox, person, repository, name):
    assert f"The user group {name} was created." in text(console.post("/iam/groups", name=name))
    page = f"/iam/groups/{name}"
    console.post(page, attach="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly")
    assert f"Added {person.name}." in text(console.post(page, add_user=person.name))
    other = Console(sandbox)
    other.switch(person.arn)
    assert repository in other.get("/ecr/private-registry/repositories")
    assert name in text(console.get(f"/iam/users/{person.name}"))
    assert f"Removed from {name}." in text(console.post(f"/iam/users/{person.name}", remove_group=name))
    other.get("/ecr/private-registry/repositories", 400)
    assert "Saved the inline policy own." in text(console.post(page, policy_name="own", document=DOCUMENT))
    assert f"Added to {name}." in text(console.post(f"/iam/users/{person.name}", add_group=name))
    assert "aws iam delete-group --group-name" in text(console.post(f"{page}/_/delete", confirmation=name))
    assert "NoSuchEntity" in text(console.get(page, 404))


def test_a_role_with_its_trust_policy(console, sandbox, name):
    shown = text(console.post("/iam/roles", name=name, trusted="ecs-tasks.amazonaws.com"))
    assert '"Service": "ecs-tasks.amazonaws.com"' in shown
    page, iam = f"/iam/roles/{name}", sandbox.client("iam")
    statement = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
    console.post(page, trust=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"] == [statement]
    refused = console.post(page, 400, trust="{oops")
    assert "MalformedPolicyDocument" in text(refused) and "{oops</textarea>" in refused
    console.post(page, attach=PULL_ONLY)
    assert f"The role {name} was deleted." in text(console.post(f"{page}/_/delete", confirmation=name))
    assert "NoSuchEntity" in text(console.get(page, 404))


def test_a_role_that_is_not_valid(console, name):
    assert "MalformedPolicyDocument" in text(console.post("/iam/roles", 400, name=name, trusted="nowhere.example"))


def test_a_user_is_deleted_with_what_depends_on_it(console, sandbox, person, name):
    iam, page = sandbox.client("iam"), f"/iam/users/{person.name}"
    iam.create_group(GroupName=name)
    iam.add_user_to_group(GroupName=name, UserName=person.name)
    person.may({"Action": "ecr:*", "Resource": "*"})
    console.post(page, attach=PULL_ONLY)
    assert "aws iam delete-access-key" in text(console.get(f"{page}/_/delete"))
    assert f"To confirm, enter {person.name}." in text(console.post(f"{page}/_/delete", 400, confirmation="delete"))
    shown = text(console.post(f"{page}/_/delete", confirmation=person.name))
    assert f"The user {person.name} was deleted." in shown
    assert "NoSuchEntity" in text(console.get(page, 404))


def test_a_boundary_is_set_and_removed(console, sandbox, person):
    page, arn = f"/iam/users/{person.name}", made_policy(sandbox, "ecr:Describe*")
    assert f"Permissions boundary {arn}" in text(console.post(page, boundary=arn))
    assert "Permissions boundary Not set" in text(console.post(page, action="remove-boundary"))


def test_a_managed_policy_is_created_edited_and_deleted(console, sandbox, person, name):
    arn = f"arn:aws:iam::123456789012:policy/{name}"
    assert name in text(console.post("/iam/policies", name=name, document=DOCUMENT))
    page, delete = f"/iam/policies/{arn}", "/iam/delete-policy"
    edited = DOCUMENT.replace("ecr:*", "ecr:DescribeImages")
    assert '"ecr:DescribeImages"' in text(console.post(page, document=edited))
    assert sandbox.client("iam").get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    console.post(f"/iam/users/{person.name}", attach=arn)
    assert person.name in text(console.get(page))
    assert "DeleteConflict" in text(console.post(delete, 409, arn=arn, confirmation=name))
    console.post(f"/iam/users/{person.name}", detach=arn)
    assert f"To confirm, enter {name}." in text(console.post(delete, 400, arn=arn))
    assert f"The policy {name} was deleted." in text(console.post(delete, arn=arn, confirmation=name))
    assert "NoSuchEntity" in text(console.get(page, 404))


def test_a_managed_policy_that_is_not_valid(console, name):
    refused = console.post("/iam/policies", 400, name=name, document="{oops")
    assert "MalformedPolicyDocument" in text(refused) and "{oops</textarea>" in refused


def test_a_policy_of_aws_has_no_form(console):
    assert ">Delete<" not in console.get(f"/iam/policies/{PULL_ONLY}")


@pytest.mark.parametrize(
    ("path", "form", "action"),
    [
        ("/iam/groups", {"name": "team"}, "iam:CreateGroup"),
        ("/iam/roles", {"name": "app", "trusted": "ecs-tasks.amazonaws.com"}, "iam:CreateRole"),
        ("/iam/policies", {"name": "own", "document": DOCUMENT}, "iam:CreatePolicy"),
        ("/iam/users/shown", {"action": "create-key"}, "iam:CreateAccessKey"),
        ("/iam/users/shown/_/delete", {"confirmation": "shown"}, "iam:DeleteUser"),
    ],
)
def test_a_user_who_may_only_read(console, sandbox, person, path, form, action):
    person.may({"Action": ["iam:Get*", "iam:List*"], "Resource": "*"})
    iam = sandbox.client("iam")
    if path.startswith("/iam/users/shown") and "shown" not in [each["UserName"] for each in iam.list_users()["Users"]]:
        iam.create_user(UserName="shown")
    console.switch(person.arn)
    assert f"{person.arn} is not authorized to perform: {action}" in text(console.post(path, 403, **form))
