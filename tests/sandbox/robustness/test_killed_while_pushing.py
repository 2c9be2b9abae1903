"""`kill -9` at random moments, while several clients push: what was acknowledged is there, whole, and nothing else."""

import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from tests.sandbox.conftest import PATIENCE
from tests.sandbox.pusher import Pusher, Unexpected

CLIENTS = 4
REPOSITORIES = ("one", "two")


class Client(threading.Thread):
    """Pushes image after image, and notes what the registry acknowledged, until the sandbox is about to be killed."""

    def __init__(self, sandbox, seed: str):
        super().__init__()
        self._pusher, self._ecr, self._random = Pusher(sandbox), sandbox.client(), random.Random(seed)
        self._shared = self._random.randbytes(5000)
        self.acknowledged: list[tuple[str, str]] = []  # repository and digest
        self.facts: dict[tuple[str, str], dict] = {}  # what DescribeImages said of them
        self.interrupted = 0
        self.wrong: list[Exception] = []
        self.killed = threading.Event()

    def run(self) -> None:
        while not self.killed.is_set():
            repository = self._random.choice(REPOSITORIES)
            own = self._random.randbytes(self._random.choice((100, 50_000, 1_500_000)))
            tag = self._random.choice((None, "latest", f"v{self._random.randrange(10**9)}"))
            try:
                done = self._pusher.push(repository, [self._shared, own], tag, mount_from=REPOSITORIES[0])
                self.acknowledged.append((repository, done.digest))
                self.facts[repository, done.digest] = self._describe(repository, done.digest)
            except Unexpected as no:
                if "push once more" not in str(no):
                    self.wrong.append(no)
                    return
                self.interrupted += 1
            except Exception as error:  # boto3 takes an answer that broke off for an empty one: it may be any
                if not self.killed.is_set():
                    self.wrong.append(error)
                return

    def _describe(self, repository: str, digest: str) -> dict:
        asked = self._ecr.describe_images(repositoryName=repository, imageIds=[{"imageDigest": digest}])
        return _facts(asked["imageDetails"][0])


def _facts(image: dict) -> dict:
    return {name: image[name] for name in ("imageDigest", "imagePushedAt", "imageSizeInBytes")}


def images(sandbox) -> dict[tuple[str, str], dict]:
    """What DescribeImages says of every image."""
    pages = sandbox.client().get_paginator("describe_images")
    listed = [(name, page) for name in REPOSITORIES for page in pages.paginate(repositoryName=name)]
    return {(name, each["imageDigest"]): _facts(each) for name, page in listed for each in page["imageDetails"]}


def seeds(rounds: int) -> Iterator[tuple[int, random.Random]]:
    """A round's number and its random numbers; ECR_SANDBOX_SEED repeats those of a run that failed."""
    seed = os.environ.get("ECR_SANDBOX_SEED") or str(random.randrange(10**6))
    print(f"ECR_SANDBOX_SEED={seed}")
    for number in range(rounds):
        yield number, random.Random(f"{seed} {number}")


def wait_for_the_first_push(clients: list[Client]) -> None:
    end = time.monotonic() + PATIENCE
    while not any(client.acknowledged for client in clients):
        assert time.monotonic() < end, "nobody could push"
        time.sleep(0.01)


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(own_sandbox, soak):
    sandbox = own_sandbox.start()
    for name in REPOSITORIES:
        sandbox.client().create_repository(repositoryName=name)
    acknowledged: set[tuple[str, str]] = set()
    facts: dict[tuple[str, str], dict] = {}
    whole: set[tuple[str, str]] = set()
    starts, kills, interrupted = [], 0, 0
    rounds = 50 if soak else 3
    for number, chance in seeds(rounds):
        clients = [Client(sandbox, f"{chance.random()} {each}") for each in range(CLIENTS)]
        for client in clients:
            client.start()
        if number == 0:  # a busy machine may be too slow to acknowledge anything in the moment that is left
            wait_for_the_first_push(clients)
        for _ in range(chance.randrange(3) if number % 2 else 2):  # Distribution, not at all or again and again
            time.sleep(chance.uniform(0.05, 0.5))
            kill_registry(sandbox)
            kills += 1
        time.sleep(chance.uniform(0.05, 0.5))
        for client in clients:
            client.killed.set()
        sandbox.stop(signal.SIGKILL)
        for client in clients:
            client.join(PATIENCE)
            assert not client.is_alive()
            assert not client.wrong, client.wrong[0]
            acknowledged.update(client.acknowledged)
            facts |= client.facts
            interrupted += client.interrupted
        began = time.monotonic()
        sandbox.start()
        starts.append(time.monotonic() - began)

        there = images(sandbox)
        assert acknowledged <= there.keys()
        assert {key: there[key] for key in facts} == facts
        pusher = Pusher(sandbox)
        for repository, digest in there.keys() - whole:
            pusher.pull(repository, digest)  # each, acknowledged or not
        whole = set(there)
    for repository, digest in images(sandbox):  # nor did a later kill harm an older image
        Pusher(sandbox).pull(repository, digest)
    print(
        f"{len(acknowledged)} pushes acknowledged, {kills} kills of the registry ({interrupted} pushes interrupted), "
        f"{len(starts)} of the sandbox; next start {statistics.median(starts):.2f} s, at most {max(starts):.2f} s"
    )
    assert acknowledged
    assert kills >= rounds
    assert max(starts) < (2 if soak else 6)  # `make test` has other work on the same processors


def kill_registry(sandbox) -> None:
    """Distribution's own `kill -9`; so soon after the last one its successor may not be there yet."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(ProcessLookupError):
            return os.kill(registry_pid(sandbox), signal.SIGKILL)
        time.sleep(0.01)
    raise AssertionError("Distribution never came back")


def registry_pid(sandbox) -> int:
    return json.loads((sandbox.state / "sandbox.json").read_text())["registry_pid"]


def test_the_note_names_the_new_registry(own_sandbox):
    sandbox = own_sandbox.start()
    before = registry_pid(sandbox)
    os.kill(before, signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while (now := registry_pid(sandbox)) == before:
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(now, 0)
    assert json.loads(sandbox.http("GET", "/_sandbox")[2])["registry_pid"] == now


@pytest.mark.soak
def test_docker_gets_its_image_through(own_sandbox, make_image, soak):
    """docker sends a layer again that was interrupted."""
    sandbox = own_sandbox.start()
    sandbox.client().create_repository(repositoryName="app")
    sandbox.login()
    for number, chance in seeds(10 if soak else 1):
        image = make_image(f"{sandbox.registry}/app:v{number}", chance.randbytes(15_000_000))
        push = subprocess.Popen(
            ["docker", "push", image], env=sandbox.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        time.sleep(chance.uniform(0.1, 0.6))
        os.kill(registry_pid(sandbox), signal.SIGKILL)
        said = push.communicate(timeout=PATIENCE)[0]
        assert push.returncode == 0, said
        subprocess.run(["docker", "rmi", image], check=True, capture_output=True)
        sandbox.run(f"docker pull {image}")
