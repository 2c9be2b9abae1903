"""Exercises 03.1 and 03.2: every correct way counts, and typical mistakes have a hint."""

import json

import pytest

from helpers import boundary, settings, tiny_image
from helpers.exercises import checks, lookup, part1_concepts, permissions

GUARDED = part1_concepts.GUARDED
ARN = f"arn:aws:ecr:{settings.REGION}:{settings.ACCOUNT}:repository/{GUARDED}"
LOG_IN = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
AWS_POLICY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistry"

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


SHOP = f"arn:aws:ecr:{settings.REGION}:{settings.ACCOUNT}:repository/demo-shop"
PUSH = sorted(permissions.PUSH)
BUILDER_RIGHT = "✔ 03.2 demo-builder can push to demo-shop/web and pull demo-shop/base, and nothing more"


def test_the_policies_of_the_builder_are_simulated(plain):
    iam = plain.client("iam")
    assert checks.verdict("03.2")[1].startswith("✗ 03.2 there is no user demo-builder.")
    iam.create_user(UserName="demo-builder", PermissionsBoundary=boundary.arn(plain))
    web, base = on(f"{SHOP}/web", *PUSH), on(f"{SHOP}/base", *PULL)
    for statements, expected in [
        ([web, base], "✗ 03.2 demo-builder cannot log in."),
        ([on(f"{SHOP}/web", "ecr:GetAuthorizationToken", *PUSH), base], "✗ 03.2 demo-builder cannot log in."),
        ([LOG_IN, base], "✗ 03.2 demo-builder cannot do ecr:BatchCheckLayerAvailability on demo-shop/web."),
        ([LOG_IN, on(f"{SHOP}/web", *PUSH[:-1]), base], "✗ 03.2 demo-builder cannot do ecr:UploadLayerPart on"),
        ([LOG_IN, web], "✗ 03.2 demo-builder cannot do ecr:BatchGetImage on demo-shop/base."),
        ([LOG_IN, web, on(f"{SHOP}/base", PULL[0])], "✗ 03.2 demo-builder cannot do ecr:GetDownloadUrlForLayer on"),
        ([LOG_IN, web, on("*", *PULL)], "✗ 03.2 demo-builder can do ecr:BatchGetImage on any repository."),
        ([on("*", "ecr:*")], "✗ 03.2 demo-builder can do ecr:BatchGetImage on any repository."),
        ([LOG_IN, on(f"{SHOP}/*", "ecr:*")], "✗ 03.2 demo-builder can also do ecr:BatchDeleteImage on demo-shop/web."),
        ([LOG_IN, on(f"{SHOP}/web", "ecr:*"), base], "✗ 03.2 demo-builder can also do ecr:BatchDeleteImage on"),
        (
            [LOG_IN, on(f"{SHOP}/*", *PUSH), base],
            "✗ 03.2 demo-builder can also do ecr:CompleteLayerUpload on demo-shop/web-too.",
        ),
        (
            [LOG_IN, web, on(f"{SHOP}/base", *PULL, "ecr:PutImage")],
            "✗ 03.2 demo-builder can also do ecr:PutImage on demo-shop/base.",
        ),
        ([LOG_IN, web, base, on("*", "iam:PassRole")], "✗ 03.2 demo-builder can also do iam:PassRole on"),
        ([LOG_IN, web, base, on("*", "ecr:CreateRepository")], "✗ 03.2 demo-builder can also do ecr:CreateRepository"),
        ([LOG_IN, web, base], BUILDER_RIGHT),
        ([LOG_IN, on(f"{SHOP}/web", *PUSH, *PULL), on(f"{SHOP}/base", *PULL, "ecr:Describe*")], BUILDER_RIGHT),
    ]:
        iam.put_user_policy(UserName="demo-builder", PolicyName="own", PolicyDocument=policy(*statements))
        assert checks.verdict("03.2")[1].startswith(expected), statements


def test_an_access_key_that_is_not_accepted_is_deleted(lab, monkeypatch):
    iam = lab.client("iam")
    iam.create_user(UserName="demo-reader")
    monkeypatch.setattr("boto3.Session", _with_a_wrong_secret)
    assert checks.verdict("03.1")[1].startswith("✗ 03.1 could not be checked: ")
    monkeypatch.undo()
    assert iam.list_access_keys(UserName="demo-reader")["AccessKeyMetadata"] == []


def _with_a_wrong_secret(key, _secret, **others):
    import boto3.session

    return boto3.session.Session(key, "not the secret", **others)
