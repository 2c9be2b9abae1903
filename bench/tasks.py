"""How long a Fargate task takes from RunTask to RUNNING when the engine has its image already."""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3

from helpers import settings

from .processes import sandbox

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}
POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
TRUST = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds; the first task, which loads ECS, is not measured."""
    with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder, "state")) as (host, _):
        image = _push(host)
        try:
            ecs = _client(host, "ecs")
            _prepare(host, ecs, image)
            seconds = [_seconds_to_run(ecs) for _ in range(runs + 1)][1:]
        finally:
            subprocess.run(["docker", "rmi", image], capture_output=True)
    return {"Fargate task: RunTask to RUNNING, image there (s)": seconds}


def _push(host: str) -> str:
    """The base image as ``app:v1``, which the engine keeps."""
    [data] = _client(host, "ecr").get_authorization_token()["authorizationData"]
    _client(host, "ecr").create_repository(repositoryName="app")
    image = f"{host}/app:v1"
    with tempfile.TemporaryDirectory() as config:
        Path(config, "config.json").write_text(json.dumps({"auths": {host: {"auth": data["authorizationToken"]}}}))
        subprocess.run(["docker", "tag", settings.BASE_IMAGE, image], check=True)
        subprocess.run(["docker", "--config", config, "push", image], check=True, capture_output=True)
    return image


def _prepare(host: str, ecs: Any, image: str) -> None:
    iam = _client(host, "iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    role = iam.create_role(RoleName="execution", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="execution", PolicyArn=POLICY)
    ecs.create_cluster(clusterName="default")
    ecs.register_task_definition(
        family="app",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        executionRoleArn=role,
        containerDefinitions=[{"name": "web", "image": image, "command": ["sleep", "600"], "stopTimeout": 0}],
    )


def _seconds_to_run(ecs: Any) -> float:
    begun = time.perf_counter()
    run = ecs.run_task(taskDefinition="app", launchType="FARGATE", networkConfiguration=NETWORK)
    arn = run["tasks"][0]["taskArn"]
    _wait(ecs, arn, "RUNNING")
    seconds = time.perf_counter() - begun
    ecs.stop_task(task=arn)
    _wait(ecs, arn, "STOPPED")
    return seconds


def _wait(ecs: Any, arn: str, status: str) -> None:
    while (task := ecs.describe_tasks(tasks=[arn])["tasks"][0])["lastStatus"] != status:
        if task["lastStatus"] == "STOPPED":
            raise SystemExit(f"The task stopped: {task['stoppedReason']}")
        time.sleep(0.02)


def _client(host: str, service: str) -> Any:
    return boto3.client(
        service,
        region_name=settings.REGION,
        endpoint_url=f"http://{host}",
        aws_access_key_id=settings.ACCESS_KEY,
        aws_secret_access_key=settings.SECRET_KEY,
    )
