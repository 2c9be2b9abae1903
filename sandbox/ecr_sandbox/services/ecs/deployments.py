"""Services and their deployments: what the store keeps of them, and how the API describes them.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html, …/API_Deployment.html; rolling:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html; the sentences of events:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
"""

import math
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ecr_sandbox.aws.errors import NotInSandbox
from ecr_sandbox.state import clock

from . import errors
from .tasks import NOT_YET, PLATFORM_VERSION, RUNNING, Task

EVENTS = 100  # that are described
HERE = {
    *("cluster", "service", "serviceName", "taskDefinition", "desiredCount", "launchType", "capacityProviderStrategy"),
    *(
        "networkConfiguration",
        "platformVersion",
        "deploymentConfiguration",
        "forceNewDeployment",
        "tags",
        "clientToken",
    ),
    *("schedulingStrategy", "propagateTags", "enableECSManagedTags", "enableExecuteCommand", "deploymentController"),
}


class Part(NamedTuple):
    """A task, as a rolling update sees it: is it of the newest deployment, and does it run?"""

    arn: str
    current: bool
    running: bool


class Plan(NamedTuple):
    """How many tasks to start, and which to stop."""

    start: int
    stop: list[str]


@dataclass
class Deployment:
    """Tasks of one definition."""

    id: str
    definition: str
    network: Mapping[str, Any]
    created: float
    updated: float
    failed: int = 0


@dataclass
class Service:
    """A service; its newest deployment comes first."""

    arn: str
    name: str
    cluster_arn: str
    desired: int
    lowest: int  # percent of *desired* that run during a deployment
    highest: int  # percent of *desired* that may exist
    tags: list[dict[str, str]]
    deployments: list[Deployment]
    status: str = "ACTIVE"
    created: float = field(default_factory=clock.now)
    events: list[dict[str, Any]] = field(default_factory=list)
    steady: bool = False
    launch_type: str = "FARGATE"
    scheduling_strategy: str = "REPLICA"

    @classmethod
    def of(cls, given: Mapping[str, Any], cluster_arn: str, definition: str, network: Mapping[str, Any]) -> "Service":
        """A service with the parameters of CreateService; raises NotInSandbox."""
        _check(given)
        name = given["serviceName"]
        arn = f"{cluster_arn.replace(':cluster/', ':service/')}/{name}"
        desired = int(given.get("desiredCount") or 0)
        first = [_deployment(definition, network)]
        return cls(
            arn, name, cluster_arn, desired, *_percentages(given, 100, 200), list(given.get("tags") or []), first
        )

    @property
    def cluster_name(self) -> str:
        return self.cluster_arn.rpartition("/")[2]

    @property
    def group(self) -> str:
        return f"service:{self.name}"

    @property
    def physical_resource_id(self) -> str:
        """moto's name for the ARN."""
        return self.arn

    @property
    def newest(self) -> Deployment:
        return self.deployments[0]

    def update(self, given: Mapping[str, Any], definition: str | None, network: Mapping[str, Any] | None) -> None:
        """Apply UpdateService: another definition or network, or ``forceNewDeployment``, creates a deployment."""
        _check(given)
        if given.get("desiredCount") is not None:
            self.desired = int(given["desiredCount"])
        self.lowest, self.highest = _percentages(given, self.lowest, self.highest)
        if given.get("forceNewDeployment") or network or (definition and definition != self.newest.definition):
            new = _deployment(definition or self.newest.definition, network or self.newest.network)
            self.deployments.insert(0, new)
        self.steady = False

    def drain(self) -> None:
        """Begin to delete it."""
        self.status, self.desired, self.steady = "DRAINING", 0, False

    def add_event(self, message: str) -> None:
        """Add an event with ECS's sentence: ``(service web) has …``."""
        event = {
            "id": str(uuid.uuid4()),
            "createdAt": _time(clock.now()),
            "message": f"(service {self.name}) {message}",
        }
        self.events = [event, *self.events][:EVENTS]

    def described(self, tasks: Sequence[Task]) -> dict[str, Any]:
        """As DescribeServices answers, with the service's *tasks* that have not stopped."""
        return {
            "serviceArn": self.arn,
            "serviceName": self.name,
            "clusterArn": self.cluster_arn,
            "status": self.status,
            "desiredCount": self.desired,
            "runningCount": _running(tasks),
            "pendingCount": _pending(tasks),
            "launchType": self.launch_type,
            "platformVersion": "LATEST",
            "platformFamily": "Linux",
            "taskDefinition": self.newest.definition,
            "deploymentController": {"type": "ECS"},
            "deploymentConfiguration": {"maximumPercent": self.highest, "minimumHealthyPercent": self.lowest},
            "deployments": [self._deployment(each, tasks) for each in self.deployments],
            "networkConfiguration": {"awsvpcConfiguration": self.newest.network},
            "schedulingStrategy": self.scheduling_strategy,
            "loadBalancers": [],
            "serviceRegistries": [],
            "events": self.events,
            "createdAt": _time(self.created),
            "propagateTags": "NONE",
            "enableECSManagedTags": False,
            "enableExecuteCommand": False,
            "tags": self.tags,
        }

    def _deployment(self, each: Deployment, tasks: Sequence[Task]) -> dict[str, Any]:
        own = [task for task in tasks if task.deployment == each.id]
        newest = each is self.newest
        done = not newest or self.steady
        return {
            "id": each.id,
            "status": "PRIMARY" if newest else "ACTIVE",
            "taskDefinition": each.definition,
            "desiredCount": self.desired if newest else 0,
            "runningCount": _running(own),
            "pendingCount": _pending(own),
            "failedTasks": each.failed,
            "launchType": "FARGATE",
            "platformVersion": PLATFORM_VERSION,
            "platformFamily": "Linux",
            "networkConfiguration": {"awsvpcConfiguration": each.network},
            "createdAt": _time(each.created),
            "updatedAt": _time(each.updated),
            "rolloutState": "COMPLETED" if done else "IN_PROGRESS",
            "rolloutStateReason": f"ECS deployment {each.id} {'completed' if done else 'in progress'}.",
        }


