"""Names and sizes of containers that ECS refuses, in a definition and in RunTask's overrides; no engine is needed.

The sources of the sentences are in ``services/ecs/errors.py``.
"""

import json
import string
import uuid

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto.core.exceptions import ServiceException

from ecr_sandbox.services.ecs import awslogs, container_rules
from ecr_sandbox.services.ecs.awslogs import Stream
from ecr_sandbox.services.ecs.image_pull import NotStarted

LONG = "a" * 256
WEB = {"name": "web", "image": "app:v1"}


def refused(**changed) -> str:
    with pytest.raises(ServiceException) as error:
        container_rules.check_containers([{**WEB, **changed}])
    assert error.value.code == "ClientException"
    return error.value.message


@pytest.mark.parametrize(
    "changed, says",
    [
        ({"name": "../../x"}, "Container.name contains invalid characters."),
        ({"name": "a b"}, "Container.name contains invalid characters."),
        ({"name": "web\n"}, "Container.name contains invalid characters."),
        ({"name": "wéb"}, "Container.name contains invalid characters."),
        ({"name": ""}, "Container.name should not be null or empty."),
        ({"name": None}, "Container.name should not be null or empty."),
        ({"name": LONG}, "Container.name should be 255 characters or less."),
        ({"image": ""}, "Container.image should not be null or empty."),
        ({"image": LONG}, "Container.image should be 255 characters or less."),
        ({"image": "app:v1 --privileged"}, "Container.image contains invalid characters."),
        ({"cpu": -1}, "Invalid 'cpu' setting for container 'web'."),
        ({"memory": 0}, "Invalid 'memory' setting for container 'web'."),
        ({"memory": -1}, "Invalid 'memory' setting for container 'web'."),
        ({"memory": 5}, "Invalid 'memory' setting for container 'web'."),
        ({"memory": 128, "memoryReservation": 256}, "Invalid 'memoryReservation' setting for container 'web'."),
        ({"stopTimeout": -1}, "Invalid 'stopTimeout' setting for container 'web'."),
        ({"stopTimeout": 121}, "Invalid 'stopTimeout' setting for container 'web'."),
        (
            {"ulimits": [{"name": "nofile", "softLimit": 2, "hardLimit": 1}]},
            "Invalid 'ulimits' setting for container 'web'.",
        ),
        ({"portMappings": [{"containerPort": 0}]}, "Invalid 'containerPort' setting for container 'web'."),
        ({"portMappings": [{"containerPort": 65536}]}, "Invalid 'containerPort' setting for container 'web'."),
        ({"portMappings": [{}]}, "Invalid 'containerPort' setting for container 'web'."),
        (
            {"portMappings": [{"containerPort": 80, "hostPort": 8080}]},
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        ),
        ({"portMappings": [{"containerPort": 80}] * 2}, "TCP host port '80' is mapped multiple times in task."),
        ({"environment": [{"name": "", "value": "x"}]}, "Invalid 'environment' setting for container 'web'"),
        ({"environment": [{"name": "A=B", "value": "x"}]}, "Invalid 'environment' setting for container 'web'"),
        ({"environment": [{"name": "A", "value": "x\0y"}]}, "Invalid 'environment' setting for container 'web'"),
        ({"command": ["sh", "a\0b"]}, "Invalid 'command' setting for container 'web'."),
        ({"dockerLabels": {"": "x"}}, "Invalid 'dockerLabels' setting for container 'web'."),
    ],
)
def test_a_container_that_ecs_refuses(changed, says):
    assert refused(**changed).startswith(says)


def test_a_container_that_ecs_accepts():
    ports = [{"containerPort": 80}, {"containerPort": 80, "protocol": "udp"}, {"containerPort": 81, "hostPort": 81}]
    full = {"cpu": 0, "memory": 6, "memoryReservation": 6, "stopTimeout": 120, "portMappings": ports}
    container_rules.check_containers([{**WEB, **full, "environment": [{"name": "a.b-c", "value": ""}]}])


def test_the_number_of_containers():
    with pytest.raises(ServiceException, match="Container list cannot be empty"):
        container_rules.check_containers([])
    with pytest.raises(ServiceException, match="Too many containers"):
        container_rules.check_containers([{**WEB, "name": f"web{n}"} for n in range(11)])


@given(st.text(max_size=300))
def test_a_name_that_is_accepted_is_safe_for_the_engine(name):
    try:
        container_rules.check_name("Container.name", name)
    except ServiceException:
        return
    assert set(name) <= set(string.ascii_letters + string.digits + "-_")
    assert len(name) <= 255


@pytest.mark.parametrize(
    "stream, says",
    [
        (Stream("1" * 12, "us-east-1", "../x y", "s/web/1"), "Value '../x y' at 'logGroupName' failed to satisfy"),
        (Stream("1" * 12, "us-east-1", "/ecs", "a:b/web/1"), "Value 'a:b/web/1' at 'logStreamName' failed to satisfy"),
        (Stream("1" * 12, "mars-1", "/ecs", "s/web/1"), "lookup logs.mars-1.amazonaws.com: no such host"),
    ],
)
def test_names_that_cloudwatch_logs_refuses_stop_the_task_with_a_reason(stream, says):
    with pytest.raises(NotStarted) as stopped:
        awslogs._check_names(stream)
    assert "ResourceInitializationError: failed to validate logger args" in str(stopped.value)
    assert says in str(stopped.value)


