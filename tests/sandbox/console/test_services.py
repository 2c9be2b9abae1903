"""The pages of ECS, of events and of the bill."""

import json
import os
import uuid

import pytest

from tests.sandbox.conftest import until
from tests.sandbox.console.pages import Console, text
from tests.sandbox.fargate import NETWORK, Cloud, with_app
from tests.sandbox.pusher import Pusher


def test_clusters_services_and_tasks(console, sandbox):
    ecs, name = sandbox.client("ecs"), f"cluster-{uuid.uuid4().hex[:8]}"
    ecs.create_cluster(clusterName=name)
    shown = text(console.get("/ecs/clusters"))
    assert f"{name} Active 0 0 0" in shown
    shown = text(console.get(f"/ecs/clusters/{name}"))
    assert "No services." in shown and "No tasks." in shown
    assert "There is no cluster nothing." in text(console.get("/ecs/clusters/nothing", 404))


def test_a_task_that_cannot_pull_shows_why(own_sandbox):
    own_sandbox.start().client().create_repository(repositoryName="app")
    cloud = Cloud(own_sandbox)
    assert cloud.stopped(cloud.container(f"{own_sandbox.registry}/app:missing"))
    where = {"cluster": "lab", "launchType": "FARGATE", "networkConfiguration": NETWORK}
    cloud.ecs.create_service(serviceName="web", taskDefinition="app", desiredCount=0, **where)
    shown = text(Console(own_sandbox).get("/ecs/clusters/lab"))
    assert "Stopped app:1" in shown
    assert "CannotPullContainerError" in shown
    assert "web Active app:1 0 / 0" in shown


@pytest.fixture
def cluster(sandbox) -> str:
    """A cluster, and a task definition with the same name, whose role may not pull."""
    ecs, iam, name = sandbox.client("ecs"), sandbox.client("iam"), f"shown-{uuid.uuid4().hex[:8]}"
    ecs.create_cluster(clusterName=name)
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    return name


FORM = {"cpu": "256", "memory": "512", "processor": "X86_64", "name": "app", "port": "8080"}


def create(console: Console, cluster: str, **more: str) -> str:
    role = f"arn:aws:iam::123456789012:role/{cluster}"
    return text(console.post("/ecs/create-task-definition", family=cluster, role=role, **FORM, **more))


def test_a_task_definition_is_created_deregistered_and_deleted(console, sandbox, cluster):
    shown = create(console, cluster, image="app@sha256:0", command="python, -c, print(1)", tags="team=blue")
    assert f"The task definition {cluster} was created. The same with the AWS CLI" in shown
    assert f"{cluster}:1 Active app@sha256:0 256 512 {cluster} Deregister" in shown
    ecs = sandbox.client("ecs")
    found = ecs.describe_task_definition(taskDefinition=cluster, include=["TAGS"])
    assert found["tags"] == [{"key": "team", "value": "blue"}]
    [app] = found["taskDefinition"]["containerDefinitions"]
    assert app["command"] == ["python", "-c", "print(1)"] and app["portMappings"][0]["containerPort"] == 8080
    assert cluster in text(console.get("/ecs/task-definitions"))
    page = f"/ecs/task-definitions/{cluster}"
    assert f"{cluster}:1 Inactive" in text(console.post(f"{page}/_/deregister", revision="1"))
    assert "To confirm, enter delete." in text(console.post(f"{page}/_/delete", 400, revision="1"))
    assert f"{cluster}:1 was deleted." in text(console.post(f"{page}/_/delete", revision="1", confirmation="delete"))
    assert "There is no task definition" in text(console.get(page, 404))


def test_a_size_that_fargate_does_not_have(console, cluster):
    form = {**FORM, "memory": "4096"}
    shown = text(console.post("/ecs/create-task-definition", 400, family=cluster, image="app:v1", **form))
    assert "No Fargate configuration exists for given values" in shown


