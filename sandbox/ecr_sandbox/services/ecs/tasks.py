"""A task and its containers: what the store keeps of them, and how the API describes them.

Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html, …/API_Container.html; the states:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.ecs.models import TaskDefinition

from ecr_sandbox.state import clock

from . import fargate

PROVISIONING, PENDING, ACTIVATING, RUNNING = "PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"
DEACTIVATING, STOPPING, DEPROVISIONING, STOPPED = "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"
NOT_YET = (PROVISIONING, PENDING, ACTIVATING)
PLATFORM_VERSION = "1.4.0"


@dataclass
class Container:
    """One container of a task; *runtime_id* is the engine's name for it, *bindings* are its published ports."""

    arn: str
    name: str
    image: str
    definition: Mapping[str, Any]
    status: str = PENDING
    runtime_id: str = ""
    image_digest: str = ""
    exit_code: int | None = None
    reason: str = ""
    bindings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def essential(self) -> bool:
        return bool(self.definition.get("essential", True))

    def described(self, task: "Task") -> dict[str, Any]:
        """As DescribeTasks answers.

        ``networkBindings`` are empty on Fargate; here they say at which port of this machine the container answers,
        because Docker Desktop's containers cannot be reached by their own address.
        """
        return {
            "containerArn": self.arn,
            "taskArn": task.arn,
            "name": self.name,
            "image": self.image,
            **_given(imageDigest=self.image_digest, runtimeId=self.runtime_id, reason=self.reason),
            **({} if self.exit_code is None else {"exitCode": self.exit_code}),
            "lastStatus": self.status,
            "networkBindings": self.bindings,
            "networkInterfaces": task.interfaces(),
            "healthStatus": "UNKNOWN",
            "cpu": str(self.definition.get("cpu") or 0),
            **_given(memory=str(self.definition.get("memory") or "")),
        }


@dataclass
class Task:
    """One task; *deployment* is the service's deployment that started it, or empty."""

    arn: str
    account: str
    region: str
    cluster_arn: str
    definition: TaskDefinition
    group: str
    started_by: str
    network: Mapping[str, Any]
    overrides: Mapping[str, Any]
    tags: list[dict[str, str]]
    containers: list[Container]
    deployment: str = ""
    status: str = PROVISIONING
    desired: str = RUNNING
    stop_code: str = ""
    stopped_reason: str = ""
    version: int = 1
    counted: bool = False  # its stop, by its service
    address: str = ""
    mac: str = ""
    interface: str = field(default_factory=lambda: f"eni-{uuid.uuid4().hex[:17]}")
    attachment: str = field(default_factory=lambda: str(uuid.uuid4()))
    times: dict[str, float] = field(default_factory=lambda: {"createdAt": clock.now()})

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def task_arn(self) -> str:
        """moto's name for the ARN."""
        return self.arn

    @property
    def size(self) -> tuple[int, int]:
        """CPU units and MiB."""
        both = {"cpu": self.overrides.get("cpu") or self.definition.cpu}
        return fargate.size({**both, "memory": self.overrides.get("memory") or self.definition.memory})

    @property
    def execution_role(self) -> str:
        return str(self.overrides.get("executionRoleArn") or getattr(self.definition, "execution_role_arn", None) or "")

    @property
    def task_role(self) -> str:
        return str(self.overrides.get("taskRoleArn") or getattr(self.definition, "task_role_arn", None) or "")

    @property
    def platform(self) -> str:
        """The platform of its images, as ``docker`` writes it."""
        return f"linux/{fargate.architecture(self.definition.runtime_platform)}"

    def container(self, name: str) -> Container:
        return next(each for each in self.containers if each.name == name)

    def move(self, status: str, *marks: str) -> None:
        """Change to *status* and set these *marks* (``startedAt`` …) to the current time."""
        self.status = status
        self.version += 1
        for mark in marks:
            self.times.setdefault(mark, clock.now())

    def stop(self, code: str, reason: str) -> None:
        """Set its desired status to STOPPED, and the reason; the first reason is kept."""
        self.desired = STOPPED
        if not self.stop_code:
            self.stop_code, self.stopped_reason = code, reason

    def interfaces(self) -> list[dict[str, str]]:
        """The network interface, once it exists."""
        if not self.address:
            return []
        return [{"attachmentId": self.attachment, "privateIpv4Address": self.address}]

    def described(self) -> dict[str, Any]:
        """As DescribeTasks answers."""
        cpu, memory = self.size
        return {
            "taskArn": self.arn,
            "clusterArn": self.cluster_arn,
            "taskDefinitionArn": self.definition.arn,
            "group": self.group,
            "launchType": "FARGATE",
            "platformVersion": PLATFORM_VERSION,
            "platformFamily": "Linux",
            "cpu": str(cpu),
            "memory": str(memory),
            "ephemeralStorage": {"sizeInGiB": 20},
            "enableExecuteCommand": False,
            "availabilityZone": f"{self.region}a",
            "connectivity": "CONNECTED",
            "healthStatus": "UNKNOWN",
            "attributes": [{"name": "ecs.cpu-architecture", "value": _architecture(self.definition)}],
            "overrides": {"containerOverrides": [], "inferenceAcceleratorOverrides": [], **self.overrides},
            "desiredStatus": self.desired,
            "lastStatus": self.status,
            "version": self.version,
            "tags": self.tags,
            "attachments": [self._attachment()],
            "containers": [each.described(self) for each in self.containers],
            **_given(startedBy=self.started_by, stopCode=self.stop_code, stoppedReason=self.stopped_reason),
            **{name: datetime.fromtimestamp(at, UTC).replace(tzinfo=None) for name, at in self.times.items()},
        }

    def _attachment(self) -> dict[str, Any]:
        details = {"subnetId": self.network["subnets"][0], "networkInterfaceId": self.interface}
        if self.address:
            details |= {"macAddress": self.mac, "privateDnsName": _dns_name(self.address)}
            details |= {"privateIPv4Address": self.address}
        status = "DELETED" if self.status == STOPPED else "ATTACHED" if self.address else "PRECREATED"
        return {
            "id": self.attachment,
            "type": "ElasticNetworkInterface",
            "status": status,
            "details": [{"name": name, "value": value} for name, value in details.items()],
        }


def overridden(definition: TaskDefinition, overrides: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The parameters of the containers of *definition*, with the overrides of the call."""
    changed = {each["name"]: {key: each[key] for key in each if key != "name"} for each in overrides}
    made = []
    for each in definition.container_definitions:
        merged = {**each, **changed.get(each["name"], {})}
        environment = {one["name"]: one for one in (each.get("environment") or [])}
        environment |= {one.get("name", ""): one for one in changed.get(each["name"], {}).get("environment") or []}
        made.append({**merged, "environment": list(environment.values())})
    return made


def containers_of(arn: str, definition: TaskDefinition, overrides: Sequence[Mapping[str, Any]]) -> list[Container]:
    """The containers of the task *arn*, with the overrides of the call."""
    stem = arn.replace(":task/", ":container/")
    return [
        Container(f"{stem}/{uuid.uuid4()}", each["name"], each["image"], each)
        for each in overridden(definition, overrides)
    ]


def _architecture(definition: TaskDefinition) -> str:
    return "arm64" if fargate.architecture(definition.runtime_platform) == "arm64" else "x86_64"


def _dns_name(address: str) -> str:
    return f"ip-{address.replace('.', '-')}.ec2.internal"


def _given(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