# --- through the API ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def role(sandbox) -> str:
    """A role that tasks may use."""
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    return sandbox.client("iam").create_role(RoleName="rules", AssumeRolePolicyDocument=document)["Role"]["Arn"]


@pytest.fixture(scope="module")
def subnet(sandbox) -> str:
    return sandbox.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]


@pytest.fixture
def run(sandbox, role, subnet):
    """Calls RunTask for a task of two containers with 256 CPU units and 512 MiB."""
    ecs, family = sandbox.client("ecs"), f"f-{uuid.uuid4().hex[:8]}"
    ecs.create_cluster(clusterName="default")
    containers = [{**WEB, "cpu": 128, "memory": 256}, {**WEB, "name": "side", "essential": False}]
    about = {"cpu": "256", "memory": "512", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"]}
    ecs.register_task_definition(family=family, containerDefinitions=containers, executionRoleArn=role, **about)
    network = {"awsvpcConfiguration": {"subnets": [subnet]}}

    def call(**given):
        return ecs.run_task(taskDefinition=family, launchType="FARGATE", networkConfiguration=network, **given)

    return call


SUM = "The sum of all container 'memory' values cannot be greater than the value of the task 'memory'."


@pytest.mark.parametrize(
    "overrides, code, says",
    [
        (
            {"containerOverrides": [{"name": "web", "memory": 4096}]},
            "InvalidParameterException",
            "'memory' setting for container 'web' is greater than for task.",
        ),
        (
            {"containerOverrides": [{"name": "web", "cpu": 1024}]},
            "InvalidParameterException",
            "'cpu' setting for container 'web' is greater than for task.",
        ),
        (
            {"containerOverrides": [{"name": "web", "memory": 300}, {"name": "side", "memory": 300}]},
            "InvalidParameterException",
            SUM,
        ),
        ({"containerOverrides": [{"name": "side", "memoryReservation": 300}]}, "InvalidParameterException", SUM),
        (
            {"containerOverrides": [{"name": "web", "cpu": -1}]},
            "InvalidParameterException",
            "Invalid 'cpu' setting for container 'web'.",
        ),
        (
            {"containerOverrides": [{"name": "../x"}]},
            "InvalidParameterException",
            "Override for container named ../x is not a container in the TaskDefinition.",
        ),
        (
            {"containerOverrides": [{"name": "web", "environment": [{"name": "A=B", "value": ""}]}]},
            "ClientException",
            "Invalid 'environment' setting for container 'web'",
        ),
        ({"cpu": "257"}, "ClientException", "No Fargate configuration exists for given values: 257 CPU, 512 memory."),
        ({"cpu": "-256"}, "ClientException", "No Fargate configuration exists"),
        ({"memory": "lots"}, "InvalidParameterException", "Invalid 'memory' setting for task."),
        ({"memory": "1e999 GB"}, "InvalidParameterException", "Invalid 'memory' setting for task."),
        ({"taskRoleArn": "x"}, "ClientException", "Role is not valid"),
        (
            {"taskRoleArn": "arn:aws:iam::123456789012:role/none"},
            "ClientException",
            "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/none'",
        ),
        (
            {"ephemeralStorage": {"sizeInGiB": 200}},
            "UnsupportedOperationException",
            "'overrides.ephemeralStorage' of the overrides of a task is not part of this sandbox.",
        ),
    ],
)
def test_overrides_that_ecs_refuses(run, overrides, code, says):
    with pytest.raises(ClientError) as error:
        run(overrides=overrides)
    assert error.value.response["Error"]["Code"] == code
    assert error.value.response["Error"]["Message"].startswith(says)


def test_an_override_of_the_task_makes_room_for_its_containers(run):
    """The size that counts is the overridden one: API reference, TaskOverride."""
    made = run(overrides={"memory": "1024", "containerOverrides": [{"name": "web", "memory": 900}]})
    assert made["tasks"][0]["memory"] == "1024"


@pytest.mark.parametrize("name", ["../x", "a b", LONG, "a.b"])
def test_names_of_clusters_services_and_families(sandbox, role, run, name):
    ecs = sandbox.client("ecs")
    must_match = r"must match \^\[a-zA-Z0-9\\-_\]\{1,255\}\$, but was"
    with pytest.raises(ClientError, match=f"Cluster {must_match}"):
        ecs.create_cluster(clusterName=name)
    with pytest.raises(ClientError, match="Service name must match"):
        ecs.create_service(serviceName=name, taskDefinition="f", launchType="FARGATE", desiredCount=0)
    with pytest.raises(ClientError, match=r"Family (contains invalid characters|should be 255 characters or less)\."):
        ecs.register_task_definition(family=name, containerDefinitions=[WEB], requiresCompatibilities=["FARGATE"])
    with pytest.raises(ClientError, match="startedBy must match"):
        run(startedBy=name if name != "../x" else "a b")
