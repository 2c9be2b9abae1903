"""Exercises 03.1 and 03.2: every correct way counts, and typical mistakes have a hint."""

import json

import pytest

from helpers import impersonate, settings, tiny_image
from helpers.exercises import checks, lookup, part1_concepts

GUARDED = part1_concepts.GUARDED
ARN = f"arn:aws:ecr:{settings.REGION}:{settings.ACCOUNT}:repository/{GUARDED}"
LOG_IN = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
AWS_POLICY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistry"
OTHER_ROOT = f"arn:aws:iam::{settings.OTHER_ACCOUNT}:root"

RIGHT = "✔ 03.1 demo-reader can pull and change nothing"


@pytest.fixture
def lab(plain, capsys):
    """A connected lab without an engine, whose guarded repository holds an image."""
    plain.client().create_repository(repositoryName=GUARDED)
    tiny_image.put(plain, GUARDED, "example")
    capsys.readouterr()
    return plain


def policy(*statements) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def on(resource, *actions) -> dict:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def share(principal, *actions) -> dict:
    return {"Sid": "In", "Effect": "Allow", "Principal": principal, "Action": list(actions)}


def test_the_check_evaluates_the_inline_policy_of_the_user(lab):
    iam = lab.client("iam")
    assert checks.verdict("03.1")[1].startswith("✗ 03.1 there is no user demo-reader.")
    iam.create_user(UserName="demo-reader")
    assert checks.verdict("03.1")[1].startswith("✗ 03.1 demo-reader cannot log in.")
    for statements, expected in [
        ([on("*", *PULL)], "✗ 03.1 demo-reader cannot log in."),
        ([on(ARN, "ecr:GetAuthorizationToken", *PULL)], "✗ 03.1 demo-reader cannot log in."),
        ([LOG_IN], "✗ 03.1 demo-reader may not read the manifest."),
        ([LOG_IN, on(f"{ARN}s", *PULL)], "✗ 03.1 demo-reader may not read the manifest."),
        ([LOG_IN, on(ARN, "ecr:BatchGetImage")], "✗ 03.1 demo-reader gets the manifest but no layer."),
        ([LOG_IN, on(ARN, "ecr:*")], "✗ 03.1 demo-reader may also push layers."),
        ([LOG_IN, on(ARN, *PULL, "ecr:PutImage")], "✗ 03.1 demo-reader may also push images."),
        ([LOG_IN, on(ARN, *PULL, "ecr:BatchDeleteImage")], "✗ 03.1 demo-reader may also delete images."),
        (
            [LOG_IN, on(ARN, *PULL, "ecr:SetRepositoryPolicy")],
            "✗ 03.1 demo-reader may also change the repository policy.",
        ),
        ([LOG_IN, on(ARN, *PULL)], RIGHT),
        ([LOG_IN, on("arn:aws:ecr:*:*:repository/demo-*", "ecr:BatchGet*", "ecr:Get*", "ecr:Describe*")], RIGHT),
    ]:
        iam.put_user_policy(UserName="demo-reader", PolicyName="own", PolicyDocument=policy(*statements))
        assert checks.verdict("03.1")[1].startswith(expected), statements
        assert iam.list_access_keys(UserName="demo-reader")["AccessKeyMetadata"] == []
    assert lookup.digests_by_tag(lab, GUARDED).keys() == {"example"}


def test_managed_group_and_repository_policies_count_too(lab):
    iam, ecr = lab.client("iam"), lab.client()
    arn = iam.create_user(UserName="demo-reader")["User"]["Arn"]
    who = {"UserName": "demo-reader"}
    for name, expected in {"PullOnly": RIGHT, "ReadOnly": RIGHT, "FullAccess": "✗", "PowerUser": "✗"}.items():
        iam.attach_user_policy(**who, PolicyArn=AWS_POLICY + name)
        assert checks.verdict("03.1")[1].startswith(expected), name
        iam.detach_user_policy(**who, PolicyArn=AWS_POLICY + name)
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", **who)
    iam.put_group_policy(GroupName="readers", PolicyName="pull", PolicyDocument=policy(LOG_IN, on(ARN, *PULL)))
    assert checks.verdict("03.1")[1] == RIGHT
    iam.put_group_policy(GroupName="readers", PolicyName="pull", PolicyDocument=policy(LOG_IN))
    ecr.set_repository_policy(repositoryName=GUARDED, policyText=policy(share({"AWS": arn}, *PULL)))
    assert checks.verdict("03.1")[1] == RIGHT


