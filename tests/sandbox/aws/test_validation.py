"""Validation of ECR calls against botocore's own model."""

import base64
import json
import re
import time
from contextlib import suppress
from itertools import islice

import botocore.session
import pytest
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from ecr_sandbox.aws.constraint_errors import as_ecr_says
from ecr_sandbox.aws.parameters import Malformed, json_object, typed
from ecr_sandbox.aws.validation import ONE_WAY, faults
from tests.sandbox.shapes import faulty, valid

SESSION = botocore.session.Session()
SERVICES = ("ecr", "ecr-public", "iam", "sts", "ce", "ec2", "ecs", "lambda", "secretsmanager", "logs", "events")
MODEL = SESSION.get_service_model("ecr")
OPERATIONS = [MODEL.operation_model(name) for name in MODEL.operation_names if MODEL.operation_model(name).input_shape]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["repositoryName", "imageIds", "tags", "x"]), inner)
    ),
    max_leaves=8,
)


def errors_of(operation, **parameters):
    """The fields with an error and the constraints; raises Malformed."""
    shape = MODEL.operation_model(operation).input_shape
    return [(each.name, each.constraint) for each in faults(shape, typed(shape, parameters))]


def sent(operation, parameters):
    """The body that boto3 sends."""
    return create_serializer("json").serialize_to_request(parameters, operation)["body"]


def test_a_valid_call_has_no_error():
    assert errors_of("CreateRepository", repositoryName="team/app", tags=[{"Key": "a", "Value": "b"}]) == []
    assert errors_of("ListImages", repositoryName="team/app", filter={"tagStatus": "ANY"}, maxResults=1000) == []


UPLOAD = {
    "repositoryName": "app",
    "uploadId": "00000000-0000-0000-0000-000000000000",
    "partFirstByte": 0,
    "partLastByte": 0,
    "layerPartBlob": "eA==",
}


@pytest.mark.parametrize(
    ("operation", "parameters", "field", "constraint"),
    [
        ("CreateRepository", {}, "repositoryName", "must not be null"),
        ("CreateRepository", {"repositoryName": None}, "repositoryName", "must not be null"),
        ("CreateRepository", {"repositoryName": "App"}, "repositoryName", "must satisfy regular expression"),
        ("CreateRepository", {"repositoryName": "a"}, "repositoryName", "must have length greater than or equal to 2"),
        ("ListImages", {"repositoryName": "app", "maxResults": 1001}, "maxResults", "less than or equal to 1000"),
        (
            "ListImages",
            {"repositoryName": "app", "filter": {"tagStatus": "ALL"}},
            "filter.tagStatus",
            "must satisfy enum",
        ),
        ("BatchGetImage", {"repositoryName": "app", "imageIds": []}, "imageIds", "greater than or equal to 1"),
        ("BatchGetImage", {"repositoryName": "app", "imageIds": [{}] * 101}, "imageIds", "less than or equal to 100"),
        (
            "CreateRepository",
            {"repositoryName": "app", "tags": [{"Key": "a"}]},
            "tags.1.member.Value",
            "must not be null",
        ),
        ("UploadLayerPart", UPLOAD | {"partLastByte": 2**63}, "partLastByte", "less than or equal to"),
        (
            "UploadLayerPart",
            UPLOAD | {"layerPartBlob": base64.b64encode(bytes(20971521)).decode()},
            "layerPartBlob",
            "must have length less than or equal to 20971520",
        ),
    ],
)
def test_an_error_names_its_field_and_the_constraint(operation, parameters, field, constraint):
    [(named, message)] = errors_of(operation, **parameters)
    assert named == field
    assert constraint in message


REPOSITORY_NAME = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
MODES = "IMMUTABLE, MUTABLE, MUTABLE_WITH_EXCLUSION, IMMUTABLE_WITH_EXCLUSION"


