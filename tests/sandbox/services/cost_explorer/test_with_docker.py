"""Pushes and pulls of the real docker are on the bill that the real aws and boto3 show."""

import json
import signal
import time

import pytest

from helpers import settings

OUT = "DataTransfer-Out-Bytes"


def bytes_out(sandbox, tag):
    """Data transfer out of repositories with this made-by *tag*, in bytes, as Cost Explorer counts it."""
    answer = sandbox.client("ce").get_cost_and_usage(
        TimePeriod=sandbox.month(),
        Granularity="MONTHLY",
        Metrics=["UsageQuantity", "UnblendedCost"],
        GroupBy=[{"Type": "TAG", "Key": "made-by"}],
        Filter={"Dimensions": {"Key": "USAGE_TYPE", "Values": [OUT]}},
    )
    [result] = answer["ResultsByTime"]
    used = {group["Keys"][0]: group["Metrics"]["UsageQuantity"] for group in result["Groups"]}
    return float(used.get(f"made-by${tag}", {"Amount": "0"})["Amount"]) * 2**30


def test_a_push_and_a_pull_are_on_the_bill(sandbox, make_image):
    name = "billed"
    sandbox.client().create_repository(repositoryName=name, tags=[{"Key": "made-by", "Value": "bill-test"}])
    image = make_image(f"{sandbox.registry}/{name}:v1")
    sandbox.run(f"docker push {image}")
    assert bytes_out(sandbox, "bill-test") == 0  # data transfer in is free, and a HEAD of a layer transfers none
    sandbox.run(f"docker rmi {image} && docker pull {image}")
    [detail] = sandbox.client().describe_images(repositoryName=name)["imageDetails"]
    sent = bytes_out(sandbox, "bill-test")
    assert 50_000 < sent == pytest.approx(detail["imageSizeInBytes"], abs=1)
    time.sleep(1.1)  # stored for at least a second
    month = sandbox.month()
    answer = json.loads(
        sandbox.run(
            f"aws ce get-cost-and-usage --time-period Start={month['Start']},End={month['End']} --granularity MONTHLY"
            " --metrics UnblendedCost UsageQuantity --group-by Type=DIMENSION,Key=SERVICE Type=DIMENSION,Key=USAGE_TYPE"
        )
    )
    [result] = answer["ResultsByTime"]
    assert [group["Keys"] for group in result["Groups"]] == [
        ["Amazon EC2 Container Registry (ECR)", OUT],
        ["Amazon EC2 Container Registry (ECR)", "TimedStorage-ByteHrs"],
    ]
    assert [group["Metrics"]["UsageQuantity"]["Unit"] for group in result["Groups"]] == ["GB", "GB-Mo"]
    assert result["Estimated"] is True


def test_another_account_does_not_pay(sandbox):
    other = sandbox.client("ce", key=(settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY))
    answer = other.get_cost_and_usage(TimePeriod=sandbox.month(), Granularity="MONTHLY", Metrics=["UnblendedCost"])
    assert answer["ResultsByTime"][0]["Total"] == {"UnblendedCost": {"Amount": "0", "Unit": "USD"}}


def test_the_terminal_shows_awss_error_message(sandbox):
    command = "aws ce get-cost-and-usage --granularity DAILY --metrics UnblendedCost --time-period"
    assert (
        sandbox.refused(f"{command} Start=2026-01-02,End=2026-01-02")
        .strip()
        .endswith(
            "An error occurred (ValidationException) when calling the GetCostAndUsage operation: "
            "Start date (and hour) should be before end date (and hour)"
        )
    )


def test_counts_survive_a_kill(own_sandbox, make_image):
    own_sandbox.start()
    own_sandbox.login()
    tags = [{"Key": "made-by", "Value": "kill-test"}]
    own_sandbox.client().create_repository(repositoryName="killed", tags=tags)
    image = make_image(f"{own_sandbox.registry}/killed:v1")
    own_sandbox.run(f"docker push {image} && docker rmi {image} && docker pull {image}")
    sent = bytes_out(own_sandbox, "kill-test")
    own_sandbox.stop(signal.SIGKILL)
    own_sandbox.start()
    assert bytes_out(own_sandbox, "kill-test") == sent > 50_000
