"""The course's ECS clusters and task definitions, Lambda functions and log groups: found by their tag, and deleted."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from helpers import fargate, settings
from helpers.list_all import list_all

if TYPE_CHECKING:
    from helpers.lab import Lab

PREFIX = "demo-"
LOG_GROUP_PREFIX = "/ecs/demo-"
STOP_SECONDS = 120


def made(lab: "Lab") -> list[str]:
    """``["cluster demo-cluster", …]``: all workloads with the tutorial's tag; empty without permission to list them."""
    from botocore.exceptions import ClientError

    ecs = lab.client("ecs")
    try:
        return [
            *(f"cluster {_name(arn)}" for arn in _clusters(ecs)),
            *(f"task definition {_name(arn)}" for arn in _task_definitions(ecs)),
            *(f"log group {name}" for name in _log_groups(lab.client("logs"))),
            *(f"function {name}" for name in _functions(lab.client("lambda"))),
        ]
    except ClientError:  # without permission to list, the learner has made nothing here
        return []


def delete(lab: "Lab") -> list[str]:
    """Stop and delete all workloads with the tutorial's tag; returns what ``made`` returned before."""
    deleted = made(lab)
    if not deleted:
        return []
    ecs, logs, functions = lab.client("ecs"), lab.client("logs"), lab.client("lambda")
    for cluster in list(_clusters(ecs)):
        _stop_all(ecs, cluster)
        ecs.delete_cluster(cluster=cluster)
    definitions = list(_task_definitions(ecs))
    for arn in definitions:
        ecs.deregister_task_definition(taskDefinition=arn)
    for start in range(0, len(definitions), 10):
        ecs.delete_task_definitions(taskDefinitions=definitions[start : start + 10])
    for name in list(_log_groups(logs)):
        logs.delete_log_group(logGroupName=name)
    for name in list(_functions(functions)):
        functions.delete_function(FunctionName=name)
    return deleted


def _stop_all(ecs: Any, cluster: str) -> None:
    """Delete every service of a cluster, stop every task, and wait until they have stopped."""
    for service in ecs.list_services(cluster=cluster)["serviceArns"]:
        ecs.delete_service(cluster=cluster, service=service, force=True)
    end = time.monotonic() + STOP_SECONDS
    while tasks := ecs.list_tasks(cluster=cluster)["taskArns"]:
        for task in tasks:
            ecs.stop_task(cluster=cluster, task=task)
        time.sleep(0.2)
        if time.monotonic() > end:
            break
    while _is_stopping(ecs, cluster) and time.monotonic() < end:
        time.sleep(0.2)


def _is_stopping(ecs: Any, cluster: str) -> bool:
    tasks = fargate.tasks(ecs, cluster, desiredStatus="STOPPED")
    return any(task["lastStatus"] != "STOPPED" for task in tasks) or any(
        service["status"] != "INACTIVE" for service in fargate.services(ecs, cluster)
    )


def _clusters(ecs: Any) -> Iterator[str]:
    if arns := list_all(ecs, "list_clusters", "clusterArns"):
        for each in ecs.describe_clusters(clusters=arns, include=["TAGS"])["clusters"]:
            if each["status"] == "ACTIVE" and _has_tag(each.get("tags")):
                yield each["clusterArn"]


def _task_definitions(ecs: Any) -> Iterator[str]:
    for arn in list_all(ecs, "list_task_definitions", "taskDefinitionArns", status="ACTIVE"):
        if _name(arn).startswith(PREFIX) and _has_tag(
            ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"]).get("tags")
        ):
            yield arn


def _log_groups(logs: Any) -> Iterator[str]:
    for group in list_all(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=LOG_GROUP_PREFIX):
        tags = logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
        if tags.get(settings.TAG["Key"]) == settings.TAG["Value"]:
            yield group["logGroupName"]


def _functions(client: Any) -> Iterator[str]:
    for name in (each["FunctionName"] for each in list_all(client, "list_functions", "Functions")):
        if name.startswith(PREFIX):
            tags = client.get_function(FunctionName=name).get("Tags") or {}
            if tags.get(settings.TAG["Key"]) == settings.TAG["Value"]:
                yield name


def _has_tag(tags: Any) -> bool:
    return {"key": settings.TAG["Key"], "value": settings.TAG["Value"]} in (tags or [])


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
