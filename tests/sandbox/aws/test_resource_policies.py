"""The policies of queues, secrets, log groups and event buses. Sources: ``ecr_sandbox/aws/resource_policies.py``."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from helpers import settings
from tests.sandbox import raw_calls

STATEMENT = {
    "Sid": "a",
    "Effect": "Deny",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:*",
    "Resource": "*",
}
MALFORMED = {
    "no JSON": "nope",
    "an action without a name": {"Action": "sqs:"},
    "no effect": {"Effect": "Perhaps"},
    "no principal": {"Principal": None},
    "a user who does not exist": {"Principal": {"AWS": f"arn:aws:iam::{settings.ACCOUNT}:user/no-such"}},
    "a name": {"Principal": {"AWS": "bob"}},
}
CODES = {
    "queue": "InvalidAttributeValue",
    "new queue": "InvalidAttributeValue",
    "secret": "MalformedPolicyDocumentException",
    "log group": "InvalidParameterException",
    "event bus": "ValidationException",
}


def document(changed) -> str:
    if isinstance(changed, str):
        return changed
    statement = {element: value for element, value in {**STATEMENT, **changed}.items() if value}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def put(sandbox):
    """Functions that set the policy of a resource, by kind of resource."""
    sqs, secrets = sandbox.client("sqs"), sandbox.client("secretsmanager")
    queue = sqs.create_queue(QueueName="queue")["QueueUrl"]
    secrets.create_secret(Name="secret", SecretString="s")
    return {
        "queue": lambda text: sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": text}),
        "new queue": lambda text: sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex}", Attributes={"Policy": text}),
        "secret": lambda text: secrets.put_resource_policy(SecretId="secret", ResourcePolicy=text),
        "log group": lambda text: sandbox.client("logs").put_resource_policy(policyName="p", policyDocument=text),
        "event bus": lambda text: sandbox.client("events").put_permission(Policy=text),
    }


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("why", MALFORMED)
def test_a_malformed_policy_is_refused(put, kind, why):
    with pytest.raises(ClientError) as refused:
        put[kind](document(MALFORMED[why]))
    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (CODES[kind], 400)


@pytest.mark.parametrize("operation", ["SetQueueAttributes", "CreateQueue"])
@pytest.mark.parametrize("name", ["Attribute.1.Name", "Attribute.2.Name"])
def test_the_query_protocol_of_sqs_writes_a_policy_as_flat_names(sandbox, put, operation, name):
    """SQS API reference of 2012-11-05, "Making Query API requests": ``Attribute.1.Name=Policy&Attribute.1.Value=…``."""
    queue = "queue" if operation == "SetQueueAttributes" else "refused"
    about = {"QueueName": queue, "QueueUrl": f"{sandbox.url}/{settings.ACCOUNT}/{queue}", name: "Policy"}
    for text, status in (("nope", 400), (document({}), 200)):
        value = {name.replace("Name", "Value"): text}
        answer = raw_calls.send(sandbox.port, "sqs", operation, {**about, **value}, "query")
        assert answer.status == status, answer
        if status == 400:
            assert answer.error[0] == "InvalidAttributeValue"


def test_a_valid_policy_is_stored(sandbox, put):
    text = document({})
    for kind in CODES:
        put[kind](text)
    sqs = sandbox.client("sqs")
    found = sqs.get_queue_attributes(
        QueueUrl=sqs.get_queue_url(QueueName="queue")["QueueUrl"], AttributeNames=["Policy"]
    )
    assert json.loads(found["Attributes"]["Policy"]) == json.loads(text)
    assert json.loads(sandbox.client("secretsmanager").get_resource_policy(SecretId="secret")["ResourcePolicy"])
    put["queue"]("")  # removes it
