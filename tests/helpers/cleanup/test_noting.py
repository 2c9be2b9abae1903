"""On AWS nothing that somebody else has made is used: a name that is taken ends the notebook before a cell makes it."""

import json

import boto3
import pytest

from ecr_sandbox import SandboxError
from helpers import cleanup, impersonate, ledger, names, settings
from helpers.cleanup import everything, places

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": settings.ACCOUNT}}
ALLOW = {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}


def text(statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def task_definition(lab) -> None:
    app = {"name": "app", "image": f"{settings.ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/app:v1"}
    lab.client("ecs").register_task_definition(
        family="demo-app",
        containerDefinitions=[app],
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        executionRoleArn=f"arn:aws:iam::{settings.ACCOUNT}:role/theirs",
    )


# What somebody else has made before, and the notebook that would use it.
TAKEN = {
    "repository demo-app-repo": ("09", lambda lab: lab.client().create_repository(repositoryName="demo-app-repo")),
    "repository no-such-repo": ("08", lambda lab: lab.client().create_repository(repositoryName="no-such-repo")),
    "public repository demo-public-hello": (
        "02",
        lambda lab: boto3.client("ecr-public", region_name=places.PUBLIC_REGION).create_repository(
            repositoryName="demo-public-hello"
        ),
    ),
    "user demo-pusher": ("03", lambda lab: lab.client("iam").create_user(UserName="demo-pusher")),
    "role demo-execution": (
        "13",
        lambda lab: lab.client("iam").create_role(RoleName="demo-execution", AssumeRolePolicyDocument=text(TRUST)),
    ),
    "policy demo-push-policy": (
        "03",
        lambda lab: lab.client("iam").create_policy(PolicyName="demo-push-policy", PolicyDocument=text(ALLOW)),
    ),
    "cluster demo-cluster": ("13", lambda lab: lab.client("ecs").create_cluster(clusterName="demo-cluster")),
    "task definition demo-app": ("13", task_definition),
    "log group /ecs/demo-app": (
        "13",
        lambda lab: lab.client("logs").create_log_group(logGroupName="/ecs/demo-app"),
    ),
}


@pytest.mark.parametrize("what", TAKEN)
def test_a_name_that_is_taken_is_not_used(on_aws, what):
    notebook, make = TAKEN[what]
    make(on_aws)
    with pytest.raises(SandboxError) as raised:
        on_aws.catch_up(notebook)
    assert str(raised.value).startswith(f"The {what} has no tag made-by=learn-amazon-ecr: this tutorial did not create")
    assert "Fix: ECR_TUTORIAL_PREFIX=my-course- make lab" in str(raised.value)
    assert ledger.entries() == []
    assert on_aws.clean_up()["problems"] == ["images on this machine: The Docker engine is not running. Fix: start it"]
    kind, _, name = what.rpartition(" ")
    [kind] = [each for each in everything.all_kinds(on_aws) if each.name == kind and not each.place.where]
    assert [found.is_ours for found in kind.get(name)] == [False]


def test_ours_is_used_again_and_noted(on_aws, capsys):
    on_aws.client("ecs").create_cluster(
        clusterName="demo-cluster", tags=[{"key": "made-by", "value": "learn-amazon-ecr"}]
    )
    on_aws.client("iam").create_role(
        RoleName="demo-deployer", AssumeRolePolicyDocument=text(TRUST), Tags=[settings.TAG]
    )
    cleanup.note(on_aws, names.made_by("13"))
    noted = {(entry.kind, entry.region, entry.name) for entry in ledger.entries(settings.ACCOUNT)}
    assert ("cluster", settings.REGION, "demo-cluster") in noted
    assert ("role", "", "demo-deployer") in noted
    assert ("log group", settings.REGION, "/ecs/demo-app") in noted
    assert len(noted) == len(ledger.entries()) == len(names.made_by("13"))


def test_a_lookup_that_is_refused_ends_what_would_change_an_existing_one(on_aws, deny, capsys):
    deny("ecs:DescribeClusters")
    with pytest.raises(
        SandboxError, match=r"^Whether the cluster demo-cluster is yours is unknown: ecs:DescribeClusters"
    ):
        on_aws.catch_up("13")
    assert ledger.entries() == []


def test_a_lookup_that_is_refused_is_printed_where_making_it_again_is_an_error(on_aws, deny, capsys):
    deny("iam:ListUserTags")
    on_aws.catch_up("02")
    assert (
        "? unknown whether there is a user demo-colleague: iam:ListUserTags is not allowed\n" in capsys.readouterr().out
    )
    assert "demo-colleague" in {entry.name for entry in ledger.entries()}


def test_no_key_is_made_for_a_user_of_somebody_else(on_aws):
    iam = on_aws.client("iam")
    iam.create_user(UserName="demo-reader")
    with pytest.raises(SandboxError, match="has no tag"), impersonate.as_user(on_aws, "demo-reader"):
        pass
    assert iam.list_access_keys(UserName="demo-reader")["AccessKeyMetadata"] == []


def test_with_another_prefix_the_other_names_are_free(on_aws, monkeypatch):
    monkeypatch.setattr(settings, "PREFIX", "tom-")
    on_aws.client().create_repository(repositoryName="demo-compare")
    on_aws.catch_up("02")
    assert [entry.name for entry in ledger.entries()] == ["tom-compare", "tom-public-hello", "tom-colleague"]
