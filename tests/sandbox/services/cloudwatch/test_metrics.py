"""CloudWatch: pulls of a repository per minute, and the protocol of new clients."""

import json
import signal
from datetime import UTC, datetime, timedelta
from functools import partial

import botocore.model
import pytest
from botocore.exceptions import ClientError
from botocore.session import Session

from ecr_sandbox.aws.cbor import decoded, encoded
from ecr_sandbox.registry.pull_counts import KEPT, Pulls
from ecr_sandbox.state.store import Store
from helpers import settings
from tests.sandbox.api import image, upload


def test_pulls_are_counted_per_minute(tmp_path):
    times = iter([0, 59, 60, 61, 62])
    store = Store(tmp_path / "state.db")
    pulls = Pulls(store, clock=lambda: next(times))
    for repository in ("app", "app", "app", "app", "other"):
        pulls.one_more("1", "r", repository)
    assert sorted(pulls.of_registry("1", "r")) == [("app", 0, 2), ("app", 1, 2), ("other", 1, 1)]
    assert pulls.of_registry("1", "elsewhere") == []
    store.close()


def test_counts_are_deleted_after_cloudwatchs_retention(tmp_path):
    times = iter([0, 60, (KEPT + 1) * 60])
    store = Store(tmp_path / "state.db")
    pulls = Pulls(store, clock=lambda: next(times))
    for _ in range(3):
        pulls.one_more("1", "r", "app")
    assert pulls.of_registry("1", "r") == [("app", 1, 1), ("app", KEPT + 1, 1)]
    store.close()


def test_cbor_keeps_numbers_times_and_lists():
    shape = Session().get_service_model("cloudwatch").operation_model("GetMetricStatistics").output_shape
    point = {"Timestamp": 1700000000.5, "Sum": 3, "Unit": "Count", "ExtendedStatistics": {"p50": 1.5}}
    answer = decoded(encoded({"Label": "pulls", "Datapoints": [point], "Unheard": "of"}, shape))
    assert answer["Label"] == "pulls"
    assert "Unheard" not in answer
    [found] = answer["Datapoints"]
    assert (found["Sum"], found["Unit"], found["ExtendedStatistics"]) == (3.0, "Count", {"p50": 1.5})
    assert found["Timestamp"] == datetime.fromtimestamp(1700000000.5, UTC)


@pytest.fixture(params=["json", "smithy-rpc-v2-cbor", "query"])
def cloudwatch(sandbox, request, monkeypatch):
    """Creates clients with one of CloudWatch's protocols: JSON as in boto3, or CBOR as in other SDKs."""
    monkeypatch.setattr(botocore.model, "PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", (request.param, "json", "query"))
    return partial(sandbox.client, "cloudwatch")


