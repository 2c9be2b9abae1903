"""Resources of a Fargate task in a sandbox: a role, a cluster, a log group and a small image."""

import json
import subprocess
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from helpers import settings
from tests.sandbox.conftest import PATIENCE, Sandbox

POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}
GROUP = "/ecs/app"
# A shell, `sleep` and their libraries: 3 MB, for this machine's architecture.
PACK = "tar -chf - /bin/sh /bin/sleep $(ldd /bin/sh /bin/sleep | grep -o '/lib[^ )]*' | sort -u) 2>/dev/null"


def small_image(name: str, *changes: str) -> str:
    """Create a local image of this name that can run ``sh`` and ``sleep``; its name."""
    options = [part for each in changes for part in ("--change", each)]
    subprocess.run(["docker", "import", *options, "-", name], input=_packed(), check=True, capture_output=True)
    return name


@cache
def _packed() -> bytes:
    command = ["docker", "run", "--rm", settings.BASE_IMAGE, "sh", "-c", PACK]
    return subprocess.run(command, check=True, capture_output=True).stdout


class Cloud:
    """ECS in *sandbox*, with a cluster ``lab``, an execution role and a repository ``app``."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox = sandbox
        self.ecs, self.logs, self.iam = (sandbox.client(name) for name in ("ecs", "logs", "iam"))
        self.ecs.create_cluster(clusterName="lab")
        self.logs.create_log_group(logGroupName=GROUP)
        self.role = self.make_role("execution", POLICY)

    def make_role(self, name: str, *policies: str, service: str = "ecs-tasks.amazonaws.com") -> str:
        """Create a role with these managed policies; its ARN."""
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        for policy in policies:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=policy)
        return arn

    def may(self, role: str, *statements: dict) -> None:
        """Replace the role's inline policy."""
        document = json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
        )
        self.iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=document)

    def push(self, image: str, name: str = "app:v1") -> str:
        """Push the local *image*; its address."""
        address = f"{self.sandbox.registry}/{name}"
        self.sandbox.run(f"docker tag {image} {address} && docker push -q {address} && docker rmi {address}")
        return address

    def container(self, image: str, command: str = "sleep 600", **also: Any) -> dict:
        """A container definition that runs a shell's *command*."""
        options = {"awslogs-group": GROUP, "awslogs-region": settings.REGION, "awslogs-stream-prefix": "run"}
        logs = {"logDriver": "awslogs", "options": options}
        made = {"name": "web", "image": image, "entryPoint": ["/bin/sh", "-c"], "command": [command]}
        return {**made, "logConfiguration": logs, "stopTimeout": 2, **also}

    def register(self, *containers: dict, **also: Any) -> str:
        """Register a task definition for Fargate; its ARN."""
        about = {"family": "app", "cpu": "256", "memory": "512", "executionRoleArn": self.role, **also}
        made = self.ecs.register_task_definition(
            requiresCompatibilities=["FARGATE"], networkMode="awsvpc", containerDefinitions=list(containers), **about
        )
        return made["taskDefinition"]["taskDefinitionArn"]

    def run(self, definition: str, **also: Any) -> str:
        """Start a task; its ARN."""
        where = {"cluster": "lab", "launchType": "FARGATE", "networkConfiguration": NETWORK}
        return self.ecs.run_task(taskDefinition=definition, **where, **also)["tasks"][0]["taskArn"]

    def task(self, arn: str) -> dict:
        return self.ecs.describe_tasks(cluster="lab", tasks=[arn])["tasks"][0]

    def until(self, arn: str, status: str) -> dict:
        """Wait until the task has this status; its description."""
        return until(lambda: self.task(arn), lambda task: task["lastStatus"] == status)

    def wait(self, what: str, **which: list[str]) -> None:
        """Use boto3's waiter with a poll each second; the AWS CLI polls every 6 or 15 seconds."""
        self.ecs.get_waiter(what).wait(cluster="lab", WaiterConfig={"Delay": 1, "MaxAttempts": PATIENCE}, **which)

    def stopped(self, *containers: dict, **also: Any) -> dict:
        """Run a task of these containers until it stops; its description."""
        return self.until(self.run(self.register(*containers), **also), "STOPPED")

    def lines(self, arn: str, container: str = "web") -> list[str]:
        """The log lines of a container of the task."""
        stream = f"run/{container}/{arn.rpartition('/')[2]}"
        found = self.logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True)
        return [event["message"] for event in found["events"]]


def containers_of(sandbox: Sandbox) -> list[str]:
    """The IDs of this sandbox's containers in the engine."""
    label = f"label=ecr-sandbox.task-of={sandbox.state}"
    return subprocess.run(["docker", "ps", "-aq", "--filter", label], capture_output=True, text=True).stdout.split()


def images_of(sandbox: Sandbox) -> list[str]:
    """The IDs of the images in the engine from this sandbox's registry."""
    command = ["docker", "images", "-q", "--filter", f"reference={sandbox.registry}/*"]
    return subprocess.run(command, capture_output=True, text=True).stdout.split()


def with_app(sandbox: Any, name: str) -> Cloud:
    """A cloud whose repository ``app`` has the small image as ``v1``. The local image *name* is removed."""
    sandbox.client().create_repository(repositoryName="app")
    cloud = Cloud(sandbox)
    cloud.image = cloud.push(small_image(name))
    subprocess.run(["docker", "rmi", name], capture_output=True, check=True)
    return cloud


def until(read: Callable[[], Any], condition: Callable[[Any], bool]) -> Any:
    """Wait until the result of *read* meets *condition*, and return it."""
    end = time.monotonic() + PATIENCE
    while not condition(found := read()):
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found
