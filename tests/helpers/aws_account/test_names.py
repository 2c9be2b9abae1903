"""The registry's name follows boto3's endpoint, and ARNs follow the partition."""

import pytest

from helpers import aws_account, settings

ACCOUNT = "111111111111"


@pytest.mark.parametrize(
    ("region", "variable", "name"),
    [
        ("eu-west-3", "", "dkr.ecr.eu-west-3.amazonaws.com"),
        ("eu-west-3", "AWS_USE_DUALSTACK_ENDPOINT", "dkr-ecr.eu-west-3.on.aws"),
        ("us-east-2", "AWS_USE_FIPS_ENDPOINT", "dkr.ecr-fips.us-east-2.amazonaws.com"),
        ("us-gov-west-1", "", "dkr.ecr.us-gov-west-1.amazonaws.com"),
        ("us-gov-west-1", "AWS_USE_FIPS_ENDPOINT", "dkr.ecr-fips.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "", "dkr.ecr.cn-north-1.amazonaws.com.cn"),
        ("cn-north-1", "AWS_USE_DUALSTACK_ENDPOINT", "dkr-ecr.cn-north-1.on.amazonwebservices.com.cn"),
    ],
)
def test_the_registry_is_named_like_the_endpoint(monkeypatch, region, variable, name):
    if variable:
        monkeypatch.setenv(variable, "true")
    assert aws_account.registry(ACCOUNT, region) == f"{ACCOUNT}.{name}"


def test_both_kinds_of_endpoint_at_the_same_time(monkeypatch):
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    assert aws_account.registry(ACCOUNT, "us-east-1") == f"{ACCOUNT}.dkr-ecr-fips.us-east-1.on.aws"


def test_the_registry_is_that_of_aws_with_another_endpoint_too(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    assert aws_account.registry(ACCOUNT, "eu-west-3") == f"{ACCOUNT}.dkr.ecr.eu-west-3.amazonaws.com"


@pytest.mark.parametrize(
    ("region", "partition", "other"),
    [
        ("us-east-1", "aws", "eu-west-1"),
        ("eu-west-1", "aws", "eu-central-1"),
        ("cn-north-1", "aws-cn", "cn-northwest-1"),
        ("cn-northwest-1", "aws-cn", "cn-north-1"),
        ("us-gov-west-1", "aws-us-gov", "us-gov-east-1"),
    ],
)
def test_each_region_has_its_partition_and_another_region_in_it(region, partition, other):
    assert (aws_account.partition(region), aws_account.other_region(region)) == (partition, other)
    assert aws_account.partition(other) == partition


def test_both_variables_of_the_region_have_the_same_value(monkeypatch):
    """boto3 reads only AWS_DEFAULT_REGION; the AWS CLI prefers AWS_REGION."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    found = aws_account.variables(ACCOUNT, "eu-west-1")
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert found["OTHER_REGION"] == "eu-central-1"
    assert found["PATH"].startswith(f"{settings.aws_cli().parent}:")
