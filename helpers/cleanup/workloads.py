"""The course's ECS clusters and task definitions, Lambda functions and log groups: found by their tag, and deleted."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from helpers import settings

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
    services = ecs.list_services(cluster=cluster)["serviceArns"]
    for service in services:
        ecs.delete_service(cluster=cluster, service=service, force=True)
    end = time.monotonic() + STOP_SECONDS
    while tasks := ecs.list_tasks(cluster=cluster)["taskArns"]:
        for task in tasks:
            ecs.stop_task(cluster=cluster, task=task)
        time.sleep(0.2)
        if time.monotonic() > end:
            break
    while any(status != "STOPPED" for status in _stopping(ecs, cluster)) and time.monotonic() < end:
        time.sleep(0.2)
    while any(status != "INACTIVE" for status in _draining(ecs, cluster)) and time.monotonic() < end:
        time.sleep(0.2)


def _stopping(ecs: Any, cluster: str) -> list[str]:
    arns = ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns[:100])["tasks"] if arns else []
    return [task["lastStatus"] for task in tasks]


def _draining(ecs: Any, cluster: str) -> list[str]:
    arns = ecs.list_services(cluster=cluster)["serviceArns"]
    services = ecs.describe_services(cluster=cluster, services=arns[:10])["services"] if arns else []
    return [service["status"] for service in services]


def _clusters(ecs: Any) -> Iterator[str]:
    arns = [arn for page in ecs.get_paginator("list_clusters").paginate() for arn in page["clusterArns"]]
    if arns:
        for each in ecs.describe_clusters(clusters=arns, include=["TAGS"])["clusters"]:
            if each["status"] == "ACTIVE" and _has_tag(each.get("tags")):
                yield each["clusterArn"]


def _task_definitions(ecs: Any) -> Iterator[str]:
    for page in ecs.get_paginator("list_task_definitions").paginate(status="ACTIVE"):
        for arn in page["taskDefinitionArns"]:
            if _name(arn).startswith(PREFIX) and _has_tag(
                ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"]).get("tags")
            ):
                yield arn


def _log_groups(logs: Any) -> Iterator[str]:
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=LOG_GROUP_PREFIX):
        for group in page["logGroups"]:
            arn = group["arn"].removesuffix(":*")
            tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
            if tags.get(settings.TAG["Key"]) == settings.TAG["Value"]:
                yield group["logGroupName"]


def _functions(client: Any) -> Iterator[str]:
    for page in client.get_paginator("list_functions").paginate():
        for each in page["Functions"]:
            name = each["FunctionName"]
            if name.startswith(PREFIX):
                tags = client.get_function(FunctionName=name).get("Tags") or {}
                if tags.get(settings.TAG["Key"]) == settings.TAG["Value"]:
                    yield name


def _has_tag(tags: Any) -> bool:
    return {"key": settings.TAG["Key"], "value": settings.TAG["Value"]} in (tags or [])


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
