"""The tutorial's users, roles and policies are found by their tag in both accounts, and nobody else's is touched."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers import checks, people, settings

OURS = [settings.TAG]
THEIRS = [{"Key": "made-by", "Value": "me"}]
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}})
PULL_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"


@pytest.fixture
def lab(plain):
    return plain


def make_user(iam, name, tags):
    """A user with all that can hang on one: a key, an inline and an attached policy, a group."""
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


def test_what_carries_the_tag_goes_with_all_that_hangs_on_it_and_nothing_else(lab):
    here, there = lab.client("iam"), second_account()
    before = names(here), names(there)
    make_user(here, "ours", OURS)
    make_role(here, "our-role", OURS, make_policy(here, "our-policy", OURS))
    make_user(there, "our-guest", OURS)
    for iam in (here, there):
        make_user(iam, "theirs", THEIRS)
        make_role(iam, "their-role", THEIRS, make_policy(iam, "their-policy", []))
    ours = ["user ours", "role our-role", "policy our-policy", "user our-guest"]
    assert people.made(lab) == ours
    assert people.remove(lab) == ours
    assert people.made(lab) == []
    assert people.remove(lab) == []
    stayed = {"theirs", "their-role", "their-policy"}
    assert (names(here), names(there)) == (before[0] | stayed, before[1] | stayed)
    assert len(here.list_access_keys(UserName="theirs")["AccessKeyMetadata"]) == 1


def test_a_fresh_start_says_the_same_whether_anybody_was_there(lab, capsys):
    make_user(lab.client("iam"), "ours", OURS)
    lab.forget_people()
    lab.forget_people()
    line = "✔ a fresh start: no user, role or policy of this tutorial is there\n"
    assert capsys.readouterr().out == line * 2
    assert "ours" not in names(lab.client("iam"))


def test_cleaning_up_takes_the_people_too(lab, capsys):
    make_user(lab.client("iam"), "ours", OURS)
    assert lab.clean_up()["people"] == ["user ours"]
    assert "✔ users, roles and policies deleted: user ours\n" in capsys.readouterr().out
    assert lab.clean_up()["people"] == []
    assert "✔ users, roles and policies deleted: none was left\n" in capsys.readouterr().out


def test_who_may_not_read_iam_is_told_and_the_rest_is_cleaned_up(lab, capsys, monkeypatch):
    def refuse(_):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "You may not."}}, "ListUsers")

    monkeypatch.setattr(people, "_accounts", refuse)
    lab.client().create_repository(repositoryName="ours", tags=OURS)
    cleaned = lab.clean_up()
    assert (cleaned["repositories"], cleaned["people"]) == (["ours"], [])
    assert "✗ users, roles and policies: You may not.\n" in capsys.readouterr().out
    assert people.made(lab) == []


def test_a_user_that_is_left_is_something_left(lab, monkeypatch):
    monkeypatch.setattr("helpers.cleanup.local_images", lambda _: [])
    make_user(lab.client("iam"), "ours", OURS)
    assert checks.verdict("14.2")[1].startswith("✗ 14.2 user ours is still there.")


def test_the_second_account_is_where_the_profile_leads(lab, monkeypatch):
    assert people.neighbour(lab) == settings.OTHER_ACCOUNT
    monkeypatch.setattr(settings, "OTHER_PROFILE", "nobody-has-this")
    assert people.neighbour(lab) is None
