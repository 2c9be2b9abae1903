"""`ecr-lab room` on the cluster: its objects, and what the values for the hub add to the learners' pods."""

import json
import subprocess

import pytest
import yaml

from helpers.room import settings
from machine.project import ROOT

FOLDER = ROOT / "deploy"
OBJECTS, VALUES = FOLDER / "room-pod.yaml", FOLDER / "room.yaml"
ADDRESS = {"name": "ECR_TUTORIAL_ROOM", "valueFrom": {"secretKeyRef": {"name": "room", "key": "address"}}}


@pytest.fixture(scope="module")
def refused(python):
    """A function that returns what Kubernetes' schema says against the objects in a file."""

    def run(path) -> list[str]:
        got = subprocess.run([python, ROOT / "tests" / "deploy" / "objects.py", path], capture_output=True, text=True)
        assert got.returncode == 0, got.stderr
        return json.loads(got.stdout)

    return run


@pytest.mark.parametrize("file", ["room-pod.yaml", "cluster.yaml"])
def test_kubernetes_accepts_the_objects(refused, file):
    assert refused(FOLDER / file) == []


@pytest.mark.parametrize("name", ["runAsNonRoot", "podSelector", "containerPort"])
def test_a_typo_is_refused(refused, tmp_path, name):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(OBJECTS.read_text().replace(f"{name}:", f"{name}s:"))
    assert name in "".join(refused(wrong))


def test_learners_pods_know_the_address_of_the_room(render):
    pod, error = render(FOLDER / "values.yaml", VALUES)
    assert error == ""
    (course,) = [each for each in pod["spec"]["containers"] if each["name"] != "engine"]
    assert ADDRESS in course["env"]


def test_learners_and_the_proxy_reach_the_room_and_no_other():
    room, service, policy = yaml.safe_load_all(OBJECTS.read_text())
    values = yaml.safe_load(VALUES.read_text())
    labels = {"matchLabels": room["spec"]["template"]["metadata"]["labels"]}
    port = service["spec"]["ports"][0]["port"]
    assert policy["spec"]["podSelector"] == labels
    (allowed,) = values["singleuser"]["networkPolicy"]["egress"]
    assert allowed == {"to": [{"podSelector": labels}], "ports": [{"port": port, "protocol": "TCP"}]}
    assert values["hub"]["services"]["room"]["url"] == f"http://{service['metadata']['name']}:{port}"


def test_the_command_and_its_variables_are_those_of_ecr_lab():
    (container,) = next(yaml.safe_load_all(OBJECTS.read_text()))["spec"]["template"]["spec"]["containers"]
    command, *arguments = container["command"]
    assert (command, arguments[0]) == ("ecr-lab", "room")
    assert arguments[-1] == "/services/room/"
    names = {each["name"] for each in container["env"]}
    assert names == {"ECR_TUTORIAL_STATE", settings.CODE, settings.KEY}
