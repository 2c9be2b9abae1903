"""Host and origin checks, the loopback interface, and clients that disconnect."""

import contextlib
import json
import os
import socket
import subprocess
import sys

import boto3
import pytest

from helpers import settings

KEYS = {"aws_access_key_id": settings.ACCESS_KEY, "aws_secret_access_key": settings.SECRET_KEY}
# The Host is repeated in addresses that clients follow.
NOT_ONLY_A_NAME = [
    "me@localhost:5050",
    "localhost/evil.example",
    "localhost:5050#",
    "localhost:x",
    "localhost:5050,evil",
]


def other_addresses() -> list[str]:
    """This machine's addresses besides the loopback ones."""
    listed = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
    return [address for address in listed if not address.startswith("127.")]


def test_it_listens_on_loopback_only(sandbox):
    addresses = other_addresses()
    assert addresses, "this test needs a second address on the machine (docker's bridge is one)"
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.settimeout(5)
            with contextlib.suppress(OSError):
                probe.connect((address, sandbox.port))
                pytest.fail(f"the sandbox listens on {address}")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:5050", "localhost.evil.example", "", "10.0.0.7:5050", *NOT_ONLY_A_NAME]
)
def test_a_foreign_host_name_is_refused(sandbox, host):
    assert sandbox.http("GET", "/v2/", Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.1:5050", "LOCALHOST:1", "[::1]", "[::1]:5050"])
def test_our_own_host_names_pass(sandbox, host):
    assert sandbox.http("GET", "/v2/", Host=host)[0] == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8888"},  # JupyterLab: the same site, but another origin
        {"Origin": "http://localhost"},
        {"Origin": "https://localhost:{port}"},
        {"Origin": "http://127.0.0.1:{port}"},  # `localhost` was asked
        {"Origin": "http://localhost:{port}/"},  # a browser sends no path
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "navigate"},
        {"Sec_Fetch_Site": "something-new"},
    ],
)
def test_a_web_page_of_another_origin_is_refused(sandbox, headers):
    """https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header; ports differ in origin (RFC 6454, section 4)."""
    headers = {name: value.format(port=sandbox.port) for name, value in headers.items()}
    for method, path in (("POST", "/"), ("GET", "/v2/"), ("POST", "/v2/app/blobs/uploads/"), ("GET", "/_sandbox")):
        assert sandbox.http(method, path, b"" if method == "POST" else None, **headers)[0] == 403


def test_the_sandboxs_own_origin_and_an_address_that_the_user_typed_pass(sandbox):
    own = {"Origin": sandbox.url, "Sec_Fetch_Site": "same-origin"}
    by_address = {"Host": f"127.0.0.1:{sandbox.port}", "Origin": f"http://127.0.0.1:{sandbox.port}"}
    for headers in (own, by_address, {"Sec_Fetch_Site": "none"}, {"Sec_Fetch_Site": "NONE"}):
        assert sandbox.http("GET", "/v2/", **headers)[0] == 401


def test_a_client_that_disconnects_during_an_upload_does_not_affect_others(sandbox, repository, make_image):
    location = sandbox.http("POST", f"/v2/{repository}/blobs/uploads/", b"", Authorization=sandbox.basic())[1][
        "location"
    ]
    heads = [("Content-Length", "1000000"), ("Transfer-Encoding", "chunked")]
    for name, value in heads:
        with socket.create_connection(("127.0.0.1", sandbox.port)) as client:
            lines = [
                f"PATCH {location} HTTP/1.1",
                "Host: localhost",
                f"Authorization: {sandbox.basic()}",
                f"{name}: {value}",
            ]
            body = b"400\r\n" + bytes(500) if value == "chunked" else bytes(500)
            client.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:v1')}")


def test_an_upload_has_a_uuid_and_never_a_path(sandbox, repository):
    for part in ("..", "%2e%2e", "x", "."):
        path = f"/v2/{repository}/blobs/uploads/{part}?digest=sha256:{'0' * 64}"
        assert sandbox.http("PUT", path, b"x", Authorization=sandbox.basic())[0] == 404


@pytest.mark.parametrize(("address", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_port_that_is_in_use_is_not_taken(own_sandbox, address, family):
    """On either address: otherwise the other program gets the calls of clients that try its address first."""
    with socket.create_server((address, own_sandbox.port), family=family):
        taken = own_sandbox.port
        own_sandbox.start()
        assert own_sandbox.port != taken
        assert json.loads(own_sandbox.http("GET", "/_sandbox")[2])["port"] == own_sandbox.port
    assert json.loads((own_sandbox.state / "ports.json").read_text())["sandbox"] == own_sandbox.port


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_clients_reach_the_sandbox_by_both_addresses_of_localhost(sandbox, address):
    client = boto3.client("ecr", settings.REGION, endpoint_url=f"http://{address}:{sandbox.port}", **KEYS)
    assert client.describe_registry()["registryId"] == settings.ACCOUNT


def test_a_second_sandbox_on_the_same_state_fails(sandbox):
    second = subprocess.run(
        [sys.executable, "-m", "ecr_sandbox", "serve"],
        env=sandbox.env,
        cwd=settings.PROJECT,
        capture_output=True,
        text=True,
    )
    assert second.returncode == 1
    assert second.stderr.startswith("A sandbox already runs on ")
    assert "ecr-sandbox down" in second.stderr
    assert "Traceback" not in second.stderr


def test_the_sandbox_starts_without_any_program_on_path(own_sandbox, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "ecr_sandbox", "serve"],
        env={**own_sandbox.env, "PATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline().startswith("ready http://localhost:")
        process.terminate()


def test_only_the_owner_can_read_the_state(sandbox):
    assert os.stat(sandbox.state).st_mode & 0o077 == 0
    assert os.stat(sandbox.state / "secret").st_mode & 0o077 == 0
