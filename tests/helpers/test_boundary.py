"""A user of the course can do nothing outside of it, whatever is attached to the user."""

import json

import pytest

from ecr_sandbox import SandboxError
from helpers import boundary, impersonate, ledger, settings
from helpers.cleanup import everything, kinds

ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
FULL = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryFullAccess"


def test_a_user_with_full_access_stays_inside_the_course(on_aws):
    ecr, iam = on_aws.client(), on_aws.client("iam")
    for name in ("demo-app-repo", "production"):
        ecr.create_repository(repositoryName=name, tags=[settings.TAG])
    iam.create_user(UserName="demo-user", PermissionsBoundary=boundary.arn(on_aws), Tags=[settings.TAG])
    iam.attach_user_policy(UserName="demo-user", PolicyArn=FULL)
    with impersonate.as_user(on_aws, "demo-user") as session:
        theirs = session.client("ecr")
        assert theirs.get_authorization_token()["authorizationData"]
        theirs.delete_repository(repositoryName="demo-app-repo")
        with pytest.raises(theirs.exceptions.ClientError, match="no permissions boundary allows"):
            theirs.delete_repository(repositoryName="production")


def test_it_is_made_once_and_cleaned_up_after_its_users(on_aws):
    assert boundary.arn(on_aws) == boundary.arn(on_aws)
    iam = on_aws.client("iam")
    iam.create_user(UserName="demo-user", PermissionsBoundary=boundary.arn(on_aws), Tags=[settings.TAG])
    assert [entry.name for entry in ledger.entries()] == ["demo-boundary"]
    assert on_aws.clean_up()["iam"] == ["user demo-user", "policy demo-boundary"]
    assert ledger.entries() == []


def test_a_user_of_the_second_account_has_one_there(plain):
    limit = boundary.arn(plain, in_second_account=True)
    assert (
        limit
        == boundary.arn(plain, in_second_account=True)
        == f"arn:aws:iam::{plain.second.account}:policy/{boundary.NAME}"
    )
    plain.second_account().client("iam").create_user(
        UserName="demo-guest", PermissionsBoundary=limit, Tags=[settings.TAG]
    )
    assert [(entry.account, entry.name) for entry in ledger.entries()] == [(plain.second.account, "demo-boundary")]
    kinds.delete(everything.iam_kinds(plain))
    assert plain.second_account().client("iam").list_policies(Scope="Local")["Policies"] == []


def test_a_boundary_that_a_teacher_made_is_used_and_stays(on_aws):
    iam = on_aws.client("iam")
    made = iam.create_policy(PolicyName="demo-boundary", PolicyDocument=boundary.FILE.read_text())["Policy"]["Arn"]
    assert boundary.arn(on_aws) == made
    assert ledger.entries() == []
    assert on_aws.clean_up()["iam"] == []
    assert iam.get_policy(PolicyArn=made)["Policy"]["PolicyName"] == "demo-boundary"


def test_a_policy_with_another_text_is_not_used(on_aws):
    on_aws.client("iam").create_policy(PolicyName="demo-boundary", PolicyDocument=ALL)
    with pytest.raises(SandboxError, match=r"^The policy demo-boundary is not this course's permissions boundary"):
        boundary.arn(on_aws)


def test_without_a_boundary_and_the_permission_to_create_it_there_is_one_sentence(on_aws, deny):
    deny("iam:CreatePolicy")
    with pytest.raises(SandboxError) as missing:
        boundary.arn(on_aws)
    assert missing.value.wrong == (
        "There is no policy demo-boundary, and you are not allowed to create it: iam:CreatePolicy is not allowed."
    )


def test_without_permissions_of_iam_there_is_one_sentence(on_aws, deny):
    deny("iam:Get*")
    with pytest.raises(SandboxError) as missing:
        boundary.arn(on_aws)
    assert missing.value.wrong == "You are not allowed to use IAM as these cells do: iam:GetPolicy is not allowed."
    assert "in the sandbox" in missing.value.fix


def test_the_file_has_the_default_names(monkeypatch):
    monkeypatch.setattr(settings, "PREFIX", "tom-")
    assert "repository/tom-*" in boundary.document() and "demo-" not in boundary.document()
    assert "arn:aws-cn:ecr:*:*:repository/tom-*" in boundary.document("aws-cn")
