"""Tasks on Fargate: the polling intervals, and a role that ECS cannot assume yet."""

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


class Ecs:
    """ECS on AWS; the tasks that it starts end with these reasons, or with an error code instead of a task."""

    def __init__(self, *reasons):
        self.reasons, self.started, self.slept = list(reasons), [], []

    def run_task(self, **request):
        reason = self.reasons[min(len(self.started), len(self.reasons) - 1)]
        self.started.append(reason)
        if reason.startswith("Unable"):
            raise ClientError({"Error": {"Code": "InvalidParameterException", "Message": reason}}, "RunTask")
        return {"tasks": [{"taskArn": f"arn/{len(self.started)}"}]}

    def get_waiter(self, _):
        return SimpleNamespace(wait=lambda **_: None)

    def describe_tasks(self, tasks, **_):
        return {"tasks": [{"stoppedReason": self.started[int(tasks[0].partition("/")[2]) - 1]}]}

    def start(self, monkeypatch, target="aws"):
        monkeypatch.setattr(waiting.time, "sleep", self.slept.append)
        monkeypatch.setattr(waiting.time, "monotonic", lambda: sum(self.slept))
        lab = SimpleNamespace(target=target, client=lambda _: self)
        return fargate.start(lab, self.run_task, cluster="demo-cluster", taskDefinition="demo-app")


NO_ROLE = "ECS was unable to assume the role 'arn:aws:iam::1:role/demo-execution' that was provided for this task."


@pytest.mark.parametrize(
    "not_yet", [NO_ROLE, "Unable to assume the service linked role. Please verify that it exists."]
)
def test_a_role_that_is_new_is_waited_for(monkeypatch, capsys, not_yet):
    assert Ecs(not_yet, not_yet, "").start(monkeypatch) == "arn/3"
    assert capsys.readouterr().out.count("ECS can assume the role of the task") == 1


def test_a_task_that_fails_for_another_reason_is_started_once(monkeypatch):
    ecs = Ecs("CannotPullContainerError: not found")
    assert (ecs.start(monkeypatch), ecs.slept) == ("arn/1", [])


def test_a_role_with_a_fault_ends_the_wait(monkeypatch):
    """The learner reads the stopped reason of the last task."""
    ecs = Ecs(NO_ROLE)
    assert ecs.start(monkeypatch) == f"arn/{len(ecs.started)}"
    assert sum(ecs.slept) >= fargate.ROLE_SECONDS


def test_ecs_without_its_own_role_is_an_error_at_the_limit(monkeypatch):
    with pytest.raises(SandboxError, match="did not apply this within 120 seconds: ECS can assume the role"):
        Ecs("Unable to assume the service linked role.").start(monkeypatch)


def test_in_the_sandbox_a_task_is_started_once(monkeypatch):
    ecs = Ecs(NO_ROLE)
    assert (ecs.start(monkeypatch, "sandbox"), ecs.started) == ("arn/1", [NO_ROLE])
