"""EC2's Regions without its model: the same as botocore's."""

import boto3
import pytest

from ecr_sandbox.aws import ec2_regions


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
@pytest.mark.parametrize("service", ["ec2", "cloudwatch", "nothing"])
def test_the_regions_are_botocores(monkeypatch, service, partition):
    expected = boto3.Session().get_available_regions(service, partition_name=partition)
    monkeypatch.setattr(boto3.Session, "get_available_regions", ec2_regions._get_available_regions)
    ec2_regions.install()
    assert boto3.Session().get_available_regions(service, partition_name=partition) == expected
    assert bool(expected) == (service != "nothing")


def test_the_model_of_ec2_is_not_read(monkeypatch):
    monkeypatch.setattr(boto3.Session, "get_available_regions", ec2_regions._get_available_regions)
    ec2_regions.install()
    read = []
    monkeypatch.setattr("botocore.loaders.Loader.load_service_model", lambda self, *names, **more: read.append(names))
    assert "us-east-1" in boto3.Session().get_available_regions("ec2")
    assert read == []
