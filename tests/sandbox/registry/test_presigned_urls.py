"""Presigned URLs: ECR redirects the download of a layer to S3. The URL needs no password and expires after an hour."""

import os
import time
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

import pytest

from ecr_sandbox.http import addresses
from ecr_sandbox.http.addresses import LocalPorts
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
    """The presigned URL of the layer."""
    return wire.ask("GET", f"blobs/{DIGEST}").headers["Location"]


@pytest.fixture
def anonymous(sandbox):
    """A client without credentials."""
    return Wire(sandbox.url, "")


def s3(answer):
    """Status, code and message of an XML error of S3."""
    assert answer.headers["Content-Type"].startswith("application/xml")
    fields = [answer.text.split(f"<{name}>")[1].split(f"</{name}>")[0] for name in ("Code", "Message")]
    return answer.status_code, *fields


def refused_by_go_containerregistry(asked, there):
    """Whether crane, cosign, ko and trivy refuse a redirect from one address to another: ``checkRedirectSSRF``.

    https://github.com/google/go-containerregistry/blob/v0.21.6/pkg/v1/remote/fetcher.go (May 2026); write.go has the
    same rule for the Location of an upload.
    """
    asked, there = urlsplit(asked).hostname, urlsplit(there).hostname
    if there == asked:
        return False
    try:
        address = ip_address(there)
    except ValueError:
        return False
    return address.is_private or address.is_loopback or address.is_link_local or address.is_unspecified


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_get_redirects_to_the_host_that_was_asked(sandbox, wire, host):
    asked = f"{host}:{sandbox.port}"
    answer = wire.ask("GET", f"blobs/{DIGEST}", Host=asked)
    assert (answer.status_code, answer.content) == (307, b"")
    location = answer.headers["Location"]
    assert not refused_by_go_containerregistry(f"http://{asked}", location)
    url = urlsplit(location)
    assert url.netloc == asked
    assert url.path.startswith(f"/prod-{settings.REGION}-starport-layer-bucket/")
    assert parse_qs(url.query)["X-Amz-Expires"] == ["3600"]


def test_head_is_answered_without_a_redirect(wire):
    answer = wire.ask("HEAD", f"blobs/{DIGEST}", Range="bytes=0-9")  # ranges are for GET only
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Docker-Content-Digest"] == DIGEST


def test_a_missing_layer_has_no_presigned_url(wire):
    for method in ("GET", "HEAD"):
        assert wire.ask(method, f"blobs/{digest_of(b'nothing')}").status_code == 404
        assert wire.ask(method, f"blobs/sha512:{'0' * 128}").status_code == 404
        assert wire.ask(method, "blobs/sha256:nonsense").status_code == 400
    assert error(wire.ask("GET", f"blobs/{digest_of(b'nothing')}")) == (404, "BLOB_UNKNOWN")
    assert error(wire.ask("GET", "blobs/latest")) == (400, "DIGEST_INVALID")


def test_an_anonymous_client_can_use_a_presigned_url(link, anonymous):
    answer = anonymous.ask("GET", link)
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize(
    ("requested", "begin", "end"),
    [("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=99990-", 99_990, None), ("bytes=-7", -7, None)],
)
def test_a_range_of_a_layer(wire, requested, begin, end):
    answer = wire.blob(DIGEST, Range=requested)
    assert answer.status_code == 206
    assert answer.content == CONTENT[begin:end]
    assert answer.headers["Content-Range"].endswith(f"/{len(CONTENT)}")


def test_an_unsatisfiable_range_is_refused(wire):
    assert s3(wire.blob(DIGEST, Range="bytes=200000-"))[:2] == (416, "InvalidRange")


