"""Fifty concurrent clients: no server error, and where only one can succeed, exactly one does.

In `make soak` each client sends ten times as many requests.
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

from bench import crowd, load
from helpers import settings
from tests.sandbox.conftest import PATIENCE

pytestmark = pytest.mark.soak

CLIENTS = 50
LIMIT = 2  # the largest accepted ratio of processor time
UNFAIR = 5  # the largest accepted ratio of the slowest 5% of calls to the median
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


class Client:
    """An HTTP client with one connection and one token."""

    def __init__(self, sandbox, basic: str):
        self._connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=PATIENCE)
        self._basic = basic

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/octet-stream"):
        headers = {"Authorization": self._basic, "Content-Type": kind, "Content-Length": str(len(body))}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def push(self, repository: str, tag: str, content: bytes) -> tuple[int, str]:
        """Push an image whose config is *content*; the status of the last request, and the digest."""
        status, headers, answer = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        assert status == 202, answer
        location = headers["Location"]
        status, _, answer = self.ask(
            "PUT", f"{location}{'&' if '?' in location else '?'}digest={digest(content)}", content
        )
        assert status == 201, answer
        manifest = manifest_of(content)
        status, _, answer = self.ask("PUT", f"/v2/{repository}/manifests/{tag}", manifest, MANIFEST_TYPE)
        assert status < 500, answer
        return status, digest(manifest)


def manifest_of(content: bytes) -> bytes:
    config = {"mediaType": CONFIG_TYPE, "digest": digest(content), "size": len(content)}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": [config]}).encode()


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def images(ecr, repository: str) -> list[dict]:
    pages = ecr.get_paginator("describe_images").paginate(repositoryName=repository)
    return [image for page in pages for image in page["imageDetails"]]


def in_parallel(work: Callable[[int], object]) -> list:
    """The results of *work* for each of fifty clients, which all start at the same moment."""
    barrier = threading.Barrier(CLIENTS)

    def begin(number: int):
        barrier.wait(PATIENCE)
        return work(number)

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(begin, range(CLIENTS)))


@pytest.fixture
def clients(sandbox) -> list[Client]:
    basic = sandbox.basic()
    return [Client(sandbox, basic) for _ in range(CLIENTS)]


@pytest.fixture(scope="module")
def ecr(sandbox):
    """One boto3 client for all threads, with a connection for each and no retries."""
    keys = {"aws_access_key_id": settings.ACCESS_KEY, "aws_secret_access_key": settings.SECRET_KEY}
    config = Config(max_pool_connections=CLIENTS, retries={"total_max_attempts": 1})
    return boto3.client("ecr", settings.REGION, endpoint_url=sandbox.url, config=config, **keys)


def test_mixed_requests_of_many_clients_get_no_error(sandbox, ecr, clients, repository, soak):
    """Each client pushes, pulls, tags and deletes in its own repository and in a shared one."""

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

    in_parallel(work)
    left = {tag for image in images(ecr, repository) for tag in image["imageTags"]}
    turns = 10 if soak else 1
    assert left >= {f"moved-{number}" for number in range(CLIENTS)}
    assert len(left) == CLIENTS * (turns + 1)
    assert not [r for r in ecr.describe_repositories(maxResults=1000)["repositories"] if "/own-" in r["repositoryName"]]


def test_only_one_of_many_creates_succeeds(ecr, repository, soak):
    for turn in range(20 if soak else 3):

        def create(_: int, name: str = f"{repository}/{turn}") -> str:
            try:
                ecr.create_repository(repositoryName=name)
            except ClientError as error:
                return error.response["Error"]["Code"]
            return "created"

        assert Counter(in_parallel(create)) == {"created": 1, "RepositoryAlreadyExistsException": CLIENTS - 1}


def test_only_one_of_many_pushes_to_an_immutable_tag_succeeds(ecr, clients, repository, soak):
    ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    for turn in range(10 if soak else 1):
        pushed = in_parallel(
            lambda n, turn=turn: clients[n].push(repository, f"v{turn}", f"immutable {n} {turn}".encode())
        )
        assert Counter(status for status, _ in pushed) == {201: 1, 400: CLIENTS - 1}
        [winner] = [image for status, image in pushed if status == 201]
        [kept] = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": f"v{turn}"}])["imageDetails"]
        assert kept["imageDigest"] == winner
    assert len(ecr.describe_images(repositoryName=repository)["imageDetails"]) == turn + 1  # no image of a refused push


def test_only_one_of_many_put_images_with_an_immutable_tag_succeeds(ecr, clients, repository, soak):
    """The same rule, by the API."""
    ecr.put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    contents = [f"by API {number}".encode() for number in range(CLIENTS)]
    in_parallel(lambda number: clients[number].push(repository, f"own-{number}", contents[number]))
    for turn in range(10 if soak else 1):

        def put(number: int, tag: str = f"v{turn}") -> str:
            try:
                ecr.put_image(
                    repositoryName=repository, imageManifest=manifest_of(contents[number]).decode(), imageTag=tag
                )
            except ClientError as error:
                return error.response["Error"]["Code"]
            return "put"

        assert Counter(in_parallel(put)) == {"put": 1, "ImageTagAlreadyExistsException": CLIENTS - 1}


def test_every_push_to_latest_succeeds_and_one_image_keeps_the_tag(ecr, clients, repository, soak):
    pushed_images = set()
    for turn in range(10 if soak else 1):
        pushed = in_parallel(lambda n, turn=turn: clients[n].push(repository, "latest", f"latest {n} {turn}".encode()))
        assert {status for status, _ in pushed} == {201}
        pushed_images |= {image for _, image in pushed}
        kept = images(ecr, repository)
        assert {image["imageDigest"] for image in kept} == pushed_images
        [tagged] = [image for image in kept if image.get("imageTags")]
        assert tagged["imageTags"] == ["latest"]
        assert tagged["imageDigest"] in {image for _, image in pushed}


def test_only_one_of_many_deletes_of_a_repository_succeeds(ecr, clients, repository, soak):
    """Other clients push meanwhile: each upload starts or gets a 404, and no image is left."""
    for turn in range(10 if soak else 1):
        name = f"{repository}/gone-{turn}"
        ecr.create_repository(repositoryName=name)

        def work(number: int, name: str = name) -> str:
            if number % 2:
                status, _, _ = clients[number].ask("POST", f"/v2/{name}/blobs/uploads/")
                return {202: "started", 404: "not found"}[status]
            try:
                ecr.delete_repository(repositoryName=name, force=True)
            except ClientError as error:
                return error.response["Error"]["Code"]
            return "deleted"

        results = Counter(in_parallel(work))
        assert results["deleted"] == 1
        assert results["RepositoryNotFoundException"] == CLIENTS // 2 - 1
        assert results["started"] + results["not found"] == CLIENTS // 2
        ecr.create_repository(repositoryName=name)
        assert ecr.describe_images(repositoryName=name)["imageDetails"] == []


def test_no_client_of_a_crowd_waits_longer_or_costs_more_than_the_others(sandbox):
    """The calls of `make bench`: four of ten write, and their changes are on disk before the response.

    Ratios, because a busy machine slows both sides of them: the slowest calls to the median, and the processor time
    of a call to that of a call of one client alone.
    """
    [data] = sandbox.client().get_authorization_token()["authorizationData"]
    crowd.prepare(sandbox.registry, data["authorizationToken"])
    sandbox.client().create_repository(repositoryName=f"crowd-{CLIENTS}")
    crowd.push(f"{sandbox.url}/v2/crowd-{CLIENTS}", "first", data["authorizationToken"])
    alone, processor_alone = answered(sandbox, [crowd.calls(sandbox.registry, CLIENTS)])
    answers, processor = answered(sandbox, [crowd.calls(sandbox.registry, number) for number in range(CLIENTS)])
    assert len(answers) == CLIENTS * len(alone) == CLIENTS * crowd.ROUNDS * 10
    slowest, median = crowd.percentile(answers, 95), crowd.percentile(answers, 50)
    per_call, per_call_alone = processor / len(answers) * 1000, processor_alone / len(alone) * 1000
    print(f"median {median:.0f} ms, 95% {slowest:.0f} ms; processor {per_call:.1f} ms, alone {per_call_alone:.1f} ms")
    assert slowest <= UNFAIR * median
    assert per_call <= LIMIT * per_call_alone


def answered(sandbox, scripts: list[list[load.Prepared]]) -> tuple[list[load.Answered], float]:
    """The responses to these clients, and the seconds of processor time that the sandbox needed for all of them."""
    before = sandbox.processor_seconds()
    answers = load.run(sandbox.registry, scripts)
    assert {answer.status for answer in answers} == {200}
    return answers, sandbox.processor_seconds() - before
