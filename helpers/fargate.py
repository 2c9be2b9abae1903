"""Runs tasks on Fargate: their network and processor, how to wait for them, their app's page, and what ECS runs."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from helpers.errors import LabError, denied_action
from helpers.waiting import NotApplied, Result, wait_for

if TYPE_CHECKING:
    import requests

    from helpers.lab import Lab

PAGE_SECONDS = 120
ROLE_SECONDS = 120  # on AWS, until ECS can assume a role that was created a moment ago
OUTCOME_SECONDS = 60  # on AWS, until a change of a role has an effect on a task
NO_ROLE = "ECS was unable to assume the role"
SANDBOX_SUBNET = "subnet-0123456789abcdef0"  # the sandbox has no VPC and accepts any subnet
PROCESSORS = {"x86_64": "X86_64", "amd64": "X86_64", "aarch64": "ARM64", "arm64": "ARM64"}


def network(lab: "Lab") -> dict[str, Any]:
    """``networkConfiguration`` for a task that can reach ECR: on AWS, the public subnets of the default VPC.

    LabError if there is no default VPC.
    """
    subnets = [SANDBOX_SUBNET]
    if lab.target != "sandbox":
        filters = [{"Name": "default-for-az", "Values": ["true"]}]
        found = lab.client("ec2").describe_subnets(Filters=filters)["Subnets"]
        subnets = sorted(subnet["SubnetId"] for subnet in found)
    if not subnets:
        raise LabError("This account has no default VPC in this region.", "aws ec2 create-default-vpc")
    return {"awsvpcConfiguration": {"subnets": subnets, "assignPublicIp": "ENABLED"}}


def processor(lab: "Lab") -> str:
    """``X86_64`` or ``ARM64``: the processor for which Docker builds images here."""
    return PROCESSORS.get(lab.engine().info()["Architecture"], "X86_64")


def patience(lab: "Lab") -> dict[str, float]:
    """``WaiterConfig`` for ten minutes: ten polls a second in the sandbox, boto3's own interval on AWS."""
    return {"Delay": 0.1, "MaxAttempts": 6000} if lab.target == "sandbox" else {"Delay": 6, "MaxAttempts": 100}


def start(lab: "Lab", run_task: Callable[..., dict[str, Any]], **request: Any) -> str:
    """The ARN of a task that ``run_task(**request)`` starts, ``ecs.run_task`` of boto3.

    On AWS it is called again while ECS cannot assume a role that is new, and for the account's first task, until ECS
    has its own role. A role that ECS still cannot assume after ROLE_SECONDS has another fault, so that task counts.
    """
    started: list[str] = []

    def attempt() -> bool:
        started.append(run_task(**request)["tasks"][0]["taskArn"])
        return lab.target == "sandbox" or NO_ROLE not in _outcome(_started(lab, started[-1]))

    return _last(started, lab, "ECS can assume the role of the task", attempt, ROLE_SECONDS)


def run_until(lab: "Lab", run: Callable[[], str], *outcomes: str) -> dict[str, Any]:
    """The task with one of these *outcomes*, of the tasks that ``run()`` starts; it returns the ARN of one.

    An outcome is ``RUNNING`` or a part of the ``stoppedReason``. On AWS a change of a role has no effect for some
    seconds, so a task with another outcome is followed by one more. After OUTCOME_SECONDS the last one counts, because
    its reason is what the learner needs. A task that runs although it should not is stopped: AWS bills it.
    """
    found: list[dict[str, Any]] = []

    def attempt() -> bool:
        found.append(_started(lab, run()))
        if any(outcome in _outcome(found[-1]) for outcome in outcomes):
            return True
        if found[-1]["lastStatus"] == "RUNNING":
            found[-1] = _stopped(lab, found[-1]["taskArn"])
        return False

    return _last(found, lab, f"the outcome of a task is “{outcomes[0]}”", attempt, OUTCOME_SECONDS)


def _last(found: list[Result], lab: "Lab", what: str, attempt: Callable[[], bool], seconds: float) -> Result:
    """The last one that *attempt* added to *found*, even if it is not the right one after *seconds*."""
    try:
        wait_for(lab, what, attempt, seconds)
    except NotApplied:
        if not found:
            raise
    return found[-1]


def page(lab: "Lab", task: Mapping[str, Any], path: str = "/") -> str:
    """The answer of the app of a running *task* at *path*, once there is one; a sentence on AWS.

    In the sandbox the app's port is open on this machine. On AWS the task has its own address, but the default
    security group allows no traffic from outside.
    """
    if lab.target != "sandbox":
        return "The task runs in your VPC, and its security group allows no traffic from outside."
    return get(task, path, PAGE_SECONDS).text


def _started(lab: "Lab", task: str) -> dict[str, Any]:
    """The task of this ARN as ECS describes it, once it runs or has stopped."""
    from botocore.exceptions import WaiterError

    with _no_other_task():
        with contextlib.suppress(WaiterError):  # it stopped before it ran
            _wait(lab, task, "tasks_running")
        return _described(lab, task)


def _stopped(lab: "Lab", task: str) -> dict[str, Any]:
    """The task as ECS describes it, after it was stopped."""
    with _no_other_task():
        lab.client("ecs").stop_task(cluster=_cluster(task), task=task, reason="It ran, and was stopped.")
        _wait(lab, task, "tasks_stopped")
        return _described(lab, task)


@contextlib.contextmanager
def _no_other_task() -> Iterator[None]:
    """LabError for a denied call: ``wait_for`` would call again, which starts one more task that AWS bills."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if action := denied_action(error):
            raise LabError(f"{error}.", f"allow {action}") from None
        raise


def _wait(lab: "Lab", task: str, what: str) -> None:
    waiter = lab.client("ecs").get_waiter(what)
    waiter.wait(cluster=_cluster(task), tasks=[task], WaiterConfig=patience(lab))


def _described(lab: "Lab", task: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.client("ecs").describe_tasks(cluster=_cluster(task), tasks=[task])["tasks"][0]
    return found


def _cluster(task: str) -> str:
    """``demo-cluster`` of ``arn:aws:ecs:us-east-1:123456789012:task/demo-cluster/0123…``."""
    return task.split("/")[1]


def _outcome(task: Mapping[str, Any]) -> str:
    return f"{task['lastStatus']} {task.get('stoppedReason', '')}"


def get(task: Mapping[str, Any], path: str, seconds: float) -> "requests.Response":
    """The response of the app of a sandbox task at *path*, with any status; LabError if there is none in *seconds*."""
    import requests

    port = task["containers"][0]["networkBindings"][0]["hostPort"]
    end = time.monotonic() + seconds
    while True:
        try:
            return requests.get(f"http://127.0.0.1:{port}{path}", timeout=10)
        except requests.RequestException:
            if time.monotonic() > end:
                raise LabError("The app does not answer.", "look at the log of its task") from None
            time.sleep(0.1)


def tasks(ecs: Any, cluster: str, **which: str) -> list[dict[str, Any]]:
    """The tasks of a cluster as ECS describes them; *which* are further arguments of ``list_tasks``."""
    found = []
    for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster, **which):
        if page["taskArns"]:
            found += ecs.describe_tasks(cluster=cluster, tasks=page["taskArns"])["tasks"]
    return found


def services(ecs: Any, cluster: str) -> list[dict[str, Any]]:
    """The services of a cluster as ECS describes them."""
    found = []
    for page in ecs.get_paginator("list_services").paginate(cluster=cluster):  # ten a page, as many as are described
        if page["serviceArns"]:
            found += ecs.describe_services(cluster=cluster, services=page["serviceArns"])["services"]
    return found