def plan(desired: int, lowest: int, highest: int, parts: Sequence[Part]) -> Plan:
    """The next step of a service to *desired* tasks of its newest deployment.

    It starts new ones up to *highest* percent of all, and stops old ones while *lowest* percent run.
    """
    most, least = desired * highest // 100, math.ceil(desired * lowest / 100)
    current = [each for each in parts if each.current]
    old = [each for each in parts if not each.current]
    surplus = sorted(current, key=lambda each: each.running)[: max(len(current) - desired, 0)]
    spare = max(sum(each.running for each in parts if each not in surplus) - least, 0)
    going = [each for each in old if not each.running] + [each for each in old if each.running][:spare]
    start = min(desired - len(current), max(most, desired if not old else 0) - len(parts))
    return Plan(max(start, 0), [each.arn for each in (*surplus, *going)])


def _deployment(definition: str, network: Mapping[str, Any]) -> Deployment:
    now = clock.now()
    return Deployment(f"ecs-svc/{secrets.randbelow(10**19):019}", definition, network, now, now)


def _check(given: Mapping[str, Any]) -> None:
    for name in sorted(set(given) - HERE):
        if given[name]:
            raise NotInSandbox(f"'{name}' of a service")
    configuration = given.get("deploymentConfiguration") or {}
    numbers = {"desiredCount": given.get("desiredCount")}
    numbers |= {name: configuration.get(name) for name in ("minimumHealthyPercent", "maximumPercent")}
    for name, number in numbers.items():
        if number is not None and number < 0:
            raise errors.negative(name)
    if (configuration.get("deploymentCircuitBreaker") or {}).get("enable") or configuration.get("alarms"):
        raise NotInSandbox("The circuit breaker of a service")
    if (given.get("deploymentController") or {}).get("type", "ECS") != "ECS":
        raise NotInSandbox("A deployment controller other than ECS")
    if given.get("schedulingStrategy", "REPLICA") != "REPLICA" or given.get("enableExecuteCommand"):
        raise NotInSandbox("A daemon, or ECS Exec,")


def _percentages(given: Mapping[str, Any], lowest: int, highest: int) -> tuple[int, int]:
    configuration = given.get("deploymentConfiguration") or {}
    return configuration.get("minimumHealthyPercent", lowest), configuration.get("maximumPercent", highest)


def _running(tasks: Sequence[Task]) -> int:
    return sum(each.status == RUNNING and each.desired == RUNNING for each in tasks)


def _pending(tasks: Sequence[Task]) -> int:
    return sum(each.status in NOT_YET and each.desired == RUNNING for each in tasks)


def _time(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None)
