"""Services other than ECR: loaded by their first call, persisted, and authorized."""

import contextlib
import signal
import sqlite3

import psutil
import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.usefixtures("program")


def test_unused_services_are_not_loaded(own_sandbox):
    own_sandbox.start()
    own_sandbox.client().describe_repositories()
    idle = psutil.Process(own_sandbox.process.pid).memory_info().rss
    own_sandbox.client("ecs").list_clusters()
    assert idle < 120 * 2**20
    assert (
        psutil.Process(own_sandbox.process.pid).memory_info().rss > idle + 20 * 2**20
    )  # otherwise the limit above proves nothing


def test_resources_survive_a_kill(own_sandbox):
    own_sandbox.start()
    queue = own_sandbox.client("sqs").create_queue(QueueName="kept")["QueueUrl"]
    own_sandbox.client("sqs").send_message(QueueUrl=queue, MessageBody="still here")
    own_sandbox.client("ecs").create_cluster(clusterName="kept")
    own_sandbox.client("logs").create_log_group(logGroupName="/kept")
    own_sandbox.client("secretsmanager").create_secret(Name="kept", SecretString="s")
    own_sandbox.client("events").put_rule(Name="kept", EventPattern='{"source": ["aws.ecr"]}')
    [vpc] = own_sandbox.client("ec2").describe_vpcs()["Vpcs"]
    own_sandbox.stop(signal.SIGKILL)
    own_sandbox.start()
    [message] = own_sandbox.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert message["Body"] == "still here"
    assert own_sandbox.client("ecs").describe_clusters(clusters=["kept"])["clusters"][0]["status"] == "ACTIVE"
    assert own_sandbox.client("logs").describe_log_groups()["logGroups"][0]["logGroupName"] == "/kept"
    assert own_sandbox.client("secretsmanager").get_secret_value(SecretId="kept")["SecretString"] == "s"
    assert [rule["Name"] for rule in own_sandbox.client("events").list_rules()["Rules"]] == ["kept"]
    assert [each["VpcId"] for each in own_sandbox.client("ec2").describe_vpcs()["Vpcs"]] == [vpc["VpcId"]]


@pytest.mark.parametrize(
    "service, operation, action",
    [
        ("sqs", "list_queues", "sqs:ListQueues"),
        ("ecs", "list_clusters", "ecs:ListClusters"),
        ("ec2", "describe_vpcs", "ec2:DescribeVpcs"),
    ],
)
def test_calls_to_these_services_need_permissions(sandbox, service, operation, action):
    _, key = sandbox.make_user()
    with pytest.raises(ClientError, match=f"is not authorized to perform: {action}"):
        getattr(sandbox.client(service, key=key), operation)()
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    _, key = sandbox.make_user(allowed)
    getattr(sandbox.client(service, key=key), operation)()


def test_clients_do_not_retry_an_error_in_moto(sandbox):
    ecs = sandbox.client("ecs")
    with pytest.raises(ClientError) as refused:
        ecs.describe_task_sets(cluster="none", service="none")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500


def test_a_state_that_cannot_be_read_is_an_error_of_this_service_only(own_sandbox):
    own_sandbox.start().client("sqs").create_queue(QueueName="damaged")
    own_sandbox.stop()
    with contextlib.closing(sqlite3.connect(own_sandbox.state / "state.db")) as db, db:
        [content] = db.execute("SELECT pickle FROM backends WHERE service = 'sqs'").fetchone()
        db.execute("UPDATE backends SET pickle = ? WHERE service = 'sqs'", (content[:-9] + b"x" + content[-8:],))
    own_sandbox.start()
    for _ in range(2):
        with pytest.raises(ClientError, match="what it says of sqs: its bytes have changed"):
            own_sandbox.client("sqs").list_queues()
    own_sandbox.client("ecr").create_repository(repositoryName="app")
