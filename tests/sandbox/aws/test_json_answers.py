"""Answers in JSON are those of moto's serializer, which takes several times as long."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from moto.core.serialize import JSONSerializer, XFormedAttributePicker
from moto.core.utils import get_service_model
from moto.ecr.models import Repository, RepoTagMutability

from ecr_sandbox.aws.json_answers import writer

MOMENT = datetime(2026, 11, 30, 12, 0, 1, 234567, UTC)


def by_moto(operation: str, result: object) -> object:
    model = get_service_model("ecr").operation_model(operation)
    serializer = JSONSerializer(operation_model=model, value_picker=XFormedAttributePicker())
    return json.loads(serializer.serialize(result)["body"])


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ("DescribeRepositories", {"repositories": [], "nextToken": None}),
        (
            "DescribeRepositories",
            {"repositories": [Repository("123456789012", "eu-west-1", "app", None, None, {"scanOnPush": True}, "")]},
        ),
        ("DescribeImages", {"imageDetails": [{"imagePushedAt": 1764500000, "imageTags": ["a"], "unknown": 1}]}),
        ("DescribeImages", {"imageDetails": [{"imagePushedAt": MOMENT, "imageSizeInBytes": 5.0, "imageTags": None}]}),
        ("DescribeImages", {"imageDetails": [{"imagePushedAt": MOMENT.replace(microsecond=0)}]}),
        ("PutImageTagMutability", {"imageTagMutability": RepoTagMutability.IMMUTABLE, "registryId": 123456789012}),
        ("TagResource", {}),
    ],
)
def test_an_answer_is_motos(operation, result):
    assert json.loads(json.dumps(writer("ecr", operation)(result))) == by_moto(operation, result)


def test_a_map_keeps_its_keys():
    findings = {"imageScanFindings": {"findingSeverityCounts": {"HIGH": 2, "LOW": 1}}}
    assert writer("ecr", "DescribeImageScanFindings")(findings) == findings


def test_a_time_of_another_zone_is_the_same_moment():
    """moto's serializer forgets the zone."""
    for zone in (UTC, timezone(timedelta(hours=9))):
        result = {"imageDetails": [{"imagePushedAt": MOMENT.astimezone(zone)}]}
        assert writer("ecr", "DescribeImages")(result)["imageDetails"][0]["imagePushedAt"] == 1796040001.234
