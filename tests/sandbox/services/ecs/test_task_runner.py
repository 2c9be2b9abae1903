"""A task on Fargate: its states, its container in the local engine, its log, and how it stops."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from helpers import settings
from tests.sandbox.fargate import GROUP, NETWORK, Cloud, containers_of, until, with_app

SMALL = "learn-amazon-ecr-tests:fargate-run"


@pytest.fixture(scope="module")
def cloud(sandbox) -> Iterator[Cloud]:
    """A cloud with the small image as ``app:v1``. No container is left after the tests."""
    cloud = with_app(sandbox, SMALL)
    yield cloud
    for arn in cloud.ecs.list_tasks(cluster="lab")["taskArns"]:
        cloud.ecs.stop_task(cluster="lab", task=arn)
        cloud.until(arn, "STOPPED")
    assert containers_of(sandbox) == []


def inspect(sandbox) -> dict:
    [container] = containers_of(sandbox)
    return json.loads(subprocess.run(["docker", "inspect", container], capture_output=True).stdout)[0]


def test_a_task_goes_through_its_states_and_awss_waiters_work(cloud):
    definition = cloud.register(cloud.container(cloud.image))
    arn = cloud.run(definition)
    first = cloud.task(arn)
    assert first["lastStatus"] in ("PROVISIONING", "PENDING", "ACTIVATING") and first["desiredStatus"] == "RUNNING"
    cloud.sandbox.run(f"aws ecs wait tasks-running --cluster lab --tasks {arn}")
    task = cloud.task(arn)
    [container] = task["containers"]
    assert container["lastStatus"] == "RUNNING"
    assert (
        container["imageDigest"]
        == cloud.sandbox.client().describe_images(repositoryName="app")["imageDetails"][0]["imageDigest"]
    )
    assert (task["cpu"], task["memory"], task["launchType"], task["platformVersion"]) == (
        "256",
        "512",
        "FARGATE",
        "1.4.0",
    )
    assert task["pullStartedAt"] <= task["pullStoppedAt"] <= task["startedAt"]
    cloud.ecs.stop_task(cluster="lab", task=arn, reason="enough")
    cloud.sandbox.run(f"aws ecs wait tasks-stopped --cluster lab --tasks {arn}")
    ended = cloud.task(arn)
    assert (ended["stopCode"], ended["stoppedReason"]) == ("UserInitiated", "enough")
    assert ended["containers"][0]["exitCode"] == 137  # a shell as the first process ignores SIGTERM
    assert containers_of(cloud.sandbox) == []


def test_the_containers_output_is_in_cloudwatch_and_its_exit_code_in_the_task(cloud):
    task = cloud.stopped(cloud.container(cloud.image, "echo hello; echo and more >&2; exit 3"))
    assert task["containers"][0]["exitCode"] == 3
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert sorted(cloud.lines(task["taskArn"])) == ["and more", "hello"]  # stdout and stderr, in any order
    stream = f"run/web/{task['taskArn'].rpartition('/')[2]}"
    output = cloud.sandbox.run(
        f"aws logs get-log-events --log-group-name {GROUP} --log-stream-name {stream} --output text"
    )
    assert "hello" in output


def test_logs_are_found_by_stream_prefix(cloud):
    chosen = cloud.container(cloud.image, "echo chosen")
    chosen["logConfiguration"]["options"]["awslogs-stream-prefix"] = "chosen"
    cloud.stopped(chosen)
    cloud.stopped(cloud.container(cloud.image, "echo another"))
    found = cloud.logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix="chosen/")["events"]
    assert [event["message"] for event in found] == ["chosen"]
    assert cloud.logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix="none/")["events"] == []


def test_the_image_is_in_the_engine_only_while_the_task_needs_it(cloud):
    """The task pulls it, and afterwards the engine has the same images as before."""
    names = lambda: subprocess.run(["docker", "images", "-a", "--digests"], capture_output=True, text=True).stdout  # noqa: E731
    before = names()
    assert f"{cloud.sandbox.registry}/app" not in before
    cloud.stopped(cloud.container(cloud.image, "exit 0"))
    until(names, lambda now: f"{cloud.sandbox.registry}/app" not in now)


def test_an_image_can_be_named_by_its_aws_address(cloud):
    image = f"{settings.ACCOUNT}.dkr.ecr.{settings.REGION}.amazonaws.com/app:v1"
    assert cloud.stopped(cloud.container(image, "exit 0"))["containers"][0]["exitCode"] == 0


def test_the_call_can_override_environment_and_command(cloud):
    definition = cloud.register(
        cloud.container(cloud.image, "exit 1", environment=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])
    )
    changed = {"name": "web", "command": ["echo $A $B"], "environment": [{"name": "B", "value": "3"}]}
    arn = cloud.run(definition, overrides={"containerOverrides": [changed]})
    cloud.until(arn, "STOPPED")
    assert cloud.lines(arn) == ["1 3"]


def test_a_container_has_no_more_than_its_task_and_no_access_to_the_host(cloud):
    arn = cloud.run(cloud.register(cloud.container(cloud.image), cpu="512", memory="1024"))
    cloud.until(arn, "RUNNING")
    found = inspect(cloud.sandbox)
    host = found["HostConfig"]
    assert (host["NanoCpus"], host["Memory"], host["MemorySwap"]) == (500_000_000, 2**30, 2**30)
    assert host["Privileged"] is False and host["NetworkMode"] in ("bridge", "default")
    assert host["PidMode"] == "" and host["IpcMode"] in ("private", "") and host["UsernsMode"] == ""
    assert not host["Binds"] and not found["Mounts"] and not host["Devices"] and not host["CapAdd"]
    assert "no-new-privileges" in host["SecurityOpt"] and host["PidsLimit"] == 1024
    cloud.ecs.stop_task(cluster="lab", task=arn)
    cloud.until(arn, "STOPPED")


def test_containers_of_a_task_share_its_resources_and_its_network(cloud):
    first = cloud.container(cloud.image, "sleep 600")
    second = cloud.container(cloud.image, "echo up; sleep 600", name="side", essential=False)
    arn = cloud.run(cloud.register(first, second))
    cloud.until(arn, "RUNNING")
    described = [
        json.loads(subprocess.run(["docker", "inspect", each], capture_output=True).stdout)[0]["HostConfig"]
        for each in containers_of(cloud.sandbox)
    ]
    assert sum(each["Memory"] for each in described) == 512 * 2**20
    assert sum(each["NanoCpus"] for each in described) == 250_000_000
    assert sum(each["NetworkMode"].startswith("container:") for each in described) == 1
    cloud.ecs.stop_task(cluster="lab", task=arn)
    cloud.until(arn, "STOPPED")


def test_a_task_continues_without_a_nonessential_container(cloud):
    helper = cloud.container(cloud.image, "exit 4", name="once", essential=False)
    arn = cloud.run(cloud.register(cloud.container(cloud.image), helper))
    task = until(lambda: cloud.task(arn), lambda task: any(each.get("exitCode") == 4 for each in task["containers"]))
    assert cloud.until(arn, "RUNNING")["desiredStatus"] == "RUNNING", task
    cloud.ecs.stop_task(cluster="lab", task=arn)
    cloud.until(arn, "STOPPED")


def test_a_container_waits_for_its_dependency(cloud):
    before = cloud.container(cloud.image, "echo first; sleep 1", name="before", essential=False)
    depends = [{"containerName": "before", "condition": "SUCCESS"}]
    task = cloud.stopped(cloud.container(cloud.image, "exit 0", dependsOn=depends), before)
    assert {each["name"]: each["exitCode"] for each in task["containers"]} == {"before": 0, "web": 0}
    failing = cloud.container(cloud.image, "exit 9", name="before", essential=False)
    task = cloud.stopped(cloud.container(cloud.image, "exit 0", dependsOn=depends), failing)
    assert "exited with code 9" in task["stoppedReason"] and task["stopCode"] == "TaskFailedToStart"


def test_a_task_that_exceeds_its_memory_is_stopped(cloud):
    command = "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"
    task = cloud.stopped(cloud.container(cloud.image, command))
    assert task["containers"][0]["exitCode"] == 137
    assert task["containers"][0]["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_a_missing_command_stops_the_task(cloud):
    task = cloud.stopped(cloud.container(cloud.image, entryPoint=["/bin/nothing"]))
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotStartContainerError: ") and "/bin/nothing" in task["stoppedReason"]


def test_a_port_of_a_task_can_be_reached_from_this_machine(cloud):
    cloud.sandbox.client().create_repository(repositoryName="page")
    image = cloud.push(settings.BASE_IMAGE, "page:v1")
    serve = "exec python -m http.server 8080"
    arn = cloud.run(cloud.register(cloud.container(image, serve, portMappings=[{"containerPort": 8080}])))
    task = cloud.until(arn, "RUNNING")
    [binding] = task["containers"][0]["networkBindings"]
    details = {each["name"]: each["value"] for each in task["attachments"][0]["details"]}
    assert binding["bindIP"] == "127.0.0.1" and binding["containerPort"] == 8080
    assert details["privateIPv4Address"] == task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]

    def page() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{binding['hostPort']}/", timeout=5) as answer:
                return answer.read().decode()
        except OSError:  # the server is still starting
            return ""

    assert until(page, lambda text: "Directory listing" in text)
    cloud.ecs.stop_task(cluster="lab", task=arn)
    cloud.until(arn, "STOPPED")


def test_tasks_are_listed_by_their_properties(cloud):
    arn = cloud.run(cloud.register(cloud.container(cloud.image), family="special"), startedBy="me")
    cloud.until(arn, "RUNNING")
    listed = lambda **by: cloud.ecs.list_tasks(cluster="lab", **by)["taskArns"]  # noqa: E731
    assert arn in listed(family="special") and arn in listed(startedBy="me") and arn in listed()
    assert (
        arn not in listed(family="app")
        and arn not in listed(startedBy="you")
        and arn not in listed(desiredStatus="STOPPED")
    )
    [cluster] = cloud.ecs.describe_clusters(clusters=["lab"])["clusters"]
    assert cluster["runningTasksCount"] == 1
    with pytest.raises(ClientError, match="The Cluster cannot be deleted while Tasks are active"):
        cloud.ecs.delete_cluster(cluster="lab")
    cloud.ecs.stop_task(cluster="lab", task=arn)
    cloud.until(arn, "STOPPED")
    assert arn in listed(desiredStatus="STOPPED")
    missing = cloud.ecs.describe_tasks(cluster="lab", tasks=["0" * 32])
    assert (missing["tasks"], missing["failures"][0]["reason"]) == ([], "MISSING")


@pytest.mark.parametrize(
    "given, refusal",
    [
        ({"launchType": "EC2"}, "No Container Instances were found in your cluster"),
        ({"networkConfiguration": {}}, "Network Configuration must be provided when networkMode 'awsvpc' is specified"),
        ({"networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}}, "subnets can not be empty"),
        (
            {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["mine"]}}},
            "The subnet ID 'mine' does not exist",
        ),
        ({"cluster": "none"}, "Cluster not found"),
        ({"taskDefinition": "none"}, "Unable to describe task definition"),
        ({"taskDefinition": "app:x"}, "Unable to describe task definition"),
        ({"count": 11}, "count must be from 1 to 10"),
        ({"overrides": {"containerOverrides": [{"name": "x"}]}}, "Override for container named x is not a container"),
        ({"count": 10, "overrides": {"cpu": "4096", "memory": "8192"}}, "the limit on the number of vCPUs"),
    ],
)
def test_tasks_that_cannot_run_are_refused(cloud, given, refusal):
    cloud.register(cloud.container(cloud.image))
    about = {"cluster": "lab", "taskDefinition": "app", "launchType": "FARGATE", "networkConfiguration": NETWORK}
    with pytest.raises(ClientError, match=refusal):
        cloud.ecs.run_task(**{**about, **given})
    assert containers_of(cloud.sandbox) == []


def test_a_deregistered_definition_is_refused(cloud):
    arn = cloud.register(cloud.container(cloud.image), family="gone")
    cloud.ecs.deregister_task_definition(taskDefinition=arn)
    with pytest.raises(ClientError, match="TaskDefinition is inactive"):
        cloud.run(arn)
    with pytest.raises(ClientError, match="Unable to describe task definition"):
        cloud.run("gone")
