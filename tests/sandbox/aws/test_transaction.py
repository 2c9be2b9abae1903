"""One transaction for each call: it is stored whole, or it has changed nothing."""

import pytest
from botocore.exceptions import ClientError


def test_a_refused_first_call_leaves_the_keys_of_the_administrators(own_sandbox):
    own_sandbox.start()
    with pytest.raises(ClientError, match="NoSuchEntity"):
        own_sandbox.client("iam").delete_user(UserName="nobody")
    own_sandbox.client("ecr").create_repository(repositoryName="app")


def test_a_refused_call_changes_nothing(sandbox):
    """moto sets the timeout before it finds that the other attribute is wrong.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html, Errors.
    """
    sqs = sandbox.client("sqs")
    queue = sqs.create_queue(QueueName="app", Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    wrong = {"VisibilityTimeout": "77", "RedrivePolicy": '{"maxReceiveCount": "1"}'}
    with pytest.raises(ClientError):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=wrong)
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert found == {"VisibilityTimeout": "30"}
