"""What was acknowledged is there after a restart, and after ``kill -9`` at any moment."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest


def facts(sandbox):
    """What a learner would miss: repositories, images and their push times, and the access keys."""
    ecr = sandbox.client()
    repositories = ecr.describe_repositories()["repositories"]
    names = [each["repositoryName"] for each in repositories]
    images = {name: ecr.describe_images(repositoryName=name)["imageDetails"] for name in names}
    users = sandbox.client("iam").list_users()["Users"]
    return repositories, images, users


def test_a_restart_keeps_everything(own_sandbox, make_image):
    sandbox = own_sandbox.start()
    sandbox.client().create_repository(repositoryName="kept", tags=[{"Key": "team", "Value": "a"}])
    sandbox.client("iam").create_user(UserName="alice")
    sandbox.login()
    image = make_image(f"{sandbox.registry}/kept:v1")
    sandbox.run(f"docker push {image}")
    before = facts(sandbox)

    assert sandbox.stop() == 0
    sandbox.start()
    assert facts(sandbox) == before
    subprocess.run(["docker", "rmi", image], check=True, capture_output=True)
    sandbox.run(f"docker pull {image}")  # with the token of the first run


@pytest.mark.parametrize("delay", [0.05, 0.3, 0.8])
def test_a_kill_in_the_middle_of_a_push_loses_nothing_acknowledged(own_sandbox, make_image, delay):
    sandbox = own_sandbox.start()
    sandbox.client().create_repository(repositoryName="kept")
    sandbox.login()
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/kept:v1')}")
    before = facts(sandbox)

    big = make_image(f"{sandbox.registry}/kept:v2", os.urandom(30_000_000))
    push = subprocess.Popen(["docker", "push", big], env=sandbox.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    time.sleep(delay)
    sandbox.stop(signal.SIGKILL)
    push.kill()
    acknowledged = b"digest: sha256" in push.communicate()[0]
    sandbox.start()  # no repair by hand

    after = facts(sandbox)
    assert after[1]["kept"][:1] == before[1]["kept"]
    assert len(after[1]["kept"]) in ((2,) if acknowledged else (1, 2))
    sandbox.run(f"docker push {big}")
    assert len(facts(sandbox)[1]["kept"]) == 2


def test_killed_while_many_repositories_are_made(own_sandbox):
    sandbox = own_sandbox.start()
    acknowledged = []

    def create():
        ecr = sandbox.client()
        try:
            for number in range(500):
                ecr.create_repository(repositoryName=f"repo-{number}")
                acknowledged.append(f"repo-{number}")
        except Exception:  # the sandbox is gone: that is the point
            return

    writer = threading.Thread(target=create)
    writer.start()
    while len(acknowledged) < 20:
        time.sleep(0.01)
    sandbox.stop(signal.SIGKILL)
    writer.join()
    sandbox.start()
    there = {each["repositoryName"] for each in facts(sandbox)[0]}
    assert set(acknowledged) <= there
    assert len(there) <= len(acknowledged) + 1


def test_the_registry_of_a_killed_sandbox_does_not_stay(own_sandbox):
    sandbox = own_sandbox.start()
    orphan = int((sandbox.state / "registry.pid").read_text())
    sandbox.stop(signal.SIGKILL)
    sandbox.start()
    assert not Path(f"/proc/{orphan}").exists() or "registry" not in Path(f"/proc/{orphan}/cmdline").read_text()


def test_a_state_file_that_cannot_be_read_is_put_aside(own_sandbox):
    own_sandbox.state.mkdir()
    (own_sandbox.state / "state.db").write_bytes(b"not a database, but somebody's bytes" * 100)
    own_sandbox.start()
    kept = own_sandbox.state / "state.db.unreadable-1"
    assert kept.read_bytes().startswith(b"not a database")
    assert own_sandbox.client().describe_repositories()["repositories"] == []
