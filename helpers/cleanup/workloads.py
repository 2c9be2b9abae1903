"""The course's ECS clusters and task definitions, Lambda functions and log groups: found by their tag."""

import contextlib
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from helpers import fargate, settings
from helpers.errors import LabError
from helpers.list_all import list_all

from . import kinds
from .kinds import Found, Kind, Place, has_tag
from .places import home

if TYPE_CHECKING:
    from helpers.lab import Lab

LOG_GROUP_PREFIX = f"/ecs/{settings.PREFIX}"
STOP_SECONDS = 120


def all_kinds(place: Place) -> list[Kind]:
    """In the order of deletion: what runs and costs money comes first."""
    ecs, logs, functions = (place.client(service) for service in ("ecs", "logs", "lambda"))
    return [
        Kind("cluster", "clusters", partial(_clusters, ecs), partial(_cluster, ecs), place),
        Kind("task definition", "task definitions", partial(_task_definitions, ecs), partial(_revisions, ecs), place),
        Kind("log group", "log groups", partial(_log_groups, logs), partial(_log_group, logs), place),
        Kind("function", "functions", partial(_functions, functions), partial(_function, functions), place),
    ]


def made(lab: "Lab") -> list[str]:
    """``["cluster demo-cluster", …]``: all with the tutorial's tag; LabError if AWS does not list one of the kinds."""
    return kinds.made(all_kinds(home(lab)))


def _clusters(ecs: Any) -> Iterator[Found]:
    arns = list_all(ecs, "list_clusters", "clusterArns")
    for start in range(0, len(arns), 100):  # as many as one call describes
        yield from (found for found in _described(ecs, arns[start : start + 100]) if found.is_ours)


def _cluster(ecs: Any, name: str) -> Iterator[Found]:
    return _described(ecs, [name])


def _described(ecs: Any, clusters: list[str]) -> Iterator[Found]:
    for each in ecs.describe_clusters(clusters=clusters, include=["TAGS"])["clusters"]:
        if each["status"] != "INACTIVE":
            delete = partial(_delete_cluster, ecs, each["clusterArn"])
            yield Found(each["clusterName"], delete, has_tag(each.get("tags")))


def _task_definitions(ecs: Any) -> Iterator[Found]:
    families = list_all(ecs, "list_task_definition_families", "families", familyPrefix=settings.PREFIX, status="ALL")
    for family in families:
        yield from (found for found in _revisions(ecs, family) if found.is_ours)


def _revisions(ecs: Any, family: str) -> Iterator[Found]:
    """The revisions of this family: also the inactive ones, which stay until they are deleted."""
    for status in ("ACTIVE", "INACTIVE"):
        for arn in list_all(ecs, "list_task_definitions", "taskDefinitionArns", familyPrefix=family, status=status):
            tags = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"]).get("tags")
            delete = partial(_delete_task_definition, ecs, arn, status)
            yield Found(arn.rpartition("/")[2], delete, has_tag(tags))


def _log_groups(logs: Any) -> Iterator[Found]:
    return (found for found in _groups(logs, LOG_GROUP_PREFIX) if found.is_ours)


def _log_group(logs: Any, name: str) -> Iterator[Found]:
    return (found for found in _groups(logs, name) if found.name == name)


def _groups(logs: Any, prefix: str) -> Iterator[Found]:
    for group in list_all(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=prefix):
        name = group["logGroupName"]
        tags = logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
        yield Found(name, partial(logs.delete_log_group, logGroupName=name), has_tag(tags))


def _functions(functions: Any) -> Iterator[Found]:
    for name in (each["FunctionName"] for each in list_all(functions, "list_functions", "Functions")):
        if name.startswith(settings.PREFIX):
            yield from (found for found in _function(functions, name) if found.is_ours)


def _function(functions: Any, name: str) -> Iterator[Found]:
    with contextlib.suppress(functions.exceptions.ResourceNotFoundException):
        tags = functions.get_function(FunctionName=name).get("Tags")
        yield Found(name, partial(functions.delete_function, FunctionName=name), has_tag(tags))


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


def _delete_task_definition(ecs: Any, arn: str, status: str) -> None:
    if status == "ACTIVE":
        ecs.deregister_task_definition(taskDefinition=arn)
    for failure in ecs.delete_task_definitions(taskDefinitions=[arn])["failures"]:
        raise LabError(f"{failure.get('reason')} {failure.get('detail', '')}".strip() + ".", "lab.clean_up() again")
