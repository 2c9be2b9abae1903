"""Fifty clients at once: no error, and where only one can win, exactly one does.

In `make soak` each of them does ten times as much.
"""

import hashlib
import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from bench import crowd
from helpers import settings
from tests.sandbox.conftest import PATIENCE

pytestmark = pytest.mark.soak

CLIENTS = 50
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


class Client:
    """Plain HTTP of one client: one connection, one token."""

    def __init__(self, sandbox, basic: str):
        self._connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=PATIENCE)
        self._basic = basic

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/octet-stream"):
        headers = {"Authorization": self._basic, "Content-Type": kind, "Content-Length": str(len(body))}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def push(self, repository: str, tag: str, content: bytes) -> tuple[int, str]:
        """Push an image whose config is *content*; the status of its last step, and its digest."""
        status, headers, said = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        assert status == 202, said
        there = headers["Location"]
        status, _, said = self.ask("PUT", f"{there}{'&' if '?' in there else '?'}digest={digest(content)}", content)
        assert status == 201, said
        manifest = manifest_of(content)
        status, _, said = self.ask("PUT", f"/v2/{repository}/manifests/{tag}", manifest, MANIFEST_TYPE)
        assert status < 500, said
        return status, digest(manifest)


def manifest_of(content: bytes) -> bytes:
    config = {"mediaType": CONFIG_TYPE, "digest": digest(content), "size": len(content)}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": []}).encode()


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def images(ecr, repository: str) -> list[dict]:
    pages = ecr.get_paginator("describe_images").paginate(repositoryName=repository)
    return [image for page in pages for image in page["imageDetails"]]


def at_once(work: Callable[[int], object]) -> list:
    """What *work* returns for each of fifty clients, who all begin at the same moment."""
    gate = threading.Barrier(CLIENTS)

    def begin(number: int):
        gate.wait(PATIENCE)
        return work(number)

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(begin, range(CLIENTS)))


@pytest.fixture
def clients(sandbox) -> list[Client]:
    basic = sandbox.basic()
    return [Client(sandbox, basic) for _ in range(CLIENTS)]


@pytest.fixture(scope="module")
def ecr(sandbox):
    """One client of boto3 for all threads, which it may serve at once."""
    keys = {"aws_access_key_id": settings.ACCESS_KEY, "aws_secret_access_key": settings.SECRET_KEY}
    once = Config(max_pool_connections=CLIENTS, retries={"total_max_attempts": 1})
    return boto3.client("ecr", settings.REGION, endpoint_url=sandbox.url, config=once, **keys)


def test_a_mixed_crowd_meets_no_error(sandbox, ecr, clients, repository, soak):
    """Each pushes, pulls, tags and deletes in a repository of its own and in one that all share."""

    def work(number: int) -> None:
        client, own = clients[number], f"{repository}/own-{number}"
        ecr.create_repository(repositoryName=own)
        for turn in range(10 if soak else 1):
            content = f"{number} {turn}".encode()
            for name in (own, repository):
                status, pushed = client.push(name, f"n{number}-{turn}", content)
                assert status == 201
                status, _, pulled = client.ask("GET", f"/v2/{name}/manifests/n{number}-{turn}")
                assert (status, digest(pulled)) == (200, pushed)
                assert client.ask("HEAD", f"/v2/{name}/blobs/{digest(content)}")[0] == 200
                status, _, again = client.ask("PUT", f"/v2/{name}/manifests/moved-{number}", pulled, MANIFEST_TYPE)
                assert status == 201, again
                ids = [{"imageTag": f"moved-{number}"}]
                assert (
                    ecr.describe_images(repositoryName=name, imageIds=ids)["imageDetails"][0]["imageDigest"] == pushed
                )
            assert not ecr.batch_delete_image(repositoryName=own, imageIds=[{"imageDigest": pushed}])["failures"]
            assert client.ask("GET", f"/v2/{own}/manifests/n{number}-{turn}")[0] == 404
        ecr.delete_repository(repositoryName=own, force=True)

    at_once(work)
    left = {tag for image in images(ecr, repository) for tag in image["imageTags"]}
    turns = 10 if soak else 1
    assert left >= {f"moved-{number}" for number in range(CLIENTS)}
    assert len(left) == CLIENTS * (turns + 1)
    assert not [r for r in ecr.describe_repositories(maxResults=1000)["repositories"] if "/own-" in r["repositoryName"]]


