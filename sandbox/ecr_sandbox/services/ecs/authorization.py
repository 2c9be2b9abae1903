"""The IAM permissions of a call of ECS: its action on its resource, and ``iam:PassRole`` for the roles it names.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html;
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security_iam_id-based-policy-examples.html, "PassRole"
"""

from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ecs.models import ecs_backends

from ecr_sandbox.iam.pass_role import pass_role
from ecr_sandbox.iam.requests import AuthorizationRequest, Call
from ecr_sandbox.iam.tagging import facts_of

from . import first_use
from .roles import SERVICE

OF_CLUSTERS = ("DescribeClusters", "DeleteCluster", "UpdateCluster", "UpdateClusterSettings")
OF_TASKS = ("DescribeTasks", "StopTask")
OF_SERVICES = ("CreateService", "UpdateService", "DeleteService", "DescribeServices")
OF_ARNS = ("TagResource", "UntagResource", "ListTagsForResource")
# What an operation creates: the kind in its ARN, and the parameter with the name. Tasks get their ids later.
CREATED = {
    "CreateCluster": ("cluster", "clusterName"),
    "RegisterTaskDefinition": ("task-definition", "family"),
    "CreateService": ("service/{cluster}", "serviceName"),
    "RunTask": ("task/{cluster}", ""),
    "StartTask": ("task/{cluster}", ""),
}
FIRST = ("CreateCluster", "RunTask", "CreateService")  # they make ECS's service-linked role, if there is none
PASSING = ("RegisterTaskDefinition", "RunTask", "CreateService", "UpdateService")


def authorization_requests(call: Call) -> Iterator[AuthorizationRequest]:
    """All requests that IAM must allow for *call*."""
    cluster = _arn(call, "cluster", str(call.parameters.get("cluster") or "default"))
    facts = {"ecs:cluster": cluster} if "cluster" in call.parameters else {}
    for resource in _resources(call):
        yield AuthorizationRequest(call.action, resource, call.account, facts)
    if call.operation in CREATED and facts_of(call.parameters, call.service):
        about = {**facts, "ecs:CreateAction": call.operation}
        yield AuthorizationRequest("ecs:TagResource", _created(call), call.account, about)
    if call.operation in FIRST and (needed := first_use.authorization_request(call)):
        yield needed
    if call.operation in PASSING:
        definition = str(call.parameters.get("taskDefinition") or f"{call.parameters.get('family', '')}:*")
        for role in dict.fromkeys(_roles(call)):
            yield pass_role(call, role, SERVICE, _arn(call, "task-definition", definition))


def _resources(call: Call) -> list[str]:
    given = call.parameters
    within = str(given.get("cluster") or "default").rpartition("/")[2]
    if call.operation in OF_CLUSTERS:
        return [_arn(call, "cluster", str(each)) for each in _several(given, "clusters", "cluster")] or ["*"]
    if call.operation in OF_TASKS:
        return [_arn(call, f"task/{within}", str(each)) for each in _several(given, "tasks", "task")] or ["*"]
    if call.operation in OF_SERVICES:
        names = _several(given, "services", "service", "serviceName")
        return [_arn(call, f"service/{within}", str(each)) for each in names] or ["*"]
    if call.operation == "RunTask":
        name = str(given.get("taskDefinition") or "")
        return [_arn(call, "task-definition", name if ":" in name else f"{name}:*")]
    return [str(given.get("resourceArn") or "*")] if call.operation in OF_ARNS else ["*"]


def _created(call: Call) -> str:
    """The ARN of what *call* creates. AWS checks the permission to tag it on this resource and not on that of *call*.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
    """
    kind, parameter = CREATED[call.operation]
    within = str(call.parameters.get("cluster") or "default").rpartition("/")[2]
    name = str(call.parameters.get(parameter) or ("default" if call.operation == "CreateCluster" else "*"))
    return _arn(call, kind.format(cluster=within), f"{name}:*" if kind == "task-definition" else name)


def _roles(call: Call) -> Iterator[str]:
    given = call.parameters
    overrides = given.get("overrides") or {}
    if call.operation == "RegisterTaskDefinition":
        yield from _two(given)
    elif given.get("taskDefinition"):
        try:
            found = ecs_backends[call.account][call.region].describe_task_definition(str(given["taskDefinition"]))
        except ServiceException:  # the operation itself answers with this error
            return
        kept = {"executionRoleArn": getattr(found, "execution_role_arn", None)}
        yield from _two({**kept, "taskRoleArn": getattr(found, "task_role_arn", None), **overrides})


def _two(given: Mapping[str, Any]) -> Iterator[str]:
    for name in ("executionRoleArn", "taskRoleArn"):
        if given.get(name):
            yield str(given[name])


def _several(given: Mapping[str, Any], *names: str) -> list[Any]:
    for name in names:
        if value := given.get(name):
            return value if isinstance(value, list) else [value]
    return []


def _arn(call: Call, kind: str, name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:ecs:{call.region}:{call.account}:{kind}/{name}"
