"""The parser of the console's clients: what it returns is what botocore returns."""

import os
import uuid

import pytest

from ecr_sandbox.console import parsers
from tests.sandbox.pusher import Pusher


@pytest.fixture
def fast(sandbox):
    """A client of ECR with the console's parser."""
    made = sandbox.client()
    made._endpoint._response_parser_factory = parsers.Factory()
    return made


def test_an_answer_is_botocores(sandbox, fast):
    name = f"shown-{uuid.uuid4().hex[:8]}"
    about = sandbox.client().create_repository(repositoryName=name, tags=[{"Key": "team", "Value": "blue"}])
    Pusher(sandbox).push(name, [os.urandom(100)], "v1")
    calls = {
        "describe_repositories": {"repositoryNames": [name]},
        "describe_images": {"repositoryName": name},
        "list_images": {"repositoryName": name},
        "list_tags_for_resource": {"resourceArn": about["repository"]["repositoryArn"]},
        "describe_registry": {},
    }
    for operation, parameters in calls.items():
        ours, botocores = (getattr(client, operation)(**parameters) for client in (fast, sandbox.client()))
        assert ours.keys() == botocores.keys()
        assert {**ours, "ResponseMetadata": 0} == {**botocores, "ResponseMetadata": 0}


def test_errors_and_services_with_xml_are_as_before(sandbox, fast):
    with pytest.raises(fast.exceptions.RepositoryNotFoundException, match="does not exist"):
        fast.describe_repositories(repositoryNames=["missing"])
    assert type(parsers.Factory().create_parser("query")).__name__ == "QueryParser"