def test_the_check_needs_an_image_to_pull(lab):
    lab.client().batch_delete_image(repositoryName=GUARDED, imageIds=[{"imageTag": "example"}])
    assert checks.verdict("03.1")[1].startswith(f"✗ 03.1 {GUARDED} holds no image to try with.")


def test_the_check_evaluates_the_repository_policy_for_the_second_account(lab, monkeypatch):
    ecr = lab.client()
    right = (
        f"✔ 03.2 account {settings.OTHER_ACCOUNT} may pull from {GUARDED}, but not push, and no third account may pull"
    )
    them = f"account {settings.OTHER_ACCOUNT}"
    lab.client("iam").create_user(UserName="mine")
    assert checks.verdict("03.2")[1].startswith(f"✗ 03.2 {GUARDED} has no policy yet.")
    for statements, expected in [
        ([share({"AWS": OTHER_ROOT}, "ecr:BatchGetImage")], f"✗ 03.2 {them} may not read the layers."),
        ([share({"AWS": OTHER_ROOT}, "ecr:GetDownloadUrlForLayer")], f"✗ 03.2 {them} may not read the manifest."),
        ([share({"AWS": f"arn:aws:iam::{settings.ACCOUNT}:user/mine"}, *PULL)], f"✗ 03.2 {them} may not read"),
        ([share({"AWS": settings.ACCOUNT}, *PULL)], f"✗ 03.2 {them} may not read"),
        ([share({"AWS": OTHER_ROOT}, "ecr:*")], f"✗ 03.2 {them} would be allowed ecr:PutImage too."),
        ([share({"AWS": OTHER_ROOT}, *PULL, "ecr:BatchDeleteImage")], f"✗ 03.2 {them} would be allowed ecr:Batch"),
        ([share("*", *PULL)], "✗ 03.2 every AWS account may pull too."),
        ([share({"AWS": OTHER_ROOT}, *PULL)], right),
        ([share({"AWS": settings.OTHER_ACCOUNT}, "ecr:BatchGetImage", "ecr:Get*")], right),
        ([share({"AWS": [OTHER_ROOT]}, PULL[0]), {**share({"AWS": OTHER_ROOT}, PULL[1]), "Sid": "Layers"}], right),
        (
            [
                share({"AWS": OTHER_ROOT}, "ecr:*"),
                {**share({"AWS": OTHER_ROOT}, "ecr:*"), "Effect": "Deny", "Sid": "Out"},
            ],
            f"✗ 03.2 {them} may not",
        ),
    ]:
        ecr.set_repository_policy(repositoryName=GUARDED, policyText=policy(*statements))
        assert checks.verdict("03.2")[1].startswith(expected), statements
    monkeypatch.setattr(settings, "OTHER_PROFILE", "no-such-profile")
    assert checks.verdict("03.2")[1] == (
        "✗ 03.2 needs a second account, as profile no-such-profile. Hint: do this one in the sandbox."
    )


def test_an_access_key_that_is_not_accepted_is_deleted(lab, monkeypatch):
    monkeypatch.setattr(impersonate, "KEY_SECONDS", 0)
    iam = lab.client("iam")
    iam.create_user(UserName="demo-reader")
    monkeypatch.setattr("boto3.Session", _with_a_wrong_secret)
    assert checks.verdict("03.1")[1].startswith("✗ 03.1 could not be checked: ")
    monkeypatch.undo()
    assert iam.list_access_keys(UserName="demo-reader")["AccessKeyMetadata"] == []


def _with_a_wrong_secret(key, _secret, **others):
    import boto3.session

    return boto3.session.Session(key, "not the secret", **others)