def test_a_task_is_run_and_shows_why_it_stopped(console, sandbox, cluster):
    create(console, cluster, image=f"{sandbox.registry}/app:v1")
    page = f"/ecs/clusters/{cluster}"
    assert cluster in text(console.get(f"{page}/_/run-task"))
    assert f"The task of {cluster} has started." in text(console.post(f"{page}/_/run-task", family=cluster))
    ecs = sandbox.client("ecs")
    [arn] = [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in ecs.list_tasks(cluster=cluster, desiredStatus=status)["taskArns"]
    ]
    ecs.get_waiter("tasks_stopped").wait(cluster=cluster, tasks=[arn], WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    shown = text(console.get(f"{page}/_/tasks/{arn.rpartition('/')[2]}"))
    assert "Stop code TaskFailedToStart" in shown and "ecr:GetAuthorizationToken" in shown
    assert "There is no task 1" in text(console.get(f"{page}/_/tasks/1", 404))
    assert "InvalidParameterException" in text(console.post(f"{page}/_/stop-task", 400, task="1"))


def test_a_service_and_its_cluster_are_deleted(console, sandbox, cluster):
    create(console, cluster, image="app:v1")
    where = {"cluster": cluster, "launchType": "FARGATE", "networkConfiguration": NETWORK}
    sandbox.client("ecs").create_service(serviceName="web", taskDefinition=cluster, desiredCount=0, **where)
    page = f"/ecs/clusters/{cluster}"
    word = {"confirmation": f"delete {cluster}"}
    assert "ClusterContainsServicesException" in text(console.post(f"{page}/_/delete", 400, **word))
    shown = text(console.post(f"{page}/_/delete-service", service="web", confirmation="delete"))
    assert "Service web is being deleted." in shown and "No services." in shown
    assert f"Cluster {cluster} was deleted." in text(console.post(f"{page}/_/delete", **word))


def test_a_service_is_updated(own_sandbox):
    own_sandbox.start()
    cloud, console, page = Cloud(own_sandbox), Console(own_sandbox), "/ecs/clusters/lab"
    cloud.register(cloud.container(f"{own_sandbox.registry}/app:missing"))
    where = {"cluster": "lab", "launchType": "FARGATE", "networkConfiguration": NETWORK}
    cloud.ecs.create_service(serviceName="web", taskDefinition="app", desiredCount=0, **where)
    shown = text(console.post(page, service="web", desired="2"))
    assert "The service web was updated." in shown
    assert "aws ecs update-service --cluster lab --service web --desired-count 2" in shown
    [service] = cloud.ecs.describe_services(cluster="lab", services=["web"])["services"]
    assert service["desiredCount"] == 2
    assert "Desired tasks is a number." in text(console.post(page, 400, service="web", desired="two"))
    assert "InvalidParameterException" in text(console.post(page, 400, service="web", desired="-1"))


def test_a_running_task_is_stopped(own_sandbox):
    own_sandbox.start().login()
    cloud = with_app(own_sandbox, f"demo-{uuid.uuid4().hex[:8]}")
    console, page = Console(own_sandbox), "/ecs/clusters/lab"
    cloud.register(cloud.container(f"{own_sandbox.registry}/app:v1"))
    [task] = cloud.ecs.run_task(
        cluster="lab", taskDefinition="app", launchType="FARGATE", networkConfiguration=NETWORK
    )["tasks"]
    id = task["taskArn"].rpartition("/")[2]
    until(lambda: "Running Stop app:1" in text(console.get(page)))
    assert f"Stop task {id[:8]}" in console.get(page)
    assert f"Task {id[:8]}… is being stopped." in text(console.post(f"{page}/_/stop-task", task=id))
    until(lambda: "Task stopped by user" in text(console.get(page)))
    assert f"Stop task {id[:8]}" not in console.get(page)


def test_events_are_those_of_eventbridge(console, sandbox, repository):
    pushed = Pusher(sandbox).push(repository, [os.urandom(100)], "v1")
    sandbox.client().batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": pushed.digest}])
    shown = text(console.get("/eventbridge/events"))
    assert shown.index(f"DELETE {repository}") < shown.index(f"PUSH {repository}:v1")
    assert f'"image-digest": "{pushed.digest}"' in shown
    console.switch("arn:aws:iam::123456789012:user/administrator", "eu-west-1")
    assert repository not in console.get("/eventbridge/events")


def test_the_bill_of_the_sandboxs_month(own_sandbox):
    own_sandbox.start().client().create_repository(repositoryName="app")
    Pusher(own_sandbox).push("app", [os.urandom(1_000_000)], "v1")
    own_sandbox.forward(40 * 86400)
    shown = text(Console(own_sandbox).get("/billing"))
    first = own_sandbox.month()["Start"]
    assert f"{first[:4]} so far: $" in shown
    assert "Amazon EC2 Container Registry (ECR) TimedStorage-ByteHrs" in shown
