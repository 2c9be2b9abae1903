"""Exercises 13.1 and 13.2, without a container."""

import json

import pytest

from helpers import settings
from helpers.exercises import checks, part3_look_after


@pytest.fixture
def lab(plain, capsys):
    """A connected lab without an engine, with notebook 13's cluster."""
    tags = [{"key": settings.TAG["Key"], "value": settings.TAG["Value"]}]
    plain.client("ecs").create_cluster(clusterName="demo-cluster", tags=tags)
    capsys.readouterr()
    return plain


def stopped(lab, monkeypatch, *tasks):
    """Let ECS return these stopped tasks."""
    monkeypatch.setattr(part3_look_after, "tasks_of", lambda lab, family: [{"createdAt": 0, **task} for task in tasks])


def test_a_missing_cluster_is_reported(plain):
    assert checks.verdict("13.1")[1] == "✗ 13.1 there is no demo-cluster. Hint: run the notebook from its top."


def test_without_a_task_no_exercise_is_done(lab):
    assert checks.verdict("13.1")[1].startswith("✗ 13.1 no task of the family demo-pinned has stopped yet.")
    assert checks.verdict("13.2")[1].startswith("✗ 13.2 no task of demo-broken has run yet.")


PINNED = f"localhost:5050/{settings.REPOSITORY}@sha256:{'0' * 64}"


@pytest.mark.parametrize(
    "task, expected",
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
def test_the_task_must_run_a_digest_and_exit_with_code_0(lab, monkeypatch, task, expected):
    stopped(lab, monkeypatch, task)
    assert checks.verdict("13.1")[1].startswith(expected)


def test_a_role_that_allows_everything_is_not_accepted(lab, monkeypatch):
    stopped(lab, monkeypatch, {"startedAt": 1})
    iam = lab.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="demo-broken", AssumeRolePolicyDocument=document)
    for actions, right in [("ecr:*", False), (["*"], False), (["ecr:BatchGetImage"], True)]:
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName="demo-broken", PolicyName="own", PolicyDocument=text)
        assert checks.verdict("13.2")[0] is right
    iam.attach_role_policy(
        RoleName="demo-broken", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    )
    assert checks.verdict("13.2")[0] is False
