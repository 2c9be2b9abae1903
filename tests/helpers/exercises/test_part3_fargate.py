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


PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
LOG = ["logs:CreateLogStream", "logs:PutLogEvents"]
TASK_ROLE = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
MORE, LESS = "✗ 13.2 demo-broken may also do ecr:", "✗ 13.2 demo-broken may not do all that a pull"


@pytest.fixture
def ran(lab, monkeypatch):
    """A lab in which a task of demo-broken has run by the role demo-broken; a function that sets its statements."""
    stopped(lab, monkeypatch, {"startedAt": 1})
    lab.client().create_repository(repositoryName=settings.REPOSITORY)
    iam = lab.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="demo-broken", AssumeRolePolicyDocument=document)
    arn = f"arn:aws:ecr:{lab.region}:{lab.account}:repository/{settings.REPOSITORY}"

    def allow(on_repository: list[str], on_all: list[str]) -> str:
        statements = [
            {"Effect": "Allow", "Action": actions, "Resource": resource}
            for actions, resource in ((on_repository, arn), (on_all, "*"))
            if actions
        ]
        text = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName="demo-broken", PolicyName="own", PolicyDocument=text)
        return checks.verdict("13.2")[1]

    return allow


@pytest.mark.parametrize(
    ("on_repository", "on_all", "expected"),
    [
        (PULL, ["ecr:GetAuthorizationToken", *LOG], "✔ 13.2 demo-broken pulls demo-app-repo and runs"),
        ([*PULL, "ecr:BatchCheckLayerAvailability"], ["ecr:GetAuthorizationToken"], "✔ 13.2"),
        (PULL[:1], ["ecr:GetAuthorizationToken"], LESS),
        ([*PULL, "ecr:DeleteRepository"], ["ecr:GetAuthorizationToken"], f"{MORE}DeleteRepository on demo-app-repo"),
        ([*PULL, "ecr:DescribeImages"], ["ecr:GetAuthorizationToken"], f"{MORE}DescribeImages on demo-app-repo"),
        (["ecr:*"], ["ecr:GetAuthorizationToken"], MORE),
        ([], ["ecr:GetAuthorizationToken", *PULL], f"{MORE}BatchGetImage on demo-app-repo-too"),
        (PULL, ["ecr:GetAuthorizationToken", "iam:PassRole"], "✗ 13.2 demo-broken may also do iam:PassRole on"),
        ([], ["*"], MORE),
    ],
)
def test_a_role_may_pull_and_nothing_else(ran, on_repository, on_all, expected):
    assert ran(on_repository, on_all).startswith(expected)


def test_a_managed_policy_for_all_repositories_is_not_accepted(ran, lab):
    assert ran(PULL, ["ecr:GetAuthorizationToken"]).startswith("✔")
    lab.client("iam").attach_role_policy(RoleName="demo-broken", PolicyArn=TASK_ROLE)
    assert checks.verdict("13.2")[1].startswith(f"{MORE}")


def test_a_missing_role_is_reported(lab, monkeypatch):
    stopped(lab, monkeypatch, {"startedAt": 1})
    assert checks.verdict("13.2")[1].startswith("✗ 13.2 there is no role demo-broken.")