def test_the_password_of_the_registry_is_ignored(link, wire):
    """A client that follows a redirect to the same host name may send it again."""
    answer = wire.ask("GET", link)
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize(
    "mechanism", ["AWS4-HMAC-SHA256 Credential=A, SignedHeaders=host, Signature=0", "Bearer x", ""]
)
def test_a_presigned_url_with_another_authorization_is_refused(link, anonymous, mechanism):
    """https://github.com/open-policy-agent/opa/issues/6580"""
    answer = anonymous.ask("GET", link, Authorization=mechanism)
    assert s3(answer) == (
        400,
        "InvalidArgument",
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter "
        "or the Authorization header should be specified",
    )


def test_a_presigned_url_expires_after_an_hour(sandbox, wire, anonymous, monkeypatch):
    monkeypatch.setattr(addresses, "current", LocalPorts(sandbox.port, lambda name: 0), raising=False)
    links, key = PresignedUrls(sandbox.state / "secret"), (settings.ACCOUNT, settings.REGION, wire.repository)
    assert anonymous.ask("GET", links.url(DIGEST, key, "localhost", time.time() - 3590)).content == CONTENT
    answer = anonymous.ask("GET", links.url(DIGEST, key, "localhost", time.time() - 3601))
    assert s3(answer) == (403, "AccessDenied", "Request has expired")


def forged(link):
    """Copies of the URL, each with one change."""
    start, signature = link.split("X-Amz-Signature=")
    yield link.replace("X-Amz-Expires=3600", "X-Amz-Expires=999999")
    yield link.replace("starport-layer-bucket/", "starport-layer-bucket/A")
    yield f"{start}X-Amz-Signature={'0' * 64}"
    yield f"{start}X-Amz-Signature={signature[:-1]}"
    yield f"{start}X-Amz-Signature=%C3%A9"
    yield f"{link}&more=1"
    yield link.replace("X-Amz-Date=2", "X-Amz-Date=3")


def test_a_changed_presigned_url_is_refused(link, anonymous):
    for url in forged(link):
        assert s3(anonymous.ask("GET", url))[:2] == (403, "SignatureDoesNotMatch"), url
    assert s3(anonymous.ask("GET", link.partition("?")[0]))[:2] == (403, "AccessDenied")
    assert s3(anonymous.ask("DELETE", link))[:2] == (403, "SignatureDoesNotMatch")  # a presigned URL is for one method
    assert anonymous.ask("HEAD", link).status_code == 403


def test_a_presigned_url_of_a_deleted_layer_is_not_found(sandbox, wire, link, anonymous):
    sandbox.client().delete_repository(repositoryName=wire.repository)
    assert s3(anonymous.ask("GET", link))[:2] == (404, "NoSuchKey")


def test_every_region_redirects_to_the_same_port(sandbox):
    """Each Region has its own port, but the presigned URLs of all Regions have the same port."""
    region = "eu-west-1"
    ecr = sandbox.client(region=region)
    name = ecr.create_repository(repositoryName=f"far-{os.urandom(4).hex()}")["repository"]
    [token] = ecr.get_authorization_token()["authorizationData"]
    far = Wire(token["proxyEndpoint"], name["repositoryName"], f"Basic {token['authorizationToken']}")
    far.push_blob(CONTENT)
    assert urlsplit(far.ask("GET", f"blobs/{DIGEST}").headers["Location"]).port == sandbox.port
    assert far.blob(DIGEST).content == CONTENT


def test_downloads_are_metered_and_redirects_are_not(sandbox, wire, link, anonymous):
    def sent():
        store = Store(sandbox.state / "state.db")
        try:
            usage = Meter(store).usage(time.time() - 7200, time.time() + 7200, settings.ACCOUNT, by=("repository",))
            return next((used.internet for key, used in usage.items() if wire.repository in key), 0)
        finally:
            store.close()

    assert sent() == 0
    anonymous.ask("GET", link)
    assert sent() == len(CONTENT)
    anonymous.ask("GET", link, Range="bytes=0-9")
    assert sent() == len(CONTENT) + 10


def test_requests_follows_the_redirect(wire):
    """tests/sandbox/clients has the same test for the other clients."""
    assert wire.blob(DIGEST).content == CONTENT
