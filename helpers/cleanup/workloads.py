"""The course's ECS clusters and task definitions, Lambda functions and log groups: found by their tag."""

import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from helpers import fargate
from helpers.errors import LabError
from helpers.list_all import list_all

from . import kinds
from .kinds import Found, Kind, has_tag

if TYPE_CHECKING:
    from helpers.lab import Lab

PREFIX = "demo-"
LOG_GROUP_PREFIX = "/ecs/demo-"
STOP_SECONDS = 120


def all_kinds(lab: "Lab") -> list[Kind]:
    """In the order of deletion: what runs and costs money comes first."""
    ecs, logs, functions = lab.client("ecs"), lab.client("logs"), lab.client("lambda")
    return [
        Kind("cluster", "clusters", partial(_clusters, ecs)),
        Kind("task definition", "task definitions", partial(_task_definitions, ecs)),
        Kind("log group", "log groups", partial(_log_groups, logs)),
        Kind("function", "functions", partial(_functions, functions)),
    ]


def made(lab: "Lab") -> list[str]:
    """``["cluster demo-cluster", …]``: all with the tutorial's tag; LabError if AWS does not list one of the kinds."""
    return kinds.made(all_kinds(lab))


def _clusters(ecs: Any) -> Iterator[Found]:
    arns = list_all(ecs, "list_clusters", "clusterArns")
    for start in range(0, len(arns), 100):  # as many as one call describes
        for each in ecs.describe_clusters(clusters=arns[start : start + 100], include=["TAGS"])["clusters"]:
            if each["status"] != "INACTIVE" and has_tag(each.get("tags")):
                yield Found(each["clusterName"], partial(_delete_cluster, ecs, each["clusterArn"]))


def _task_definitions(ecs: Any) -> Iterator[Found]:
    for arn in list_all(ecs, "list_task_definitions", "taskDefinitionArns", status="ACTIVE"):
        name = arn.rpartition("/")[2]
        if name.startswith(PREFIX):
            described = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
            if has_tag(described.get("tags")):
                yield Found(name, partial(_delete_task_definition, ecs, arn))


def _log_groups(logs: Any) -> Iterator[Found]:
    for group in list_all(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=LOG_GROUP_PREFIX):
        name = group["logGroupName"]
        if has_tag(logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]):
            yield Found(name, partial(logs.delete_log_group, logGroupName=name))


def _functions(functions: Any) -> Iterator[Found]:
    for name in (each["FunctionName"] for each in list_all(functions, "list_functions", "Functions")):
        if name.startswith(PREFIX) and has_tag(functions.get_function(FunctionName=name).get("Tags")):
            yield Found(name, partial(functions.delete_function, FunctionName=name))


def _delete_cluster(ecs: Any, cluster: str) -> None:
    """Delete every service of a cluster, stop every task, and the cluster once they have stopped."""
    for service in list_all(ecs, "list_services", "serviceArns", cluster=cluster):
        ecs.delete_service(cluster=cluster, service=service, force=True)
    end = time.monotonic() + STOP_SECONDS
    while running := _running(ecs, cluster):
        if time.monotonic() > end:
            raise LabError(f"{len(running)} of its tasks and services have not stopped yet.", "lab.clean_up() again")
        for task in list_all(ecs, "list_tasks", "taskArns", cluster=cluster):
            ecs.stop_task(cluster=cluster, task=task)
        time.sleep(0.2)
    ecs.delete_cluster(cluster=cluster)


def _running(ecs: Any, cluster: str) -> list[dict[str, Any]]:
    """The tasks and services of a cluster that are not stopped, those that are stopping included."""
    tasks = [*fargate.tasks(ecs, cluster), *fargate.tasks(ecs, cluster, desiredStatus="STOPPED")]
    return [
        *(task for task in tasks if task["lastStatus"] != "STOPPED"),
        *(service for service in fargate.services(ecs, cluster) if service["status"] != "INACTIVE"),
    ]


def _delete_task_definition(ecs: Any, arn: str) -> None:
    ecs.deregister_task_definition(taskDefinition=arn)
    for failure in ecs.delete_task_definitions(taskDefinitions=[arn])["failures"]:
        raise LabError(f"{failure.get('reason')} {failure.get('detail', '')}".strip() + ".", "lab.clean_up() again")