def test_one_create_wins(ecr, repository, soak):
    for turn in range(20 if soak else 3):

        def create(_: int, name: str = f"{repository}/{turn}") -> str:
            try:
                ecr.create_repository(repositoryName=name)
            except ClientError as error:
                return error.response["Error"]["Code"]
            return "made"

        assert Counter(at_once(create)) == {"made": 1, "RepositoryAlreadyExistsException": CLIENTS - 1}


def test_one_push_of_an_immutable_tag_wins(ecr, clients, repository, soak):
    ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    for turn in range(10 if soak else 1):
        pushed = at_once(lambda n, turn=turn: clients[n].push(repository, f"v{turn}", f"immutable {n} {turn}".encode()))
        assert Counter(status for status, _ in pushed) == {201: 1, 400: CLIENTS - 1}
        [winner] = [image for status, image in pushed if status == 201]
        [kept] = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": f"v{turn}"}])["imageDetails"]
        assert kept["imageDigest"] == winner
    assert len(ecr.describe_images(repositoryName=repository)["imageDetails"]) == turn + 1  # the losers left nothing


def test_one_put_of_an_immutable_tag_wins(ecr, clients, repository, soak):
    """By the API: the rule is the same, whoever asks."""
    ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    contents = [f"by API {number}".encode() for number in range(CLIENTS)]
    at_once(lambda number: clients[number].push(repository, f"own-{number}", contents[number]))
    for turn in range(10 if soak else 1):

        def put(number: int, tag: str = f"v{turn}") -> str:
            try:
                ecr.put_image(
                    repositoryName=repository, imageManifest=manifest_of(contents[number]).decode(), imageTag=tag
                )
            except ClientError as error:
                return error.response["Error"]["Code"]
            return "put"

        assert Counter(at_once(put)) == {"put": 1, "ImageTagAlreadyExistsException": CLIENTS - 1}


def test_every_push_of_latest_is_taken_and_one_holds_it(ecr, clients, repository, soak):
    everything = set()
    for turn in range(10 if soak else 1):
        pushed = at_once(lambda n, turn=turn: clients[n].push(repository, "latest", f"latest {n} {turn}".encode()))
        assert {status for status, _ in pushed} == {201}
        everything |= {image for _, image in pushed}
        kept = images(ecr, repository)
        assert {image["imageDigest"] for image in kept} == everything
        [holder] = [image for image in kept if image.get("imageTags")]
        assert holder["imageTags"] == ["latest"]
        assert holder["imageDigest"] in {image for _, image in pushed}


def test_one_delete_of_a_repository_wins(ecr, clients, repository, soak):
    """While it is deleted others push to it: each is told yes or that it is gone, and nothing half of it is left."""
    for turn in range(10 if soak else 1):
        name = f"{repository}/gone-{turn}"
        ecr.create_repository(repositoryName=name)

        def work(number: int, name: str = name) -> str:
            if number % 2:
                status, _, _ = clients[number].ask("POST", f"/v2/{name}/blobs/uploads/")
                return {202: "begun", 404: "gone"}[status]
            try:
                ecr.delete_repository(repositoryName=name, force=True)
            except ClientError as error:
                return error.response["Error"]["Code"]
            return "deleted"

        said = Counter(at_once(work))
        assert said["deleted"] == 1
        assert said["RepositoryNotFoundException"] == CLIENTS // 2 - 1
        assert said["begun"] + said["gone"] == CLIENTS // 2
        ecr.create_repository(repositoryName=name)
        assert ecr.describe_images(repositoryName=name)["imageDetails"] == []


def test_small_calls_are_answered_in_time(sandbox, soak):
    """What `make bench` measures: four of ten calls change something, and are on disk when they are answered."""
    [data] = sandbox.client().get_authorization_token()["authorizationData"]
    crowd.prepare(sandbox.registry, data["authorizationToken"])
    answers = crowd.timed(sandbox.registry, crowd.calls)
    assert len(answers) == CLIENTS * crowd.ROUNDS * 10
    assert crowd.percentile(answers, 95) < (300 if soak else 1500)  # ms; `make test` has other work at the same time
