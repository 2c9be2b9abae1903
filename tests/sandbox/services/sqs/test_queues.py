"""Queues have addresses of this machine, which clients may follow, and waiting for a message holds up nothing else."""

import json
import threading
import time
import uuid
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox import environment
from tests.sandbox.raw_calls import FORM, send_raw


@pytest.fixture
def queue(sandbox) -> str:
    """The URL of a new queue."""
    return sandbox.client("sqs").create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}")["QueueUrl"]


def test_every_answer_with_the_url_of_a_queue_names_the_sandbox(sandbox, queue):
    """On AWS https://sqs.us-east-1.amazonaws.com/account/name, which the JavaScript SDK calls with the client's key:
    https://github.com/aws/aws-sdk-js-v3/tree/main/packages/middleware-sdk-sqs, ``useQueueUrlAsEndpoint``."""
    sqs, name = sandbox.client("sqs"), queue.rpartition("/")[2]
    assert queue == f"{sandbox.url}/123456789012/{name}"
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == queue
    assert queue in sqs.list_queues()["QueueUrls"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})
    source = sqs.create_queue(QueueName=f"{name}-source", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    assert sqs.list_dead_letter_source_queues(QueueUrl=queue)["queueUrls"] == [source]


@pytest.mark.parametrize("protocol", ["json", "query"])
def test_a_call_that_is_sent_to_the_url_of_the_queue(sandbox, queue, protocol):
    path = urlsplit(queue).path
    if protocol == "json":
        body = json.dumps({"QueueUrl": queue, "MessageBody": "hello"}).encode()
        headers = {"X-Amz-Target": "AmazonSQS.SendMessage", "Content-Type": "application/x-amz-json-1.0"}
    else:  # SDKs of before 2023; the path alone names the queue
        body = urlencode({"Action": "SendMessage", "Version": "2012-11-05", "MessageBody": "hello"}).encode()
        headers = {"Content-Type": FORM}
    answer = send_raw(sandbox.port, "sqs", "POST", path, body, headers, protocol)
    assert answer.status == 200, answer
    [message] = sandbox.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == "hello"


def test_an_url_of_aws_still_names_the_queue(sandbox, queue):
    """Stored before the sandbox answered with its own."""
    old = f"https://sqs.us-east-1.amazonaws.com/123456789012/{queue.rpartition('/')[2]}"
    sandbox.client("sqs").send_message(QueueUrl=old, MessageBody="hello")
    assert sandbox.client("sqs").receive_message(QueueUrl=queue)["Messages"]


@pytest.mark.parametrize("service, command", [("sqs", "list-queues"), ("rds", "describe-db-instances")])
def test_version_1_of_the_cli_calls_the_sandbox(sandbox, queue, service, command):
    """It has an address of AWS for these services: awscli/customizations/overridesslcommonname.py."""
    environment.write_files(sandbox.state)
    if service == "sqs":
        assert queue in sandbox.run(f"{sandbox.state}/bin/aws sqs {command}")
    else:
        refused = sandbox.refused(f"{sandbox.state}/bin/aws {service} {command}")
        assert f"The service '{service}' is not part of this sandbox" in refused


def test_waiting_for_a_message_holds_up_no_other_call(sandbox, queue):
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html"""
    received: list[dict] = []
    sqs = sandbox.client("sqs")

    def wait():
        received.append(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20))

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)  # the call waits
    began = time.monotonic()
    sandbox.client().describe_repositories()
    sandbox.client("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    waiting.join()
    assert time.monotonic() - began < 10  # not the 20 seconds
    assert [each["Body"] for each in received[0]["Messages"]] == ["hello"]


def test_the_queue_says_how_long_to_wait(sandbox, queue):
    sqs = sandbox.client("sqs")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"ReceiveMessageWaitTimeSeconds": "1"})
    began = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert time.monotonic() - began > 0.7
    with pytest.raises(ClientError, match="WaitTimeSeconds is invalid"):
        sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=21)
