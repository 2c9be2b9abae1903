"""Every operation of every service that answers, with valid and wrong parameters: never an error of the server.

The calls are made from botocore's models and sent without an SDK, which would refuse to send most of them.
`make test` sends one call to most operations, `make soak` ten to each in every protocol.
"""

import json
import random
import threading

import pytest

from tests.sandbox import raw_calls
from tests.sandbox.random_calls import Maker
from tests.sandbox.raw_calls import Answer, send, send_raw

SERVICES = (
    *("ce", "cloudwatch", "ec2", "ecr", "ecr-public", "ecs", "events", "iam", "lambda", "logs", "secretsmanager"),
    *("sqs", "sts"),
)
SHORT, LONG = 40, 150  # operations of one service, in the short and the long run; EC2 alone has 800


@pytest.fixture(scope="module", autouse=True)
def log(sandbox) -> list[str]:
    """The lines of the sandbox's log."""
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(sandbox.process.stderr), daemon=True)
    reader.start()
    return lines


def check(answer: Answer, *about: object) -> None:
    """No error of the server, and an error that the protocol's clients can read."""
    assert answer.status < 500, (answer, *about)
    if answer.status >= 400:
        code, message = answer.error
        assert code, (answer, *about)
        assert "Traceback" not in message, (answer, *about)


@pytest.mark.soak
@pytest.mark.parametrize("service", SERVICES)
def test_no_parameters_are_an_error_of_the_server(sandbox, soak, service):
    model = raw_calls.model(service)
    operations = list(model.operation_names)
    limit = LONG if soak else SHORT
    if len(operations) > limit:
        operations = random.Random(service).sample(operations, limit)
    for number, operation in enumerate(operations):
        for protocol in raw_calls.protocols(service):
            for seed in range(10) if soak else (number,):
                maker = Maker(seed, mistake=0.15 if seed % 2 else 0)
                given = maker.parameters(model.operation_model(operation).input_shape)
                check(send(sandbox.port, service, operation, given, protocol), operation, given)
    assert json.loads(sandbox.http("GET", "/_sandbox")[2])["endpoint"]  # it still answers


BODIES = [
    b"",
    b"null",
    b"[]",
    b"1",
    b"{",
    b"\xff\xfe",
    b"{" * 100_000,
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"a=b&c",
    b"<a/>",
]


@pytest.mark.parametrize("service", SERVICES)
def test_no_body_is_an_error_of_the_server(sandbox, service):
    model = raw_calls.model(service)
    operation = model.operation_model(sorted(model.operation_names)[0])
    for protocol in raw_calls.protocols(service):
        method, path, _, headers = raw_calls.encode(operation, {}, protocol)
        for body in BODIES:
            for kind in (headers["Content-Type"], "text/plain", "application/json", "application/xml"):
                named = {**headers, "Content-Type": kind}
                check(send_raw(sandbox.port, model.signing_name, method, path, body, named, ""), body[:20], kind)


HEADERS = ["Authorization", "X-Amz-Date", "X-Amz-Target", "X-Amz-Security-Token", "X-Amz-Content-SHA256", "Range"]
HEADERS += ["Content-Type", "Accept", "Cookie", "User-Agent", "Smithy-Protocol", "Content-Range", "If-None-Match"]


@pytest.mark.parametrize("name", ["main", "hub", "public"])
def test_a_header_that_is_not_ascii_is_no_error_of_the_server(sandbox, name):
    status = json.loads(sandbox.http("GET", "/_sandbox")[2])
    port = sandbox.port if name == "main" else int(status[name].rpartition(":")[2])
    for header in HEADERS:
        for value in (b"\xe9", b"Basic \xe9", b"Basic \xff\xfe", b"Bearer \xe9", b"AWS4-HMAC-SHA256 Credential=\xe9"):
            for method, path in (("GET", "/v2/"), ("GET", "/v2/app/manifests/v1"), ("POST", "/"), ("GET", "/token")):
                answer = raw_calls.send_plain(port, method, path, {header: value})
                assert answer.status < 500, (header, value, path, answer)
                if header == "Authorization" and path == "/v2/" and name != "hub":
                    assert answer.status in (400, 401), answer
