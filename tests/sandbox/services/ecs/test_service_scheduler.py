"""A service keeps its desired count: it starts missing tasks, stops extra ones, and deploys a new definition."""

import subprocess
import time
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.services.ecs.deployments import Part, plan
from tests.sandbox.fargate import NETWORK, Cloud, containers_of, until, with_app

SMALL = "learn-amazon-ecr-tests:fargate-service"


@pytest.fixture(scope="module")
def cloud(sandbox) -> Iterator[Cloud]:
    yield with_app(sandbox, SMALL)


@pytest.fixture
def service(cloud, request) -> Iterator[str]:
    """The name of a service. It is deleted after the test, and no container stays."""
    name = request.node.name[:60].replace("[", "-").replace("]", "")
    yield name
    cloud.ecs.delete_service(cluster="lab", service=name, force=True)
    cloud.wait("services_inactive", services=[name])
    until(lambda: containers_of(cloud.sandbox), lambda left: not left)


def create(cloud: Cloud, name: str, count: int, **also) -> None:
    definition = cloud.register(cloud.container(cloud.image, "exec sleep 600", stopTimeout=0))
    about = {"cluster": "lab", "launchType": "FARGATE", "networkConfiguration": NETWORK, "taskDefinition": definition}
    cloud.ecs.create_service(**{**about, "serviceName": name, "desiredCount": count, **also})


def stable(cloud: Cloud, name: str) -> dict:
    until(lambda: described(cloud, name), lambda service: len(service["deployments"]) == 1)
    cloud.wait("services_stable", services=[name])
    return described(cloud, name)


def described(cloud: Cloud, name: str) -> dict:
    return cloud.ecs.describe_services(cluster="lab", services=[name])["services"][0]


def test_tags_are_described_when_they_are_asked_for_also_after_a_call_that_did_not(cloud, service):
    tags = [{"key": "owner", "value": "somebody"}]
    create(cloud, service, 0, tags=tags)
    where = {"cluster": "lab", "services": [service]}
    for _ in range(2):
        assert "tags" not in cloud.ecs.describe_services(**where)["services"][0]
        assert cloud.ecs.describe_services(**where, include=["TAGS"])["services"][0]["tags"] == tags


def tasks(cloud: Cloud, name: str) -> list[str]:
    return cloud.ecs.list_tasks(cluster="lab", serviceName=name)["taskArns"]


def test_a_service_keeps_its_desired_count_and_replaces_stopped_tasks(cloud, service):
    create(cloud, service, 2)
    cloud.sandbox.run(f"aws ecs wait services-stable --cluster lab --services {service}")
    found = stable(cloud, service)
    assert (found["runningCount"], found["pendingCount"], found["desiredCount"]) == (2, 0, 2)
    assert found["deployments"][0]["rolloutState"] == "COMPLETED"
    assert len(containers_of(cloud.sandbox)) == 2
    first, second = tasks(cloud, service)
    assert cloud.task(first)["group"] == f"service:{service}"
    cloud.ecs.stop_task(cluster="lab", task=first)
    found = until(lambda: tasks(cloud, service), lambda now: first not in now and len(now) == 2)
    assert second in found
    stable(cloud, service)
    messages = [event["message"] for event in described(cloud, service)["events"]]
    assert messages[0] == f"(service {service}) has reached a steady state."
    assert f"(service {service}) has started 1 tasks: (task {second.rpartition('/')[2]})." in messages


def test_a_service_replaces_a_task_whose_container_exits(cloud, service):
    create(cloud, service, 1)
    stable(cloud, service)
    [before] = tasks(cloud, service)
    subprocess.run(["docker", "kill", *containers_of(cloud.sandbox)], capture_output=True, check=True)
    until(lambda: tasks(cloud, service), lambda now: now and before not in now)
    stable(cloud, service)
    ended = cloud.until(before, "STOPPED")
    assert (ended["containers"][0]["exitCode"], ended["stopCode"]) == (137, "EssentialContainerExited")


def test_the_desired_count_can_be_changed(cloud, service):
    create(cloud, service, 2)
    stable(cloud, service)
    cloud.ecs.update_service(cluster="lab", service=service, desiredCount=1)
    until(lambda: tasks(cloud, service), lambda now: len(now) == 1)
    assert stable(cloud, service)["runningCount"] == 1
    with pytest.raises(ClientError, match="cannot be stopped while it is scaled above 0"):
        cloud.ecs.delete_service(cluster="lab", service=service)


