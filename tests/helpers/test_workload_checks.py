"""Exercises 13.1 and 13.2, and what is found and removed of what runs: the API is asked, no container is needed."""

import json
from types import SimpleNamespace

import pytest

from helpers import checks, settings, workloads


@pytest.fixture
def lab(plain, capsys):
    """A connected lab without an engine, with notebook 13's cluster."""
    tags = [{"key": settings.TAG["Key"], "value": settings.TAG["Value"]}]
    plain.client("ecs").create_cluster(clusterName="demo-cluster", tags=tags)
    capsys.readouterr()
    return plain


def stopped(lab, monkeypatch, *tasks):
    """Let ECS say that these tasks have stopped."""
    monkeypatch.setattr(checks, "tasks_of", lambda lab, family: [{"createdAt": 0, **task} for task in tasks])


def test_a_cluster_that_is_not_there_is_said(plain):
    assert checks.verdict("13.1")[1] == "✗ 13.1 there is no demo-cluster. Hint: run the notebook from its top."


def test_without_a_task_nothing_is_done(lab):
    assert checks.verdict("13.1")[1].startswith("✗ 13.1 no task of the family demo-pinned has stopped yet.")
    assert checks.verdict("13.2")[1].startswith("✗ 13.2 no task of demo-broken has run yet.")


def test_the_sandbox_may_be_asked_more_often_than_aws(lab):
    here, there = workloads.patience(lab), workloads.patience(SimpleNamespace(target="aws"))
    assert here["Delay"] < 1 < there["Delay"]
    assert [each["Delay"] * each["MaxAttempts"] for each in (here, there)] == [600, 600]  # ten minutes


PINNED = f"localhost:5050/{settings.REPOSITORY}@sha256:{'0' * 64}"


@pytest.mark.parametrize(
    "task, said",
    [
        (
            {"containers": [{"image": "localhost:5050/demo-app-repo:v1", "exitCode": 0}]},
            "✗ 13.1 its image is localhost",
        ),
        ({"containers": [{"image": PINNED, "exitCode": 1}]}, "✗ 13.1 the task did not end well: exit code 1"),
        (
            {"containers": [{"image": PINNED}], "stoppedReason": "CannotPullContainerError: pull"},
            "✗ 13.1 the task did not end well: CannotPullContainerError.",
        ),
        ({"containers": [{"image": PINNED, "exitCode": 0}]}, "✔ 13.1 demo-pinned ran the image of one digest"),
    ],
)
def test_pinned_means_by_digest_and_ended_well(lab, monkeypatch, task, said):
    stopped(lab, monkeypatch, task)
    assert checks.verdict("13.1")[1].startswith(said)


def test_a_role_that_may_everything_is_not_mended(lab, monkeypatch):
    stopped(lab, monkeypatch, {"startedAt": 1})
    iam = lab.client("iam")
    iam.create_role(
        RoleName="demo-broken", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []})
    )
    for actions, right in [("ecr:*", False), (["*"], False), (["ecr:BatchGetImage"], True)]:
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName="demo-broken", PolicyName="own", PolicyDocument=text)
        assert checks.verdict("13.2")[0] is right
    iam.attach_role_policy(
        RoleName="demo-broken", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    )
    assert checks.verdict("13.2")[0] is False


def test_what_bears_the_tag_is_found_and_removed_and_nothing_else(lab):
    ecs, logs = lab.client("ecs"), lab.client("logs")
    ecs.create_cluster(clusterName="demo-other")  # somebody else's: no tag
    logs.create_log_group(logGroupName="/ecs/demo-app", tags={settings.TAG["Key"]: settings.TAG["Value"]})
    logs.create_log_group(logGroupName="/ecs/demo-theirs")
    container = {"name": "app", "image": f"{settings.ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/app:v1"}
    about = {"requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512", "containerDefinitions": [container]}
    role = f"arn:aws:iam::{settings.ACCOUNT}:role/x"
    tags = [{"key": settings.TAG["Key"], "value": settings.TAG["Value"]}]
    ecs.register_task_definition(family="demo-app", executionRoleArn=role, tags=tags, **about)
    ecs.register_task_definition(family="demo-theirs", executionRoleArn=role, **about)
    ours = ["cluster demo-cluster", "task definition demo-app:1", "log group /ecs/demo-app"]
    assert workloads.made(lab) == ours
    assert workloads.remove(lab) == ours
    assert workloads.made(lab) == []
    assert ecs.describe_clusters(clusters=["demo-other"])["clusters"][0]["status"] == "ACTIVE"
    assert ecs.list_task_definitions()["taskDefinitionArns"][0].endswith("demo-theirs:1")
    assert [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]] == ["/ecs/demo-theirs"]
