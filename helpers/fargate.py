"""Runs tasks on Fargate: their network and processor, how to wait for them, their app's page, and what ECS runs."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from helpers.errors import LabError

if TYPE_CHECKING:
    import requests

    from helpers.lab import Lab

PAGE_SECONDS = 120
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


def page(lab: "Lab", task: Mapping[str, Any], path: str = "/") -> str:
    """The answer of the app of a running *task* at *path*, once there is one; a sentence on AWS.

    In the sandbox the app's port is open on this machine. On AWS the task has its own address, but the default
    security group allows no traffic from outside.
    """
    if lab.target != "sandbox":
        return "The task runs in your VPC, and its security group allows no traffic from outside."
    return get(task, path, PAGE_SECONDS).text


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
