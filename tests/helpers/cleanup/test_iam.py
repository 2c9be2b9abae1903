"""The course's users, roles and policies are deleted in both accounts, and no others."""

import json

import boto3
import pytest

from helpers import settings
from helpers.cleanup import everything, kinds
from helpers.cleanup import iam as iam_cleanup
from helpers.exercises import checks

OURS = [settings.TAG]
THEIRS = [{"Key": "made-by", "Value": "me"}]
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}})
PULL_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"


@pytest.fixture
def lab(plain):
    return plain


def make_user(iam, name, tags):
    """A user with an access key, an inline policy, an attached policy and a group."""
    iam.create_user(UserName=name, Tags=tags)
    iam.create_access_key(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=ALLOW)
    iam.attach_user_policy(UserName=name, PolicyArn=PULL_ONLY)
    iam.create_group(GroupName=f"{name}-group")
    iam.add_user_to_group(GroupName=f"{name}-group", UserName=name)


def make_role(iam, name, tags, policy_arn):
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": settings.ACCOUNT}}
    trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Tags=tags)
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=ALLOW)
    iam.attach_role_policy(RoleName=name, PolicyArn=policy_arn)


def make_policy(iam, name, tags) -> str:
    arn = iam.create_policy(PolicyName=name, PolicyDocument=ALLOW, Tags=tags)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW, SetAsDefault=True)
    return arn


def second_account():
    return boto3.Session(profile_name=settings.OTHER_PROFILE, region_name=settings.REGION).client("iam")


def names(iam) -> set[str]:
    users, roles = iam.list_users()["Users"], iam.list_roles()["Roles"]
    policies = iam.list_policies(Scope="Local")["Policies"]
    found = {*(each["UserName"] for each in users), *(each["RoleName"] for each in roles)}
    return found | {each["PolicyName"] for each in policies}


def test_tagged_identities_are_deleted_and_others_are_not(lab):
    here, there = lab.client("iam"), second_account()
    before = names(here), names(there)
    make_user(here, "demo-ours", OURS)
    make_role(here, "demo-role", OURS, make_policy(here, "demo-policy", OURS))
    make_user(there, "demo-guest", OURS)
    for iam in (here, there):
        make_user(iam, "theirs", THEIRS)
        make_role(iam, "their-role", THEIRS, make_policy(iam, "their-policy", []))
    ours = [
        "user demo-ours",
        "role demo-role",
        "policy demo-policy",
        f"user in account {settings.OTHER_ACCOUNT} demo-guest",
    ]
    assert iam_cleanup.made(lab) == ours
    assert kinds.delete(everything.iam_kinds(lab)) == (ours, [], ())
    assert iam_cleanup.made(lab) == []
    assert kinds.delete(everything.iam_kinds(lab)) == ([], [], ())
    stayed = {"theirs", "their-role", "their-policy"}
    assert (names(here), names(there)) == (before[0] | stayed, before[1] | stayed)
    assert len(here.list_access_keys(UserName="theirs")["AccessKeyMetadata"]) == 1


def test_deleting_prints_the_same_if_there_was_nothing(lab, capsys):
    make_user(lab.client("iam"), "demo-ours", OURS)
    lab.delete_iam()
    lab.delete_iam()
    line = "✔ deleted if present: users, roles and policies of this tutorial\n"
    assert capsys.readouterr().out == line * 2
    assert "demo-ours" not in names(lab.client("iam"))


def test_clean_up_includes_iam(lab, capsys):
    make_user(lab.client("iam"), "demo-ours", OURS)
    assert lab.clean_up()["iam"] == ["user demo-ours"]
    assert "✔ users, roles and policies deleted: user demo-ours\n" in capsys.readouterr().out
    assert lab.clean_up()["iam"] == []
    assert "✔ users, roles and policies deleted: none was left\n" in capsys.readouterr().out


def test_the_check_finds_a_remaining_user(lab, monkeypatch):
    monkeypatch.setattr("helpers.cleanup.local_images", lambda _: [])
    make_user(lab.client("iam"), "demo-ours", OURS)
    assert checks.verdict("14.2")[1].startswith("✗ 14.2 user demo-ours is still there.")
