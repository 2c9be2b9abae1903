"""No answer holds an address outside of this machine that a client would follow.

Every operation of every service is called, those that create something first, and each answer is searched for the
addresses in it. Addresses that the caller gave are the caller's.
"""

import json
import random
import re
from urllib.parse import unquote_to_bytes

import pytest

from tests.sandbox import raw_calls
from tests.sandbox.random_calls import TEXTS, Maker
from tests.sandbox.robustness.test_every_service import SERVICES

pytestmark = pytest.mark.soak

CREATES = ("Create", "Put", "Register", "Run", "Allocate", "Start", "Add", "Associate")
SHORT, LONG = 20, 150  # operations of one service, in the short and the long run; EC2 alone has 800
ADDRESS = re.compile(
    rb"(?:https?|wss?|ftp)://[^\s\"'<>\\,]+|[a-z0-9.-]+\.(?:amazonaws\.com(?:\.cn)?|aws|amazon\.com|docker\.(?:io|com))\b"
)
LOCAL = re.compile(rb"(https?://)?(localhost|127\.0\.0\.1)(:\d+)?(/.*)?")
NOT_FOLLOWED = (
    re.compile(rb'xmlns(:\w+)?="[^"]*"'),  # the namespaces of XML, and of policies
    re.compile(rb"(?:[Ss]ervice|AWSServiceName)[^\w.]{3,40}?[a-z0-9.-]+\.amazonaws\.com"),  # in a policy: a name
    re.compile(rb'service="(ecr\.amazonaws\.com|public\.ecr\.aws|registry\.docker\.io)"'),  # the registry's name
    re.compile(rb"ec2-203-0-113-\d+\.compute-1\.amazonaws\.com"),  # reserved for documentation: nobody has it
)


def addresses(body: bytes) -> set[bytes]:
    """The addresses in *body* that are not this machine's; IAM encodes policies as in a URL."""
    body = unquote_to_bytes(body)
    for pattern in NOT_FOLLOWED:
        body = pattern.sub(b"", body)
    return {each for each in ADDRESS.findall(body) if not LOCAL.fullmatch(each) and each.decode() not in TEXTS}


def test_the_search_finds_an_address():
    assert addresses(b'{"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/q"}') == {
        b"https://sqs.us-east-1.amazonaws.com/1/q"
    }
    assert addresses(b"<regionEndpoint>ec2.eu-west-1.amazonaws.com</regionEndpoint>")
    assert addresses(b'{"QueueUrl": "http://localhost:5050/1/q"}') == set()


@pytest.mark.parametrize("service", SERVICES)
def test_no_answer_has_an_address_outside_of_this_machine(sandbox, soak, service):
    model = raw_calls.model(service)
    operations = sorted(model.operation_names, key=lambda name: (not name.startswith(CREATES), name))
    limit = LONG if soak else SHORT
    if len(operations) > limit:
        chosen = set(random.Random(service).sample(operations, limit))
        operations = [each for each in operations if each in chosen or each == "DescribeRegions"]
    for operation in operations:
        shape = model.operation_model(operation).input_shape
        for seed in range(6) if soak else range(1):
            for given in ({}, Maker(seed, mistake=0).parameters(shape)):
                answer = raw_calls.send(sandbox.port, service, operation, given)
                assert not addresses(answer.body), (operation, given, answer)
                assert not addresses(str(answer.headers).encode()), (operation, answer)


def test_no_answer_of_the_registries_has_an_address_outside_of_this_machine(sandbox):
    """Headers count too: Location, Link, WWW-Authenticate."""
    status = json.loads(sandbox.http("GET", "/_sandbox")[2])
    for port in (sandbox.port, *(int(status[name].rpartition(":")[2]) for name in ("hub", "public"))):
        for path in (
            "/v2/",
            "/v2/_catalog",
            "/v2/library/python/tags/list",
            "/v2/library/python/manifests/3",
            "/token",
        ):
            for basic in ({}, {"Authorization": sandbox.basic()}):
                answer = raw_calls.send_plain(port, "GET", path, basic)
                assert not addresses(answer.body + str(answer.headers).encode()), (path, answer)
