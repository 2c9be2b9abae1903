"""AWS's host names with HTTPS: which name leads where, and that no other is answered."""

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys

import pytest

from ecr_sandbox.http import aws_names
from ecr_sandbox.http.aws_names import Place, Registry
from tests.sandbox.conftest import free_port

ACCOUNT, REGION = "210987654321", "eu-west-3"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


@pytest.mark.parametrize(
    ("host", "place"),
    [
        (REGISTRY, Registry(ACCOUNT, REGION)),
        (f"{REGISTRY}:443", Registry(ACCOUNT, REGION)),
        (REGISTRY.upper(), Registry(ACCOUNT, REGION)),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", Registry("123456789012", "us-gov-west-1")),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", Registry("123456789012", "cn-north-1")),
        ("123456789012.dkr-ecr.us-east-1.on.aws", Registry("123456789012", "us-east-1")),
        ("123456789012.dkr-ecr-fips.us-east-1.on.aws", Registry("123456789012", "us-east-1")),
        ("public.ecr.aws", Place.PUBLIC),
        ("prod-eu-west-3-starport-layer-bucket.s3.eu-west-3.amazonaws.com", Place.LAYERS),
        ("api.ecr.eu-west-3.amazonaws.com", Place.API),
        ("ecr.eu-west-3.api.aws", Place.API),
        ("ecr-fips.us-east-1.amazonaws.com", Place.API),
        ("api.ecr-public.us-east-1.amazonaws.com", Place.API),
        ("sts.amazonaws.com", Place.API),
        ("sts.eu-west-3.amazonaws.com", Place.API),
        ("iam.global.api.aws", Place.API),
        ("ce.us-east-1.amazonaws.com", Place.API),
        ("ce.aws-global.api.aws", Place.API),
        ("12345.dkr.ecr.eu-west-3.amazonaws.com", None),
        (f"evil.{REGISTRY}", None),
        (f"{REGISTRY}.evil.example", None),
        (f"{REGISTRY}/evil", None),
        ("s3.amazonaws.com", None),
        ("localhost", None),
        ("", None),
    ],
)
def test_which_name_is_what(host, place):
    assert aws_names.place_of(host) == place


def test_the_names_for_a_hosts_file_are_all_served():
    names = aws_names.names([ACCOUNT, "111122223333"], [REGION, "us-east-1"])
    assert len(names) == len(set(names))
    assert [name for name in names if aws_names.place_of(name) is None] == []
    assert {REGISTRY, "111122223333.dkr.ecr.us-east-1.amazonaws.com"} < set(names)


class Served:
    """A sandbox that serves AWS's names on a port that needs no root; *ask* sends a request to one of them."""

    def __init__(self, state):
        self.state, self.port = state, free_port()
        self._start()

    def _start(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ECR_SANDBOX_"))}
        own = {"ECR_SANDBOX_STATE": str(self.state), "ECR_SANDBOX_PORT": str(free_port())}
        names = ["--aws-names", "--tls", "--tls-port", str(self.port), "--account", ACCOUNT, "--region", REGION]
        argv = [sys.executable, "-m", "ecr_sandbox", "serve", *names]
        self.process = subprocess.Popen(argv, env=kept | own, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().startswith("ready ")
        self.status = json.loads((self.state / "sandbox.json").read_text())

    def restart(self):
        self.stop()
        self._start()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()

    def ask(self, host, path, method="GET", body=None, **headers):
        """Status, headers and body. The client trusts the CA of the state folder only, and checks the name."""
        trust = ssl.create_default_context(cafile=str(self.state / "ca.pem"))
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as plain:
            connection = http.client.HTTPConnection(host, 443)
            connection.sock = trust.wrap_socket(plain, server_hostname=host)
            connection.request(method, path, body, {"Host": host, **headers})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    sandbox = Served(tmp_path_factory.mktemp("names") / "state")
    yield sandbox
    sandbox.stop()


def test_a_registry_answers_by_its_name_with_a_certificate_for_it(served):
    status, headers, body = served.ask(REGISTRY, "/v2/")
    assert (status, body) == (401, b"Not Authorized\n")
    assert headers["Www-Authenticate"] == f'Basic realm="https://{REGISTRY}/",service="ecr.amazonaws.com"'


def test_ecr_public_and_the_layers_answer_by_their_names(served):
    assert "https://public.ecr.aws/token/" in served.ask("public.ecr.aws", "/v2/")[1]["Www-Authenticate"]
    layers = served.ask(aws_names.layers_host(REGION), "/something")
    assert (layers[0], b"<Code>AccessDenied</Code>" in layers[2]) == (403, True)


def test_the_api_answers_by_its_name_only(served):
    """A name of the API is no registry and no control API, unlike localhost."""
    assert b"MissingAuthenticationToken" in served.ask("api.ecr.eu-west-3.amazonaws.com", "/")[2]
    for path in ("/v2/", "/_sandbox"):
        assert served.ask("sts.amazonaws.com", path)[0] in (400, 403)


@pytest.mark.parametrize("host", ["evil.example", f"{REGISTRY}.evil.example", f"{REGISTRY}/x", "10.0.0.7"])
def test_another_host_name_is_refused(served, host):
    trust = ssl.create_default_context(cafile=str(served.state / "ca.pem"))
    plain = socket.create_connection(("127.0.0.1", served.port), timeout=30)
    with trust.wrap_socket(plain, server_hostname=REGISTRY) as client:
        client.sendall(f"GET /v2/ HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 403")


def test_a_web_page_of_another_origin_is_refused(served):
    assert served.ask(REGISTRY, "/v2/", Origin="https://evil.example")[0] == 403
    assert served.ask(REGISTRY, "/v2/", Origin=f"https://{REGISTRY}")[0] == 401


def test_a_client_that_sends_no_handshake_holds_up_no_other(served):
    with socket.create_connection(("127.0.0.1", served.port)):
        assert served.ask(REGISTRY, "/v2/")[0] == 401


def test_a_client_without_tls_is_disconnected(served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as plain:
        plain.sendall(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP/1.1 200" not in plain.recv(1000)
    assert served.ask(REGISTRY, "/v2/")[0] == 401


def test_the_ca_stays_after_a_restart_and_only_its_owner_can_read_its_key(served):
    before = (served.state / "ca.pem").read_bytes()
    served.restart()
    assert (served.state / "ca.pem").read_bytes() == before
    assert served.ask(REGISTRY, "/v2/")[0] == 401
    assert os.stat(served.state / "ca.key").st_mode & 0o077 == 0


def test_the_status_has_what_clients_need(served):
    assert served.status["registry"] == REGISTRY
    assert served.status["public_registry"] == "public.ecr.aws"
    assert (next(iter(served.status["accounts"])), served.status["region"]) == (ACCOUNT, REGION)
    assert served.status["aws_names"]["ca"] == str(served.state / "ca.pem")
    assert REGISTRY in served.status["aws_names"]["names"]
