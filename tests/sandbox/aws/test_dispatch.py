"""Calls of services and operations that the sandbox does not have: an error that each client can read."""

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from helpers import settings
from tests.sandbox import raw_calls
from tests.sandbox.conftest import ADMINISTRATOR, KEY_PARTS

# One service or more for each protocol, and services that share a signing name.
OTHERS = [
    ("cloudformation", "describe_stacks", {}, "cloudformation"),
    ("elbv2", "describe_load_balancers", {}, "elasticloadbalancing"),
    ("ses", "list_identities", {}, "ses"),
    ("dynamodb", "list_tables", {}, "dynamodb"),
    ("kms", "list_keys", {}, "kms"),
    ("stepfunctions", "list_state_machines", {}, "states"),
    ("iotsecuretunneling", "list_tunnels", {}, "IoTSecuredTunneling"),
    ("eks", "list_clusters", {}, "eks"),
    ("sesv2", "list_email_identities", {}, "ses"),
    ("apigateway", "get_rest_apis", {}, "apigateway"),
    ("s3", "list_buckets", {}, "s3"),
    ("s3", "get_object", {"Bucket": "b", "Key": "k"}, "s3"),
    ("route53", "list_hosted_zones", {}, "route53"),
    ("cloudfront", "list_distributions", {}, "cloudfront"),
    ("keyspaces", "list_keyspaces", {}, "cassandra"),
]


def client(sandbox, service: str, **config):
    key = dict(zip(KEY_PARTS, ADMINISTRATOR, strict=False))
    config = Config(s3={"addressing_style": "path"}, **config)
    return boto3.client(service, settings.REGION, endpoint_url=sandbox.url, config=config, **key)


@pytest.mark.parametrize("service, operation, given, signing_name", OTHERS)
def test_another_service_is_refused_in_its_own_protocol(sandbox, service, operation, given, signing_name):
    """Each client reads code and message: https://smithy.io/2.0/aws/protocols/index.html."""
    with pytest.raises(ClientError) as refused:
        getattr(client(sandbox, service), operation)(**given)
    assert refused.value.response["Error"]["Code"] == "UnsupportedOperationException"
    sentence = f"The service '{signing_name}' is not part of this sandbox. It works on AWS."
    assert refused.value.response["Error"]["Message"] == sentence


@pytest.mark.parametrize("service", ["cloudformation", "dynamodb", "s3api", "route53", "eks"])
def test_the_command_line_shows_the_sentence(sandbox, service):
    command = {
        "cloudformation": "describe-stacks",
        "dynamodb": "list-tables",
        "s3api": "list-buckets",
        "route53": "list-hosted-zones",
        "eks": "list-clusters",
    }[service]
    assert "is not part of this sandbox. It works on AWS." in sandbox.refused(f"aws {service} {command}")


@pytest.mark.soak
def test_every_service_of_botocore_is_answered_in_its_own_protocol(sandbox, soak):
    """Also in each further protocol that it offers. In the short run, every 20th service."""
    names = botocore.session.Session().get_available_services()
    for service in names if soak else names[::20]:
        model = raw_calls.model(service)
        for protocol in raw_calls.protocols(service):
            answer = raw_calls.send(sandbox.port, service, model.operation_names[0], {}, protocol)
            assert answer.status < 500, (service, protocol, answer)
            if answer.status >= 400:
                assert all(answer.error), (service, protocol, answer)


@pytest.mark.parametrize(
    "service, protocol",
    [
        ("iam", "query"),
        ("sts", "query"),
        ("ec2", "ec2"),
        ("ecr", "json"),
        ("ecs", "json"),
        ("sqs", "json"),
        ("lambda", "rest-json"),
        ("cloudwatch", "smithy-rpc-v2-cbor"),
        ("cloudwatch", "json"),
        ("cloudwatch", "query"),
    ],
)
def test_an_unknown_operation_is_refused_in_the_protocol_of_its_service(sandbox, service, protocol):
    model = raw_calls.model(service)
    operation = model.operation_model(model.operation_names[0])
    method, path, body, headers = raw_calls.encode(operation, {}, protocol)
    headers = {key: value.replace(operation.name, "Nope") for key, value in headers.items()}
    path, body = path.replace(operation.name, "Nope"), body.replace(operation.name.encode(), b"Nope")
    path = "/nope" if protocol == "rest-json" else path
    answer = raw_calls.send_raw(sandbox.port, model.signing_name, method, path, body, headers, protocol)
    code, message = answer.error
    assert (answer.status, code) == (400, "UnsupportedOperationException")
    assert "is not part of this sandbox" in message


def test_a_presigned_request_is_refused_in_the_protocol_of_its_service(sandbox):
    s3 = client(sandbox, "s3", signature_version="s3v4")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    status, headers, body = sandbox.http("GET", url.removeprefix(sandbox.url))
    assert (status, headers["content-type"]) == (400, "application/xml")
    assert b"<Code>UnsupportedOperationException</Code>" in body
