"""Names with dots become lists, maps and structures.

Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html, …/aws-ec2-query-protocol.html
"""

import pytest
from moto.core.utils import get_service_model

from ecr_sandbox.aws.query_parameters import first_parts, nested


def input_of(service: str, operation: str):
    return get_service_model(service).operation_model(operation).input_shape


@pytest.mark.parametrize(
    ("service", "operation", "form", "found"),
    [
        ("iam", "CreateUser", {"UserName": "bob", "Version": "2010-05-08"}, {"UserName": "bob"}),
        (
            "iam",
            "CreateUser",
            {"Tags.member.2.Key": "b", "Tags.member.1.Key": "a", "Tags.member.1.Value": "x"},
            {"Tags": [{"Key": "a", "Value": "x"}, {"Key": "b"}]},
        ),
        ("sqs", "CreateQueue", {"Tag.1.Key": "team", "Tag.1.Value": "web"}, {"tags": {"team": "web"}}),
        (
            "sqs",
            "CreateQueue",
            {"Attribute.1.Name": "Policy", "Attribute.1.Value": "{}"},
            {"Attributes": {"Policy": "{}"}},
        ),
        (
            "ec2",
            "DescribeVpcs",
            {"Filter.1.Name": "id", "Filter.1.Value.1": "v"},
            {"Filters": [{"Name": "id", "Values": ["v"]}]},
        ),
        ("iam", "CreateUser", {"." * 100: "x", "UserName": "bob"}, {"UserName": "bob"}),
    ],
)
def test_parameters(service, operation, form, found):
    assert nested(input_of(service, operation), form.items(), ec2=service == "ec2") == found


@pytest.mark.parametrize(
    ("service", "operation", "part"),
    [
        ("iam", "CreateUser", "Tags"),
        ("sqs", "CreateQueue", "Tag"),
        ("sqs", "SetQueueAttributes", "Attribute"),
        ("ec2", "CreateVpc", "TagSpecification"),
    ],
)
def test_what_names_begin_with(service, operation, part):
    """Authorization reads the tags by these names."""
    assert part in first_parts(input_of(service, operation), ec2=service == "ec2")


def test_an_operation_without_parameters_has_no_names():
    assert first_parts(None, ec2=False) == frozenset()