def test_a_rolling_update_keeps_old_tasks_running(cloud, service):
    create(cloud, service, 1)
    stable(cloud, service)
    [before] = tasks(cloud, service)
    new = cloud.register(cloud.container(cloud.image, "exec sleep 601", stopTimeout=0))
    answer = cloud.ecs.update_service(cluster="lab", service=service, taskDefinition=new)["service"]
    assert [each["status"] for each in answer["deployments"]] == ["PRIMARY", "ACTIVE"]
    assert answer["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    rolling = described(cloud, service)
    assert rolling["runningCount"] >= 1
    found = stable(cloud, service)
    assert found["taskDefinition"] == new
    [after] = tasks(cloud, service)
    assert after != before and cloud.task(after)["taskDefinitionArn"] == new
    ended = cloud.until(before, "STOPPED")
    assert ended["stopCode"] == "ServiceSchedulerInitiated"
    assert ended["stoppedReason"].startswith("Scaling activity initiated by (deployment ecs-svc/")


def test_tasks_that_fail_to_start_are_retried_with_growing_pauses(cloud, service):
    missing = cloud.register(cloud.container(f"{cloud.sandbox.registry}/app:none"))
    create(cloud, service, 1, taskDefinition=missing)
    found = until(lambda: described(cloud, service), lambda now: now["deployments"][0]["failedTasks"] == 2)
    assert found["runningCount"] == 0
    time.sleep(1)
    assert described(cloud, service)["deployments"][0]["failedTasks"] == 2
    [task, *_] = cloud.ecs.list_tasks(cluster="lab", serviceName=service, desiredStatus="STOPPED")["taskArns"]
    assert cloud.task(task)["stoppedReason"].endswith("app:none: not found")


def test_an_active_name_is_unique_and_its_cluster_cannot_be_deleted(cloud, service):
    create(cloud, service, 0)
    with pytest.raises(ClientError, match="Creation of service was not idempotent"):
        create(cloud, service, 0)
    with pytest.raises(ClientError, match="The Cluster cannot be deleted while Services are active"):
        cloud.ecs.delete_cluster(cluster="lab")


@pytest.mark.parametrize(
    "given",
    [
        {"loadBalancers": [{"containerName": "web", "containerPort": 80}]},
        {"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}},
        {"deploymentController": {"type": "CODE_DEPLOY"}},
    ],
)
def test_parameters_without_effect_are_refused(cloud, given):
    with pytest.raises(ClientError, match="is not part of this sandbox"):
        create(cloud, "refused", 1, **given)


def test_a_missing_service(cloud):
    with pytest.raises(ClientError, match="Service not found"):
        cloud.ecs.update_service(cluster="lab", service="none", desiredCount=1)
    failures = cloud.ecs.describe_services(cluster="lab", services=["none"])["failures"]
    assert [each["reason"] for each in failures] == ["MISSING"]


OLD, OLD_STARTING = Part("old", False, True), Part("starting", False, False)
NEW, NEW_STARTING = Part("new", True, True), Part("coming", True, False)


@pytest.mark.parametrize(
    "desired, lowest, highest, parts, start, stop",
    [
        (2, 100, 200, [], 2, []),
        (2, 100, 200, [NEW, NEW_STARTING], 0, []),
        (1, 100, 200, [NEW, NEW_STARTING], 0, ["coming"]),
        (0, 100, 200, [NEW, OLD], 0, ["new", "old"]),
        (1, 100, 200, [OLD], 1, []),  # the new task starts first
        (1, 100, 200, [OLD, NEW_STARTING], 0, []),
        (1, 100, 200, [OLD, NEW], 0, ["old"]),
        (1, 0, 100, [OLD], 0, ["old"]),  # no capacity: the old task stops first
        (2, 50, 100, [OLD, OLD], 0, ["old"]),
        (2, 100, 200, [OLD_STARTING, OLD_STARTING], 2, ["starting", "starting"]),
        (2, 100, 150, [OLD, OLD], 1, []),
    ],
)
def test_the_next_step_of_a_deployment(desired, lowest, highest, parts, start, stop):
    assert plan(desired, lowest, highest, parts) == (start, stop)