@pytest.mark.parametrize(
    ("operation", "parameters", "field", "constraint"),
    [
        (
            "CreateRepository",
            {"repositoryName": "Bad_Name!"},
            "repositoryName",
            f"must satisfy regular expression '{REPOSITORY_NAME}'",
        ),
        (
            "CreateRepository",
            {"repositoryName": "a" * 257},
            "repositoryName",
            "must have length less than or equal to 256",
        ),
        (
            "CreateRepository",
            {"repositoryName": "app", "tags": [{"Key": "env", "Value": "prod"}, {"Value": "prod"}]},
            "tags.2.member.key",
            "Member must not be null",
        ),
        (
            "BatchGetImage",
            {"repositoryName": "app", "imageIds": []},
            "imageIds",
            "Member must have length greater than or equal to 1",
        ),
        (
            "ListImages",
            {"repositoryName": "app", "maxResults": 1001},
            "maxResults",
            "Member must have value less than or equal to 1000",
        ),
        (
            "GetAuthorizationToken",
            {"registryIds": ["12"]},
            "registryIds",
            "Member must satisfy constraint: [Member must satisfy regular expression pattern: [0-9]{12}]",
        ),
        (
            "PutImageTagMutability",
            {"repositoryName": "app", "imageTagMutability": "X"},
            "imageTagMutability",
            f"Member must satisfy enum value set: [{MODES}]",
        ),
        (
            "CreateRepositoryCreationTemplate",
            {"prefix": "app", "appliedFor": ["X"]},
            "appliedFor",
            "Member must satisfy constraint: "
            "[Member must satisfy enum value set: [REPLICATION, PULL_THROUGH_CACHE, CREATE_ON_PUSH]]",
        ),
    ],
)
def test_the_sentences_of_ecr(operation, parameters, field, constraint):
    """Each was captured from ECR, except the wrapped enum: sources next to ``as_ecr_says``."""
    [fault] = errors_of(operation, **parameters)
    named, message = as_ecr_says(*fault)
    assert (named, message.startswith(constraint)) == (field, True), message


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        ("CreateRepository", {"repositoryName": 7}, "NUMBER_VALUE can not be converted to a String"),
        ("CreateRepository", {"repositoryName": True}, "TRUE_VALUE can not be converted to a String"),
        ("CreateRepository", {"repositoryName": ["a"]}, "Start of list found where not expected"),
        ("CreateRepository", {"repositoryName": {}}, "Start of structure or map found where not expected."),
        ("CreateRepository", {"repositoryName": "app", "tags": "x"}, "Expected list or null"),
        ("CreateRepository", {"repositoryName": "app", "imageScanningConfiguration": "x"}, "Expected null"),
        ("CreateRepository", {"repositoryName": "app", "tags": [None]}, "Expected null"),
        ("ListImages", {"repositoryName": "app", "maxResults": "9"}, "STRING_VALUE can not be converted to an Integer"),
        ("ListImages", {"repositoryName": "app", "maxResults": True}, "TRUE_VALUE can not be converted to an Integer"),
        ("ListImages", {"repositoryName": "app", "nextToken": "\ud800"}, ""),
        (
            "DeleteRepository",
            {"repositoryName": "app", "force": "yes"},
            "STRING_VALUE can not be converted to a Boolean",
        ),
        ("UploadLayerPart", UPLOAD | {"partLastByte": 1.0}, "NUMBER_VALUE can not be converted to a Long"),
        ("UploadLayerPart", UPLOAD | {"layerPartBlob": "e"}, ""),
        ("UploadLayerPart", UPLOAD | {"layerPartBlob": "é"}, ""),
    ],
)
def test_a_value_of_another_type_cannot_be_read(operation, parameters, message):
    """Measured at Athena, whose framework ECR shares (2026-09-23), and at SES: ``aws/parameters.py``."""
    with pytest.raises(Malformed) as refused:
        errors_of(operation, **parameters)
    assert str(refused.value) == message


@given(st.sampled_from(MODEL.operation_names), ANYTHING)
def test_any_input_is_checked_without_another_exception(operation, parameters):
    shape = MODEL.operation_model(operation).input_shape
    with suppress(Malformed):
        for field, constraint, _ in faults(shape, typed(shape, parameters)):
            assert isinstance(field, str)
            assert constraint.startswith("must ")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@settings(max_examples=15)
@given(data=st.data())
def test_generated_input_is_valid_and_one_error_is_named(operation, data):
    shape = operation.input_shape
    parameters = data.draw(valid(shape))
    assert not ParamValidator().validate(parameters, shape).has_errors()
    read = json_object(sent(operation, parameters))
    assert list(faults(shape, typed(shape, read))) == []
    which = data.draw(st.integers(0, 30))
    for field, broken in list(islice(faulty(shape, read), which + 1))[-1:]:
        with suppress(Malformed):
            assert {each.name for each in faults(shape, typed(shape, broken))} == {field}


@pytest.mark.parametrize("pattern", ONE_WAY)
@given(st.text("a0*._/-!\n\t :", max_size=12))
def test_a_rewritten_pattern_matches_the_same_texts(pattern, text):
    assert bool(re.fullmatch(ONE_WAY[pattern], text)) == bool(re.fullmatch(pattern, text))


def test_a_long_text_that_does_not_match_is_refused_fast():
    """With the model's own pattern, this filter would take years."""
    rules = [{"scanFrequency": "MANUAL", "repositoryFilters": [{"filter": "a" * 254 + "!", "filterType": "WILDCARD"}]}]
    began = time.thread_time()
    [(field, _)] = errors_of("PutRegistryScanningConfiguration", rules=rules)
    assert field == "rules.1.member.repositoryFilters.1.member.filter"
    assert time.thread_time() - began < 1


@pytest.mark.parametrize("repeated", ["a", "a-", "a/", "-", "a.b_", "0", " ", "arn:aws:", "a,b"])
def test_text_of_the_maximum_length_is_checked_fast(repeated):
    """No pattern of any service makes Python backtrack."""
    checked = {}
    for service in SERVICES:
        model = SESSION.get_service_model(service)
        for shape in map(model.shape_for, model.shape_names):
            if "pattern" in shape.metadata and shape.metadata["pattern"] not in checked:
                longest = min(shape.metadata.get("max", 4096), 4096)
                began = time.thread_time()
                list(faults(shape, (repeated * longest)[: longest - 1] + "\x01"))
                checked[shape.metadata["pattern"]] = time.thread_time() - began
    assert len(checked) > 200 and max(checked.values()) < 1


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b"[]",
        b"{",
        b'{"maxResults": NaN}',
        b'{"maxResults": %s}' % (b"9" * 5000),
        b'{"repositoryName": "\xff"}',
        json.dumps({"repositoryName": "app"}).encode("utf-16"),
    ],
    ids=["brackets", "objects", "a little too deep", "list", "half", "NaN", "long number", "no UTF-8", "UTF-16"],
)
def test_a_body_that_is_not_a_json_object_or_too_deep_is_refused(body):
    with pytest.raises(Malformed):
        json_object(body)


def test_a_body_can_be_empty_and_can_have_unknown_members():
    assert json_object(b"") == {}
    assert errors_of("ListImages", repositoryName="app", future={"x": [1]}) == []
