"""No container of a task stays when the sandbox is stopped or killed, and the stored state is correct."""

import json
import signal
import sqlite3
import subprocess

import psutil
import pytest

from ecr_sandbox import docker_engine
from tests.sandbox.fargate import NETWORK, Cloud, containers_of, images_of, small_image, until

SMALL = "learn-amazon-ecr-tests:fargate-left"


@pytest.fixture
def cloud(own_sandbox) -> Cloud:
    own_sandbox.start()
    own_sandbox.login()
    own_sandbox.client().create_repository(repositoryName="app")
    cloud = Cloud(own_sandbox)
    cloud.image = cloud.push(small_image(SMALL))
    subprocess.run(["docker", "rmi", SMALL], capture_output=True, check=True)
    yield cloud
    if own_sandbox.process.poll() is not None:
        own_sandbox.start()
    own_sandbox.stop()
    left, images = containers_of(own_sandbox), images_of(own_sandbox)
    subprocess.run(["docker", "rm", "-f", *left], capture_output=True)
    subprocess.run(["docker", "rmi", "-f", *images], capture_output=True)
    assert left == []


def running(cloud: Cloud) -> str:
    definition = cloud.register(cloud.container(cloud.image, "echo up; exec sleep 600"))
    arn = cloud.run(definition)
    cloud.until(arn, "RUNNING")
    assert len(containers_of(cloud.sandbox)) == 1
    return arn


def test_a_stopped_sandbox_leaves_no_container(cloud):
    arn = running(cloud)
    assert len(images_of(cloud.sandbox)) == 1
    assert cloud.sandbox.stop() == 0
    assert containers_of(cloud.sandbox) == images_of(cloud.sandbox) == []
    cloud.sandbox.start()
    task = cloud.task(arn)
    assert (task["lastStatus"], task["desiredStatus"], task["stopCode"]) == ("STOPPED", "STOPPED", "TerminationNotice")
    assert task["stoppedReason"] == "The sandbox was stopped, and with it the containers of its tasks."
    assert cloud.lines(arn) == ["up"]


def test_a_restart_after_a_kill_removes_the_containers(cloud):
    arn = running(cloud)
    cloud.sandbox.stop(signal.SIGKILL)
    assert len(containers_of(cloud.sandbox)) == 1
    cloud.sandbox.start()
    until(lambda: containers_of(cloud.sandbox), lambda left: not left)  # without a call of ECS
    until(lambda: images_of(cloud.sandbox), lambda left: not left)
    assert cloud.task(arn)["lastStatus"] == "STOPPED"


def test_a_service_continues_after_a_kill(cloud):
    definition = cloud.register(cloud.container(cloud.image, "exec sleep 600", stopTimeout=0))
    about = {"cluster": "lab", "launchType": "FARGATE", "networkConfiguration": NETWORK, "taskDefinition": definition}
    cloud.ecs.create_service(serviceName="web", desiredCount=1, **about)
    cloud.wait("services_stable", services=["web"])
    [before] = containers_of(cloud.sandbox)
    cloud.sandbox.stop(signal.SIGKILL)
    cloud.sandbox.start()
    [after] = until(lambda: containers_of(cloud.sandbox), lambda now: now and before not in now)
    assert after != before
    cloud.wait("services_stable", services=["web"])


def test_a_pending_task_does_not_start_after_a_kill(cloud):
    definition = cloud.register(cloud.container(cloud.image))
    arn = cloud.run(definition)
    cloud.sandbox.stop(signal.SIGKILL)
    cloud.sandbox.start()
    assert cloud.task(arn)["lastStatus"] == "STOPPED"
    until(lambda: containers_of(cloud.sandbox), lambda left: not left)


def test_ecr_lab_down_removes_what_a_killed_sandbox_left(cloud):
    running(cloud)
    cloud.sandbox.stop(signal.SIGKILL)
    cloud.sandbox.run("python -m ecr_sandbox down")
    assert containers_of(cloud.sandbox) == []


def test_the_containers_of_another_sandbox_are_left_alone(cloud, tmp_path):
    running(cloud)
    assert docker_engine.remove_tasks(docker_engine.client(), tmp_path / "another") == 0
    assert len(containers_of(cloud.sandbox)) == 1


@pytest.mark.usefixtures("program")
def test_ecs_is_not_loaded_unless_it_is_used(cloud):
    cloud.ecs.delete_cluster(cluster="lab")
    assert cloud.sandbox.stop() == 0
    cloud.sandbox.start()
    cloud.sandbox.client().describe_repositories()
    assert psutil.Process(cloud.sandbox.process.pid).memory_info().rss < 120 * 2**20


def test_the_engines_configuration_of_the_user_is_not_read(cloud, tmp_path):
    """It would add proxies to the containers."""
    (cloud.sandbox.docker_config / "config.json").write_text(
        json.dumps({"auths": {}, "proxies": {"default": {"httpProxy": "http://proxy.example:3128"}}})
    )
    arn = cloud.run(cloud.register(cloud.container(cloud.image, "echo proxy=$HTTP_PROXY=$http_proxy")))
    cloud.until(arn, "STOPPED")
    assert cloud.lines(arn) == ["proxy=="]


def test_a_task_without_an_engine_stops_with_a_reason(own_sandbox, tmp_path):
    own_sandbox.start(("env", f"DOCKER_HOST=unix://{tmp_path}/none.sock"))
    cloud = Cloud(own_sandbox)
    image = f"{own_sandbox.registry}/app:v1"
    task = cloud.stopped(cloud.container(image))
    assert task["stopCode"] == "TaskFailedToStart"
    assert "The sandbox runs tasks in the local Docker engine." in task["stoppedReason"]


def test_the_execution_roles_session_ends_after_the_pull(cloud):
    """The password that the engine used is invalid afterwards."""
    arn = running(cloud)
    with sqlite3.connect(cloud.sandbox.state / "state.db") as db:
        kept = dict(db.execute("SELECT service, pickle FROM backends"))
    assert b"ASIA" not in kept["iam"] + kept["sts"]
    assert arn.encode() in kept["ecs"]  # otherwise the previous check proves nothing
