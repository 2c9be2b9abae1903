"""Tasks on Fargate: the polling intervals, and a role that is new or was changed a moment ago."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox import SandboxError
from helpers import fargate, waiting


def test_the_sandbox_is_polled_more_often_than_aws():
    here, there = fargate.patience(SimpleNamespace(target="sandbox")), fargate.patience(SimpleNamespace(target="aws"))
    assert here["Delay"] < 1 < there["Delay"]
    assert [each["Delay"] * each["MaxAttempts"] for each in (here, there)] == [600, 600]  # ten minutes


# The role of a task


def deny(monkeypatch, ecs, operation):
    """Let *ecs* deny the operation; returns the action."""
    name = operation.title().replace("_", "")
    said = f"User: arn is not authorized to perform: ecs:{name} on resource: task"

    def refuse(**_):
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": said}}, name)

    monkeypatch.setattr(ecs, operation, refuse)
    return f"ecs:{name}"


class Ecs:
    """ECS on AWS; the tasks that it starts end with these reasons, or with an error code instead of a task."""

    def __init__(self, *reasons):
        self.reasons, self.started, self.slept = list(reasons), [], []

    def run_task(self, **request):
        reason = self.reasons[min(len(self.started), len(self.reasons) - 1)]
        self.started.append(reason)
        if reason.startswith("Unable"):
            raise ClientError({"Error": {"Code": "InvalidParameterException", "Message": reason}}, "RunTask")
        return {"tasks": [{"taskArn": f"arn/demo-cluster/{len(self.started)}"}]}

    def get_waiter(self, _):
        return SimpleNamespace(wait=lambda **_: None)

    def describe_tasks(self, cluster, tasks):
        assert cluster == "demo-cluster"
        reason = self.started[int(tasks[0].rpartition("/")[2]) - 1]
        return {
            "tasks": [{"taskArn": tasks[0], "lastStatus": "STOPPED" if reason else "RUNNING", "stoppedReason": reason}]
        }

    def stop_task(self, cluster, task, reason):
        self.started[int(task.rpartition("/")[2]) - 1] = reason

    def lab(self, monkeypatch, target):
        monkeypatch.setattr(waiting.time, "sleep", self.slept.append)
        monkeypatch.setattr(waiting.time, "monotonic", lambda: sum(self.slept))
        return SimpleNamespace(target=target, client=lambda _: self)

    def start(self, monkeypatch, target="aws"):
        lab = self.lab(monkeypatch, target)
        return fargate.start(lab, self.run_task, cluster="demo-cluster", taskDefinition="demo-app")

    def run_until(self, monkeypatch, *outcomes, target="aws"):
        lab = self.lab(monkeypatch, target)
        return fargate.run_until(lab, lambda: self.run_task()["tasks"][0]["taskArn"], *outcomes)


NO_ROLE = "ECS was unable to assume the role 'arn:aws:iam::1:role/demo-execution' that was provided for this task."


@pytest.mark.parametrize(
    "not_yet", [NO_ROLE, "Unable to assume the service linked role. Please verify that it exists."]
)
def test_a_role_that_is_new_is_waited_for(monkeypatch, capsys, not_yet):
    assert Ecs(not_yet, not_yet, "").start(monkeypatch) == "arn/demo-cluster/3"
    assert capsys.readouterr().out.count("ECS can assume the role of the task") == 1


def test_a_task_that_fails_for_another_reason_is_started_once(monkeypatch):
    ecs = Ecs("CannotPullContainerError: not found")
    assert (ecs.start(monkeypatch), ecs.slept) == ("arn/demo-cluster/1", [])


def test_a_role_with_a_fault_ends_the_wait(monkeypatch):
    """The learner reads the stopped reason of the last task."""
    ecs = Ecs(NO_ROLE)
    assert ecs.start(monkeypatch) == f"arn/demo-cluster/{len(ecs.started)}"
    assert sum(ecs.slept) >= fargate.ROLE_SECONDS


def test_ecs_without_its_own_role_is_an_error_at_the_limit(monkeypatch):
    with pytest.raises(SandboxError, match="did not apply this within 120 seconds: ECS can assume the role"):
        Ecs("Unable to assume the service linked role.").start(monkeypatch)


@pytest.mark.parametrize("operation", ["describe_tasks", "stop_task"])
def test_a_task_that_may_not_be_seen_or_stopped_is_not_followed_by_another(monkeypatch, operation):
    ecs = Ecs("")
    action = deny(monkeypatch, ecs, operation)
    with pytest.raises(SandboxError, match=rf"not authorized to perform: {action} .*\. Fix: allow {action}$"):
        ecs.run_until(monkeypatch, "403 Forbidden")
    assert (len(ecs.started), ecs.slept) == (1, [])


def test_a_task_that_starts_and_may_not_be_seen_is_started_once(monkeypatch):
    ecs = Ecs("")
    action = deny(monkeypatch, ecs, "describe_tasks")
    with pytest.raises(SandboxError, match=f"Fix: allow {action}$"):
        ecs.start(monkeypatch)
    assert (len(ecs.started), ecs.slept) == (1, [])


def test_in_the_sandbox_a_task_is_started_once(monkeypatch):
    ecs = Ecs(NO_ROLE)
    assert (ecs.start(monkeypatch, "sandbox"), ecs.started) == ("arn/demo-cluster/1", [NO_ROLE])


# A role that was changed


NO_LOGIN, NO_MANIFEST = "AccessDeniedException: ecr:GetAuthorizationToken", "[manifests v1]: 403 Forbidden"


def test_tasks_are_run_until_one_fails_at_the_step(monkeypatch, capsys):
    ecs = Ecs(NO_LOGIN, NO_LOGIN, NO_MANIFEST)
    assert ecs.run_until(monkeypatch, "manifests")["stoppedReason"] == NO_MANIFEST
    assert len(ecs.started) == 3
    assert capsys.readouterr().out.count("the outcome of a task is “manifests”") == 1


def test_a_task_that_runs_with_permissions_of_before_is_stopped(monkeypatch):
    ecs = Ecs("", NO_LOGIN)
    assert ecs.run_until(monkeypatch, "GetAuthorizationToken")["stoppedReason"] == NO_LOGIN
    assert ecs.started == ["It ran, and was stopped.", NO_LOGIN]


def test_one_of_several_outcomes_is_enough_and_what_runs_is_not_stopped(monkeypatch):
    assert Ecs(NO_MANIFEST, "").run_until(monkeypatch, "RUNNING", "Essential")["lastStatus"] == "RUNNING"
    assert Ecs("Essential container in task exited").run_until(monkeypatch, "RUNNING", "Essential")


def test_an_outcome_that_never_comes_ends_the_wait(monkeypatch):
    """The learner reads the stopped reason of the last task."""
    ecs = Ecs(NO_LOGIN)
    assert ecs.run_until(monkeypatch, "manifests")["stoppedReason"] == NO_LOGIN
    assert fargate.OUTCOME_SECONDS <= sum(ecs.slept) <= fargate.OUTCOME_SECONDS + waiting.PAUSE


@pytest.mark.parametrize("reason", [NO_LOGIN, ""])
def test_in_the_sandbox_one_task_shows_the_outcome(monkeypatch, reason):
    ecs = Ecs(reason)
    assert ecs.run_until(monkeypatch, "manifests", target="sandbox")["lastStatus"] in ("STOPPED", "RUNNING")
    assert ecs.started == [reason or "It ran, and was stopped."]
