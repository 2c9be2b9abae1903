"""Every ECR call against botocore's own model of it."""

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.sandbox.validate import faults

MODEL = botocore.session.Session().get_service_model("ecr")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["repositoryName", "imageIds", "tags", "x"]), inner)
    ),
    max_leaves=8,
)


def said(operation, **parameters):
    return list(faults(MODEL.operation_model(operation).input_shape, parameters))


def test_a_good_call_has_no_fault():
    assert said("CreateRepository", repositoryName="team/app", tags=[{"Key": "a", "Value": "b"}]) == []
    assert said("ListImages", repositoryName="team/app", filter={"tagStatus": "ANY"}, maxResults=1000) == []


@pytest.mark.parametrize(
    ("operation", "parameters", "field", "constraint"),
    [
        ("CreateRepository", {}, "repositoryName", "must not be null"),
        ("CreateRepository", {"repositoryName": "App"}, "repositoryName", "must satisfy regular expression"),
        ("CreateRepository", {"repositoryName": "a"}, "repositoryName", "must have length greater than or equal to 2"),
        ("CreateRepository", {"repositoryName": 7}, "repositoryName", "must be a string"),
        ("ListImages", {"repositoryName": "app", "maxResults": 1001}, "maxResults", "less than or equal to 1000"),
        ("ListImages", {"repositoryName": "app", "maxResults": True}, "maxResults", "must be a whole number"),
        (
            "ListImages",
            {"repositoryName": "app", "filter": {"tagStatus": "ALL"}},
            "filter.tagStatus",
            "must satisfy enum",
        ),
        ("BatchGetImage", {"repositoryName": "app", "imageIds": []}, "imageIds", "greater than or equal to 1"),
        ("BatchGetImage", {"repositoryName": "app", "imageIds": [{}] * 101}, "imageIds", "less than or equal to 100"),
        ("DeleteRepository", {"repositoryName": "app", "force": "yes"}, "force", "must be true or false"),
        ("CreateRepository", {"repositoryName": "app", "tags": [{"Key": "a"}]}, "tags.Value", "must not be null"),
    ],
)
def test_a_fault_names_its_field_and_the_constraint(operation, parameters, field, constraint):
    [(named, words)] = said(operation, **parameters)
    assert named == field
    assert constraint in words


@given(st.sampled_from(MODEL.operation_names), ANYTHING)
def test_no_input_is_too_strange_to_judge(operation, parameters):
    shape = MODEL.operation_model(operation).input_shape
    for field, constraint in faults(shape, parameters):
        assert isinstance(field, str)
        assert constraint.startswith("must ")