def pulls_of(cloudwatch, repository):
    now = datetime.now(UTC)
    return cloudwatch().get_metric_statistics(
        Namespace="AWS/ECR",
        MetricName="RepositoryPullCount",
        Dimensions=[{"Name": "RepositoryName", "Value": repository}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=86400,
        Statistics=["Sum"],
    )


def test_pulls_are_in_the_metric_of_their_repository_only(sandbox, cloudwatch, repository, make_image):
    name = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {name} && docker rmi {name}")
    assert pulls_of(cloudwatch, repository)["Datapoints"] == []
    sandbox.run(f"docker pull {name} && docker rmi {name}")
    [by_docker] = pulls_of(cloudwatch, repository)["Datapoints"]
    assert by_docker["Sum"] >= 1
    for _ in range(2):
        sandbox.client().batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    answer = pulls_of(cloudwatch, repository)
    assert (answer["Label"], answer["Datapoints"][0]["Sum"]) == ("RepositoryPullCount", by_docker["Sum"] + 2)
    assert abs((datetime.now(UTC) - by_docker["Timestamp"]).total_seconds()) < 3600
    assert pulls_of(cloudwatch, f"{repository}-other")["Datapoints"] == []
    [metric] = cloudwatch().list_metrics(
        Namespace="AWS/ECR", Dimensions=[{"Name": "RepositoryName", "Value": repository}]
    )["Metrics"]
    assert metric["MetricName"] == "RepositoryPullCount"


def test_metric_data_and_the_aws_command_show_the_pulls(sandbox, cloudwatch, repository):
    ecr = sandbox.client()
    upload(ecr, repository, b"{}")
    image(ecr, repository, "app", "v1")
    ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    now = datetime.now(UTC)
    metric = {
        "Namespace": "AWS/ECR",
        "MetricName": "RepositoryPullCount",
        "Dimensions": [{"Name": "RepositoryName", "Value": repository}],
    }
    query = {"Id": "pulls", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    span = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=5)}
    [result] = cloudwatch().get_metric_data(MetricDataQueries=[query], **span)["MetricDataResults"]
    assert sum(result["Values"]) == 1
    start, end = (each.strftime("%Y-%m-%dT%H:%M:%SZ") for each in span.values())
    output = sandbox.run(
        "aws cloudwatch get-metric-statistics --namespace AWS/ECR --metric-name RepositoryPullCount"
        f" --dimensions Name=RepositoryName,Value={repository} --start-time {start} --end-time {end}"
        " --period 60 --statistics Sum"
    )
    assert [each["Sum"] for each in json.loads(output)["Datapoints"]] == [1.0]


def test_other_metrics_and_alarms_survive_a_kill(own_sandbox):
    sandbox = own_sandbox.start()
    cloudwatch = sandbox.client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="mine", MetricData=[{"MetricName": "n", "Value": 2.5, "Timestamp": datetime.now(UTC)}]
    )
    cloudwatch.put_metric_alarm(
        AlarmName="idle",
        Namespace="AWS/ECR",
        MetricName="RepositoryPullCount",
        Dimensions=[{"Name": "RepositoryName", "Value": "app"}],
        ComparisonOperator="LessThanThreshold",
        EvaluationPeriods=1,
        Period=86400,
        Statistic="Sum",
        Threshold=1,
    )
    sandbox.stop(signal.SIGKILL)
    sandbox.start()
    [alarm] = sandbox.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert (alarm["AlarmName"], alarm["Threshold"]) == ("idle", 1.0)
    [metric] = sandbox.client("cloudwatch").list_metrics(Namespace="mine")["Metrics"]
    assert metric["MetricName"] == "n"


def test_errors_use_the_clients_protocol(sandbox, cloudwatch):
    now = datetime.now(UTC)
    span = {"StartTime": now, "EndTime": now - timedelta(hours=1), "Period": 60, "Statistics": ["Sum"]}
    with pytest.raises(ClientError) as wrong:
        cloudwatch().get_metric_statistics(Namespace="AWS/ECR", MetricName="RepositoryPullCount", **span)
    assert "InvalidParameterValue" in wrong.value.response["Error"]["Code"]
    assert "StartTime" in wrong.value.response["Error"]["Message"]
    _, key = sandbox.make_user()
    with pytest.raises(ClientError, match="not authorized to perform: cloudwatch:ListMetrics") as denied:
        cloudwatch(key=key).list_metrics()
    assert denied.value.response["Error"]["Code"].startswith("AccessDenied")
    with pytest.raises(ClientError, match="does not match the signature you provided"):
        cloudwatch(key=(settings.ACCESS_KEY, "wrong")).list_metrics()


@pytest.mark.parametrize("cloudwatch", ["smithy-rpc-v2-cbor"], indirect=True)
@pytest.mark.parametrize("body", [b"\xff\x00 no", b"\x01", b"\xa1"])
def test_a_body_that_is_not_cbor_is_refused(cloudwatch, body):
    client = cloudwatch()
    client.meta.events.register("before-sign.cloudwatch.*", lambda request, **_: setattr(request, "data", body))
    with pytest.raises(ClientError, match="MalformedInput"):
        client.list_metrics()
