"""Where a layer is fetched: ECR sends its clients to S3, by a link that needs no password and ends after an hour."""

import os
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from ecr_sandbox.http import addresses
from ecr_sandbox.registry.presigned_urls import PresignedUrls
from ecr_sandbox.registry.usage import Meter
from ecr_sandbox.state.store import Store
from helpers import settings
from tests.sandbox.wire import Wire, digest_of, error

CONTENT = os.urandom(100_000)
DIGEST = digest_of(CONTENT)


@pytest.fixture
def wire(sandbox, repository):
    wire = Wire(sandbox.url, repository, sandbox.basic())
    wire.push_blob(CONTENT)
    return wire


@pytest.fixture
def link(wire):
    """Where the registry sends those who want the layer."""
    return wire.ask("GET", f"blobs/{DIGEST}").headers["Location"]


@pytest.fixture
def stranger(sandbox):
    """A client that knows no password."""
    return Wire(sandbox.url, "")


def s3(answer):
    """Status, code and message of S3's XML."""
    assert answer.headers["Content-Type"].startswith("application/xml")
    cut = [answer.text.split(f"<{name}>")[1].split(f"</{name}>")[0] for name in ("Code", "Message")]
    return answer.status_code, *cut


def test_get_is_a_redirect_to_another_host(sandbox, wire):
    answer = wire.ask("GET", f"blobs/{DIGEST}")
    assert (answer.status_code, answer.content) == (307, b"")
    url = urlsplit(answer.headers["Location"])
    assert (url.hostname, url.port) == ("127.0.0.1", sandbox.port)  # not localhost: good clients drop the password
    assert url.path.startswith(f"/prod-{settings.REGION}-starport-layer-bucket/")
    assert parse_qs(url.query)["X-Amz-Expires"] == ["3600"]


def test_head_is_answered_at_once(wire):
    answer = wire.ask("HEAD", f"blobs/{DIGEST}", Range="bytes=0-9")  # which is for GET
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Docker-Content-Digest"] == DIGEST


def test_what_is_not_there_has_no_link(wire):
    for method in ("GET", "HEAD"):
        assert wire.ask(method, f"blobs/{digest_of(b'nothing')}").status_code == 404
        assert wire.ask(method, f"blobs/sha512:{'0' * 128}").status_code == 404
        assert wire.ask(method, "blobs/sha256:nonsense").status_code == 400
    assert error(wire.ask("GET", f"blobs/{digest_of(b'nothing')}")) == (404, "BLOB_UNKNOWN")
    assert error(wire.ask("GET", "blobs/latest")) == (400, "DIGEST_INVALID")


def test_whoever_has_the_link_has_the_layer(link, stranger):
    answer = stranger.ask("GET", link)
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=99990-", 99_990, None), ("bytes=-7", -7, None)],
)
def test_a_part_of_a_layer(wire, asked, begin, end):
    answer = wire.blob(DIGEST, Range=asked)
    assert answer.status_code == 206
    assert answer.content == CONTENT[begin:end]
    assert answer.headers["Content-Range"].endswith(f"/{len(CONTENT)}")


def test_a_part_that_is_not_there(wire):
    assert s3(wire.blob(DIGEST, Range="bytes=200000-"))[:2] == (416, "InvalidRange")


def test_a_client_that_brings_its_password_along(link, wire):
    answer = wire.ask("GET", link)
    assert s3(answer) == (
        400,
        "InvalidArgument",
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter "
        "or the Authorization header should be specified",
    )


def test_a_link_of_an_hour_ago(sandbox, wire, stranger, monkeypatch):
    monkeypatch.setattr(addresses, "_port", sandbox.port)
    links, key = PresignedUrls(sandbox.state / "secret"), (settings.ACCOUNT, settings.REGION, wire.repository)
    assert stranger.ask("GET", links.url(DIGEST, key, made=time.time() - 3590)).content == CONTENT
    answer = stranger.ask("GET", links.url(DIGEST, key, made=time.time() - 3601))
    assert s3(answer) == (403, "AccessDenied", "Request has expired")


def forged(link):
    """The same link with one thing changed at a time."""
    start, signature = link.split("X-Amz-Signature=")
    yield link.replace("X-Amz-Expires=3600", "X-Amz-Expires=999999")
    yield link.replace("starport-layer-bucket/", "starport-layer-bucket/A")
    yield f"{start}X-Amz-Signature={'0' * 64}"
    yield f"{start}X-Amz-Signature={signature[:-1]}"
    yield f"{start}X-Amz-Signature=%C3%A9"
    yield f"{link}&more=1"
    yield link.replace("X-Amz-Date=2", "X-Amz-Date=3")


def test_a_link_that_was_changed(link, stranger):
    for url in forged(link):
        assert s3(stranger.ask("GET", url))[:2] == (403, "SignatureDoesNotMatch"), url
    assert s3(stranger.ask("GET", link.partition("?")[0]))[:2] == (403, "AccessDenied")
    assert s3(stranger.ask("DELETE", link))[:2] == (403, "SignatureDoesNotMatch")  # a link is for one method
    assert stranger.ask("HEAD", link).status_code == 403


def test_a_link_to_a_layer_that_is_gone(sandbox, wire, link, stranger):
    sandbox.client().delete_repository(repositoryName=wire.repository)
    assert s3(stranger.ask("GET", link))[:2] == (404, "NoSuchKey")


def test_other_registries_send_to_the_same_place(sandbox):
    """Another Region has a port of its own, its layers have not."""
    region = "eu-west-1"
    ecr = sandbox.client(region=region)
    name = ecr.create_repository(repositoryName=f"far-{os.urandom(4).hex()}")["repository"]
    [token] = ecr.get_authorization_token()["authorizationData"]
    far = Wire(token["proxyEndpoint"], name["repositoryName"], f"Basic {token['authorizationToken']}")
    far.push_blob(CONTENT)
    assert urlsplit(far.ask("GET", f"blobs/{DIGEST}").headers["Location"]).port == sandbox.port
    assert far.blob(DIGEST).content == CONTENT


def test_the_bytes_are_on_the_bill_the_redirect_is_not(sandbox, wire, link, stranger):
    def sent():
        store = Store(sandbox.state / "state.db")
        try:
            usage = Meter(store).usage(time.time() - 7200, time.time() + 7200, settings.ACCOUNT, by=("repository",))
            return next((used.internet for key, used in usage.items() if wire.repository in key), 0)
        finally:
            store.close()

    assert sent() == 0
    stranger.ask("GET", link)
    assert sent() == len(CONTENT)
    stranger.ask("GET", link, Range="bytes=0-9")
    assert sent() == len(CONTENT) + 10


def test_requests_follows_and_leaves_its_password_behind(wire):
    """The other clients' own pulls stand in test_push_and_pull.py and test_clients_*.py."""
    assert wire.blob(DIGEST).content == CONTENT
