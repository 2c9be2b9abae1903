"""Every operation in botocore's model of ECR gets a JSON response on the first try."""

import json

import botocore.session
import pytest
from botocore.exceptions import ClientError
from moto.core.utils import camelcase_to_underscores

from ecr_sandbox.services.ecr.responses import answers
from ecr_sandbox.services.repository_policies import shown
from helpers import settings
from tests.sandbox.api import image, manifest, raw, upload
from tests.sandbox.shapes import minimal

MODEL = botocore.session.Session().get_service_model("ecr")
PUBLIC = botocore.session.Session().get_service_model("ecr-public")
NOT_HERE = "UnsupportedOperationException"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}],
}
RULE = {
    "rulePriority": 1,
    "description": "at most twenty images",
    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 20},
    "action": {"type": "expire"},
}


@pytest.fixture
def given(sandbox, repository):
    """Parameters for the operations: a repository with an image, and valid policy texts."""
    ecr = sandbox.client()
    layer = upload(ecr, repository, b"{}")
    return {
        "repositoryName": repository,
        "repositoryNames": [repository],
        "resourceArn": f"arn:aws:ecr:{settings.REGION}:{settings.ACCOUNT}:repository/{repository}",
        "imageDigest": image(ecr, repository, "one", "v1"),
        "imageId": {"imageTag": "v1"},
        "imageIds": [{"imageTag": "v1"}],
        "imageManifest": json.dumps(manifest(annotations={"name": "two"})),
        "layerDigest": layer,
        "policyText": json.dumps(POLICY),
        "lifecyclePolicyText": json.dumps({"rules": [RULE]}),
        "tags": [{"Key": "team", "Value": "blue"}],
        "name": "BLOB_MOUNTING",
        "value": "ENABLED",
    }


def call(client, operation, parameters):
    """The error code, or None, and the response of one call. The call must need only one request."""
    sent = []
    client.meta.events.register("before-send", lambda request, **_: sent.append(request.url))
    try:
        answer, code = getattr(client, camelcase_to_underscores(operation))(**parameters), None
    except ClientError as error:
        answer, code = error.response, error.response["Error"]["Code"]
        assert answer["Error"]["Message"]
    about = answer["ResponseMetadata"]
    assert about["HTTPStatusCode"] < 500
    assert about["HTTPHeaders"]["content-type"] == "application/x-amz-json-1.1"
    assert len(sent) == 1
    return code, answer


@pytest.mark.parametrize("operation", MODEL.operation_names)
def test_each_operation_of_ecr_is_answered_without_a_retry(sandbox, given, operation):
    model = MODEL.operation_model(operation)
    code, answer = call(sandbox.client(), operation, minimal(model.input_shape, given))
    assert (code == NOT_HERE) == (not answers(operation))
    if code == NOT_HERE:
        assert answer["Error"]["Message"].startswith(operation) or f":{operation} " in answer["Error"]["Message"]
    elif code:
        assert code in {error.name for error in model.error_shapes}


@pytest.mark.parametrize("operation", PUBLIC.operation_names)
def test_each_operation_of_ecr_public_is_answered_without_a_retry(sandbox, operation):
    shape = PUBLIC.operation_model(operation).input_shape
    call(sandbox.client("ecr-public"), operation, minimal(shape, {}))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"repositoryName":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"repositoryName": "app", "filter": ' + b'{"x":' * 900 + b"1" + b"}" * 901,
        b'{"repositoryName": "\xff\xfe"}',
        b'{"repositoryName": "app", "maxResults": NaN}',
        b"null",
    ],
    ids=["brackets", "deep", "as deep as Python may go", "no UTF-8", "NaN", "null"],
)
def test_a_body_that_boto3_would_not_send_is_refused(sandbox, body):
    """https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html; the error of AWS has no message"""
    assert raw(sandbox, "ListImages", body) == (400, {"__type": "SerializationException"})


def test_an_unpaired_surrogate_in_a_name_is_refused(sandbox):
    body = rb'{"repositoryName": "app", "nextToken": "\ud800"}'
    assert raw(sandbox, "ListImages", body) == (400, {"__type": "SerializationException"})


@pytest.mark.operation("SetRepositoryPolicy", "GetRepositoryPolicy")
def test_a_policy_text_cannot_inject_a_parameter(sandbox, repository):
    """Without our check, moto also parses the JSON as a form, finds repositoryName in it, and sets the other policy."""
    ecr, other = sandbox.client(), f"{repository}-other"
    ecr.create_repository(repositoryName=other)
    text = json.dumps({**POLICY, "Id": f"x&repositoryName={other}&Action=DeleteRepository&y=1"})
    assert ecr.set_repository_policy(repositoryName=repository, policyText=text)["repositoryName"] == repository
    assert ecr.get_repository_policy(repositoryName=repository)["policyText"] == shown(text)
    with pytest.raises(ecr.exceptions.RepositoryPolicyNotFoundException):
        ecr.get_repository_policy(repositoryName=other)
