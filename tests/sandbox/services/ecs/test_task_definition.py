"""Which task definitions Fargate accepts: the rules as tables, and one error through the real API."""

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto.core.exceptions import ServiceException

from ecr_sandbox.registry import image_name
from ecr_sandbox.services.ecs import fargate
from ecr_sandbox.services.ecs.fargate import SIZES, check, in_order, shares, size

ROLE = "arn:aws:iam::123456789012:role/execution"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:v1"


def definition(**also) -> dict:
    container = {"name": "web", "image": IMAGE, **also.pop("container", {})}
    about = {"family": "app", "cpu": "256", "memory": "512", "executionRoleArn": ROLE, "networkMode": "awsvpc"}
    return {**about, "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [container], **also}


def test_the_first_and_last_size_of_every_row_of_awss_table():
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html"""
    ends = {cpu: (min(memory), max(memory), len(memory)) for cpu, memory in SIZES.items()}
    assert ends == {
        256: (512, 2048, 3),
        512: (1024, 4096, 4),
        1024: (2048, 8192, 7),
        2048: (4096, 16384, 13),
        4096: (8192, 30720, 23),
        8192: (16384, 61440, 12),
        16384: (32768, 122880, 12),
    }


@pytest.mark.parametrize(
    "cpu, memory, says",
    [
        ("257", "99", "No Fargate configuration exists for given values: 257 CPU, 99 memory."),
        ("1024", "1024", "No Fargate configuration exists for given values: 1024 CPU, 1024 memory."),
        ("256", "4096", "No Fargate configuration exists"),
        ("8192", "17408", "No Fargate configuration exists"),
        (None, "512", "Fargate requires that 'cpu' be defined at the task level."),
        ("256", None, "Fargate requires that 'memory' be defined at the task level."),
        ("much", "512", "Invalid 'cpu' setting for task."),
    ],
)
def test_sizes_that_fargate_does_not_support_are_refused(cpu, memory, says):
    with pytest.raises(ServiceException) as refused:
        check(definition(cpu=cpu, memory=memory))
    assert says in refused.value.message


@pytest.mark.parametrize("cpu, memory", [("256", "512"), (".25 vCPU", "0.5 GB"), ("1 vcpu", "2GB"), ("4096", "30720")])
def test_sizes_that_fargate_supports_are_accepted(cpu, memory):
    check(definition(cpu=cpu, memory=memory))
    assert size({"cpu": ".25 vCPU", "memory": "0.5 GB"}) == (256, 512)


@pytest.mark.parametrize(
    "changed, says",
    [
        ({"networkMode": "bridge"}, "Fargate only supports network mode"),
        ({"networkMode": "host"}, "Fargate only supports network mode"),
        ({"ipcMode": "host"}, "do not support ipcMode"),
        ({"volumes": [{"name": "v", "host": {"sourcePath": "/"}}]}, "do not support sourcePath"),
        ({"volumes": [{"name": "v"}]}, "'volumes' of a task definition is not part of this sandbox"),
        ({"executionRoleArn": None}, "to have execution role ARN to support ECR images"),
        ({"executionRoleArn": "execution"}, "Role is not valid"),
        ({"container": {"privileged": True}}, "do not support privileged"),
        ({"container": {"extraHosts": [{"hostname": "a", "ipAddress": "1.2.3.4"}]}}, "do not support extraHosts"),
        ({"container": {"dockerSecurityOptions": ["seccomp:unconfined"]}}, "do not support dockerSecurityOptions"),
        ({"container": {"linuxParameters": {"devices": [{"hostPath": "/dev/kmsg"}]}}}, "do not support devices"),
        ({"container": {"linuxParameters": {"sharedMemorySize": 9}}}, "do not support sharedMemorySize"),
        ({"container": {"linuxParameters": {"capabilities": {"add": ["SYS_ADMIN"]}}}}, "SYS_ADMIN"),
        ({"container": {"mountPoints": [{"sourceVolume": "v"}]}}, "mountPoints' of a task definition is not part"),
        ({"container": {"secrets": [{"name": "a", "valueFrom": "b"}]}}, "secrets' of a task definition is not part"),
        ({"container": {"healthCheck": {"command": ["true"]}}}, "healthCheck' of a task definition is not part"),
        ({"container": {"cpu": 512}}, "The 'cpu' setting for container 'web' is greater than for the task."),
        ({"container": {"memory": 1024}}, "The 'memory' setting for container 'web' is greater than for the task."),
        ({"container": {"essential": False}}, "At least one container should be essential"),
        ({"container": {"dependsOn": [{"containerName": "web", "condition": "START"}]}}, "Invalid 'dependsOn'"),
        ({"container": {"logConfiguration": {"logDriver": "splunk"}}}, "The log driver splunk is not part"),
        ({"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, "runs Windows is not part"),
    ],
)
def test_unsupported_parameters_are_refused(changed, says):
    with pytest.raises(ServiceException) as refused:
        check(definition(**changed))
    assert says in refused.value.message


def test_two_containers_with_the_same_name_are_refused():
    twice = {"name": "web", "image": IMAGE}
    with pytest.raises(ServiceException, match="must be unique"):
        check(definition(containerDefinitions=[twice, twice]))


@given(
    st.sampled_from(sorted(SIZES)).flatmap(lambda cpu: st.tuples(st.just(cpu), st.sampled_from(list(SIZES[cpu])))),
    st.lists(st.tuples(st.integers(0, 64), st.integers(0, 128)), min_size=1, max_size=4),
)
def test_the_containers_of_a_task_share_its_resources(whole, named):
    cpu, memory = whole
    parts = shares(cpu, memory, [{"cpu": one, "memory": other} for one, other in named])
    assert sum(part[0] for part in parts) <= cpu and sum(part[1] for part in parts) <= memory
    assert all(part[0] > 0 and part[1] > 0 for part in parts)


def test_a_single_container_gets_all_resources():
    assert shares(256, 512, [{}]) == [(256, 512)]


def test_a_dependency_starts_first():
    last = {"name": "c", "dependsOn": [{"containerName": "b", "condition": "START"}]}
    middle = {"name": "b", "dependsOn": [{"containerName": "a", "condition": "SUCCESS"}]}
    assert [each["name"] for each in in_order([last, middle, {"name": "a"}])] == ["a", "b", "c"]
    with pytest.raises(ServiceException, match="Invalid 'dependsOn'"):
        in_order([{**middle, "name": "a"}, {"name": "b", "dependsOn": [{"containerName": "a", "condition": "START"}]}])


@pytest.mark.parametrize(
    "name, host, path, tag, digest",
    [
        ("app", "docker.io", "library/app", "latest", None),
        ("somebody/app:v1", "docker.io", "somebody/app", "v1", None),
        ("localhost:5050/app", "localhost:5050", "app", "latest", None),
        ("localhost/app:v1", "localhost", "app", "v1", None),
        (IMAGE, "123456789012.dkr.ecr.us-east-1.amazonaws.com", "app", "v1", None),
        ("public.ecr.aws/docker/library/python:3", "public.ecr.aws", "docker/library/python", "3", None),
        ("a.b/c/d@sha256:00", "a.b", "c/d", None, "sha256:00"),
        ("a.b/c/d:v1@sha256:00", "a.b", "c/d", "v1", "sha256:00"),
    ],
)
def test_the_parts_of_an_images_name(name, host, path, tag, digest):
    assert image_name.parse(name) == image_name.ImageName(host, path, tag, digest)


@given(st.text(max_size=80))
def test_any_text_can_be_parsed_as_an_image_name(text):
    image_name.parse(text)


def test_the_default_architecture_is_x86_64():
    assert fargate.architecture(None) == "amd64"
    assert fargate.architecture({"cpuArchitecture": "ARM64"}) == "arm64"


def test_the_client_gets_the_error(sandbox):
    with pytest.raises(ClientError) as refused:
        sandbox.client("ecs").register_task_definition(**definition(cpu="257", memory="99"))
    assert refused.value.response["Error"] == {
        "Code": "ClientException",
        "Message": "No Fargate configuration exists for given values: 257 CPU, 99 memory. "
        "See the Amazon ECS documentation for the valid values.",
    }


def test_container_memory_is_optional(sandbox):
    made = sandbox.client("ecs").register_task_definition(**definition())["taskDefinition"]
    assert made["compatibilities"] == ["EC2", "FARGATE"] and made["revision"] == 1


def test_a_log_configuration_needs_a_region_and_a_stream_prefix(sandbox):
    logs = {"logDriver": "awslogs", "options": {"awslogs-group": "/x"}}
    with pytest.raises(ClientError, match="Log driver awslogs requires options: awslogs-region, awslogs-stream-prefix"):
        sandbox.client("ecs").register_task_definition(**definition(container={"logConfiguration": logs}))


@pytest.mark.parametrize("operation, about", [("register_container_instance", {}), ("list_account_settings", None)])
def test_settings_without_effect_are_refused(sandbox, operation, about):
    ecs = sandbox.client("ecs")
    if about is None:
        assert getattr(ecs, operation)()["settings"] == []
    else:
        with pytest.raises(ClientError, match="is not part of this sandbox"):
            getattr(ecs, operation)(**about)
