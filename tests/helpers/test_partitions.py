"""ARNs in cells belong to the partition of the learner's Region."""

from types import SimpleNamespace

import pytest

from helpers import partitions

CELL = ["%%bash\n", "full=arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryFullAccess\n"]


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-east-1", "aws-us-gov")])
def test_arns_get_the_partition_of_the_region(monkeypatch, region, partition):
    monkeypatch.setenv("AWS_REGION", region)
    shell = SimpleNamespace(input_transformers_cleanup=[])
    for _ in range(2):
        partitions.register(shell)
    [replace] = shell.input_transformers_cleanup
    once = replace(CELL)
    assert once[1] == f"full=arn:{partition}:iam::aws:policy/AmazonEC2ContainerRegistryFullAccess\n"
    assert replace(once) == once  # IPython transforms a cell more than once


@pytest.mark.parametrize("region", ["", "eu-west-1"])
def test_elsewhere_nothing_is_replaced(monkeypatch, region):
    monkeypatch.setenv("AWS_REGION", region)
    shell = SimpleNamespace(input_transformers_cleanup=[])
    partitions.register(shell)
    assert shell.input_transformers_cleanup == []
