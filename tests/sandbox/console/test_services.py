"""The pages of ECS, of events and of the bill."""

import os
import uuid

from tests.sandbox.console.pages import Console, text
from tests.sandbox.fargate import NETWORK, Cloud
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
