"""The pages of ECS, of events and of the bill."""

import os
import uuid

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


def test_tasks_are_stopped_and_services_updated_and_deleted(own_sandbox):
    own_sandbox.start()
    cloud, console, page = Cloud(own_sandbox), Console(own_sandbox), "/ecs/clusters/lab"
    cloud.register(cloud.container(f"{own_sandbox.registry}/app:missing"))
    where = {"cluster": "lab", "launchType": "FARGATE", "networkConfiguration": NETWORK}
    cloud.ecs.create_service(serviceName="web", taskDefinition="app", desiredCount=0, **where)
    shown = text(console.post(page, service="web", action="update", desired="2"))
    assert "The service web was updated." in shown
    assert "aws ecs update-service --cluster lab --service web --desired-count 2" in shown
    [service] = cloud.ecs.describe_services(cluster="lab", services=["web"])["services"]
    assert service["desiredCount"] == 2
    assert "Desired tasks is a number." in text(console.post(page, 400, service="web", action="update", desired="two"))
    assert "InvalidParameterException" in text(console.post(page, 400, service="web", action="update", desired="-1"))
    shown = text(console.post(page, service="web", action="delete"))
    assert "The service web is being deleted" in shown and "Update web" not in shown
    assert "InvalidParameterException" in text(console.post(page, 400, stop="0" * 32))


def test_a_running_task_is_stopped(own_sandbox):
    own_sandbox.start().login()
    cloud = with_app(own_sandbox, f"demo-{uuid.uuid4().hex[:8]}")
    console, page = Console(own_sandbox), "/ecs/clusters/lab"
    cloud.register(cloud.container(f"{own_sandbox.registry}/app:v1"))
    [task] = cloud.ecs.run_task(
        cluster="lab", taskDefinition="app", launchType="FARGATE", networkConfiguration=NETWORK
    )["tasks"]
    id = task["taskArn"].rpartition("/")[2]
    until(lambda: "Running app:1" in text(console.get(page)))
    assert f"The task {id} is being stopped." in text(console.post(page, stop=id))
    until(lambda: "Stopped in the console" in text(console.get(page)))
    assert 'name="stop"' not in console.get(page)


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
