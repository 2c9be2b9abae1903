"""`kill -9` at random moments while several clients push: no acknowledged image is lost, no image is incomplete."""

import os
import random
import signal
import statistics
import threading
import time
from collections.abc import Iterator

import pytest

from tests.sandbox.conftest import PATIENCE
from tests.sandbox.pusher import Pusher, Unexpected

CLIENTS = 4
LIMIT = 2  # the largest accepted ratio of a start after a kill to one after a stop
REPOSITORIES = ("one", "two")


class Client(threading.Thread):
    """Pushes images and records what the registry acknowledged, until the sandbox is about to be killed."""

    def __init__(self, sandbox, seed: str):
        super().__init__()
        self._pusher, self._ecr, self._random = Pusher(sandbox), sandbox.client(), random.Random(seed)
        self._shared = self._random.randbytes(5000)
        self.acknowledged: list[tuple[str, str]] = []  # repository and digest
        self.details: dict[tuple[str, str], dict] = {}  # their details in DescribeImages
        self.errors: list[Exception] = []
        self.killed = threading.Event()

    def run(self) -> None:
        while not self.killed.is_set():
            repository = self._random.choice(REPOSITORIES)
            own = self._random.randbytes(self._random.choice((100, 50_000, 1_500_000)))
            tag = self._random.choice((None, "latest", f"v{self._random.randrange(10**9)}"))
            try:
                done = self._pusher.push(repository, [self._shared, own], tag, mount_from=REPOSITORIES[0])
                self.acknowledged.append((repository, done.digest))
                self.details[repository, done.digest] = self._describe(repository, done.digest)
            except Unexpected as error:
                self.errors.append(error)
                return
            except Exception as error:  # boto3 may raise any error on a truncated response
                if not self.killed.is_set():
                    self.errors.append(error)
                return

    def _describe(self, repository: str, digest: str) -> dict:
        answer = self._ecr.describe_images(repositoryName=repository, imageIds=[{"imageDigest": digest}])
        return _details(answer["imageDetails"][0])


def _details(image: dict) -> dict:
    return {name: image[name] for name in ("imageDigest", "imagePushedAt", "imageSizeInBytes")}


def images(sandbox) -> dict[tuple[str, str], dict]:
    """The details of every image, from DescribeImages."""
    pages = sandbox.client().get_paginator("describe_images")
    listed = [(name, page) for name in REPOSITORIES for page in pages.paginate(repositoryName=name)]
    return {(name, each["imageDigest"]): _details(each) for name, page in listed for each in page["imageDetails"]}


def seeds(rounds: int) -> Iterator[tuple[int, random.Random]]:
    """Each round's number and random generator. Set ECR_SANDBOX_SEED to repeat a failed run."""
    seed = os.environ.get("ECR_SANDBOX_SEED") or str(random.randrange(10**6))
    print(f"ECR_SANDBOX_SEED={seed}")
    for number in range(rounds):
        yield number, random.Random(f"{seed} {number}")


def wait_for_the_first_push(clients: list[Client]) -> None:
    end = time.monotonic() + PATIENCE
    while not any(client.acknowledged for client in clients):
        assert time.monotonic() < end, "no push was acknowledged"
        time.sleep(0.01)


@pytest.mark.soak
@pytest.mark.usefixtures("program")
def test_acknowledged_pushes_survive_a_kill_and_every_image_is_complete(own_sandbox, soak):
    sandbox = own_sandbox.start()
    for name in REPOSITORIES:
        sandbox.client().create_repository(repositoryName=name)
    acknowledged: set[tuple[str, str]] = set()
    details: dict[tuple[str, str], dict] = {}
    verified: set[tuple[str, str]] = set()
    starts = []
    rounds = 50 if soak else 3
    for number, chance in seeds(rounds):
        clients = [Client(sandbox, f"{chance.random()} {each}") for each in range(CLIENTS)]
        for client in clients:
            client.start()
        if number == 0:  # on a busy machine the first push may take longer than the pause below
            wait_for_the_first_push(clients)
        time.sleep(chance.uniform(0.05, 1.5))
        for client in clients:
            client.killed.set()
        sandbox.stop(signal.SIGKILL)
        for client in clients:
            client.join(PATIENCE)
            assert not client.is_alive()
            assert not client.errors, client.errors[0]
            acknowledged.update(client.acknowledged)
            details |= client.details
        starts.append(sandbox.start().processor_seconds())

        found = images(sandbox)
        assert acknowledged <= found.keys()
        assert {key: found[key] for key in details} == details
        pusher = Pusher(sandbox)
        for repository, digest in found.keys() - verified:
            pusher.pull(repository, digest)  # every image, acknowledged or not
        verified = set(found)
    for repository, digest in images(sandbox):  # later kills did not damage older images
        Pusher(sandbox).pull(repository, digest)
    print(
        f"{len(acknowledged)} pushes acknowledged, {len(starts)} kills; "
        f"processor time of the next start {statistics.median(starts):.2f} s, at most {max(starts):.2f} s"
    )
    assert acknowledged
    after_a_stop = []
    for _ in range(3):
        sandbox.stop()
        after_a_stop.append(sandbox.start().processor_seconds())
    assert statistics.median(starts) <= LIMIT * statistics.median(after_a_stop)
