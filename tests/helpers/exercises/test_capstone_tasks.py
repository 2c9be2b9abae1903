"""The points of the capstone about tasks: both releases run on Fargate, then the first again, then nothing."""

import pytest

from helpers import lab as labs
from helpers import settings
from helpers.exercises import capstone, evidence, lookup
from tests.helpers.exercises.test_capstone import MINE, verdict


def task(release: str = "1.0.0", **also) -> dict:
    """A task as ECS describes it that ran this release and ended well."""
    container = {"imageDigest": f"sha256:{release}", "exitCode": 0, **also.pop("container", {})}
    arns = {"taskArn": "task/1", "taskDefinitionArn": "task-definition/demo-mine:1", "clusterArn": "cluster/demo"}
    times = {"createdAt": 1, "startedAt": 2}
    return {"lastStatus": "STOPPED", "launchType": "FARGATE", "containers": [container], **arns, **times, **also}


@pytest.fixture
def tasks(monkeypatch):
    """The tasks that ECS lists, newest first; all else is as the brief asks."""
    listed: list[dict] = []
    place = labs.Lab("sandbox", settings.ACCOUNT, settings.REGION, "localhost:1", "http://localhost:1", "")
    monkeypatch.setattr(labs, "_current", place)
    monkeypatch.setattr(capstone, "_entry", capstone.Entry(MINE, ("1.0.0", "1.1.0"), "demo-pusher", "demo-puller"))
    monkeypatch.setattr(evidence, "released", lambda lab, mine, release: {"imageDigest": f"sha256:{release}"})
    monkeypatch.setattr(evidence, "images_in", lambda *_: [])
    monkeypatch.setattr(evidence, "tasks", lambda *_: listed)
    monkeypatch.setattr(evidence, "execution_role", lambda *_: "demo-puller")
    monkeypatch.setattr(capstone, "PREPARED", ())
    return listed


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([task()], "✔ 15.1 a task on Fargate ran 1.0.0"),
        ([task(container={"exitCode": 3}, stopCode="EssentialContainerExited")], "✗ 15.1 the task ended with code 3"),
        ([task(container={"exitCode": 137}, stopCode="UserInitiated")], "✔ 15.1 a task on Fargate ran 1.0.0"),
        ([task(container={"exitCode": 143}, stopCode="ServiceSchedulerInitiated")], "✔ 15.1 a task on Fargate ran"),
        ([{**task(), "startedAt": 0} | {"containers": [{}]}], "✗ 15.1 the task ended with code None"),
        ([{k: v for k, v in task().items() if k != "startedAt"}], "✗ 15.1 the task ended before its app began"),
        ([task("1.1.0")], "✗ 15.1 the task runs another image than 1.0.0"),
        ([task(launchType="EC2")], "✗ 15.1 the task does not run on Fargate"),
        ([task(lastStatus="PENDING")], "✗ 15.1 the task is PENDING"),
        ([task(lastStatus="RUNNING")], "✗ 15.1 the task runs, but opens no port"),
        ([task("1.1.0", taskArn="task/2"), task()], "✔ 15.1 a task on Fargate ran 1.0.0"),
    ],
)
def test_a_fargate_task_that_runs_the_release_is_accepted(tasks, found, expected):
    tasks += found
    assert verdict("15.1").startswith(expected)


def test_a_task_that_pulls_with_another_role_is_not_accepted(tasks, monkeypatch):
    tasks.append(task())
    monkeypatch.setattr(evidence, "execution_role", lambda *_: "ecsTaskExecutionRole")
    assert verdict("15.1").startswith("✗ 15.1 the task pulls as ecsTaskExecutionRole, not as demo-puller")


def test_the_second_release_replaces_the_first(tasks):
    tasks.append(task(lastStatus="RUNNING"))
    assert verdict("15.2").startswith("✗ 15.2 the task runs another image than 1.1.0")
    tasks.insert(0, task("1.1.0", createdAt=2, taskArn="task/2"))
    assert verdict("15.2").startswith("✗ 15.2 a task still runs 1.0.0")
    tasks[1]["lastStatus"] = "STOPPED"
    assert verdict("15.2").startswith("✔ 15.2 a task on Fargate ran 1.1.0, and no task runs 1.0.0")


def test_the_first_release_runs_again_after_the_second(tasks, monkeypatch):
    monkeypatch.setattr(capstone.points, "closed", lambda *_: "all is closed")
    tasks += [task("1.1.0", createdAt=2, taskArn="task/2"), task()]
    for number in ("7", "15.3"):
        assert verdict(number, 2).startswith(f"✗ {number} no task has run 1.0.0 after 1.1.0")
    tasks.insert(0, task(createdAt=3, taskArn="task/3"))
    for number in ("7", "15.3"):
        assert verdict(number, 2).startswith(f"✔ {number} Fargate ran 1.1.0, and then 1.0.0 again")


def test_at_the_end_nothing_runs_and_no_key_is_active(tasks, monkeypatch):
    tasks.append(task(lastStatus="RUNNING"))
    state = {"wanted": 1, "key": "demo-ann", "untagged": 1, "missed": "role demo-pusher"}
    monkeypatch.setattr(evidence, "wanted_by_services", lambda *_: state["wanted"])
    monkeypatch.setattr(evidence, "user_with_key", lambda *_: state["key"])
    monkeypatch.setattr(lookup, "count_untagged", lambda *_: state["untagged"])
    monkeypatch.setattr(evidence, "missed_by_clean_up", lambda *_: state["missed"])
    steps = [
        ("a service would start the next task", lambda: state.update(wanted=0)),
        ("a task is RUNNING, and Fargate bills it", lambda: tasks[0].update(lastStatus="STOPPED")),
        ("the access key of demo-ann is still active", lambda: state.update(key="")),
        ("demo-mine contains an image without a tag", lambda: state.update(untagged=0)),
        ("clean-up would not find the role demo-pusher", lambda: state.update(missed="")),
    ]
    for expected, repair in steps:
        assert verdict("8", 2).startswith(f"✗ 8 {expected}")
        repair()
    assert verdict("8", 2).startswith("✔ 8 no task runs, no access key is active")
