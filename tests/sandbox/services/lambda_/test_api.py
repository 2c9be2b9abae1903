"""Lambda: a function from an image needs the repository policy, which Lambda adds if the caller is allowed to."""

import json
import os
import signal

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from helpers import settings
from tests.sandbox.conftest import layer
from tests.sandbox.pusher import Pusher

STATEMENT = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
}
CREATES = {"Effect": "Allow", "Action": ["lambda:*", "iam:PassRole"], "Resource": "*"}


def policy(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def role(sandbox) -> str:
    """A role that Lambda may assume."""
    trust = policy({"Effect": "Allow", "Principal": STATEMENT["Principal"], "Action": "sts:AssumeRole"})
    return sandbox.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument=trust)["Role"]["Arn"]


@pytest.fixture
def image(sandbox, repository) -> str:
    """An image in a new repository."""
    pushed = Pusher(sandbox).push(repository, [layer(os.urandom(99))], "v1")
    assert pushed.tag == "v1"
    return f"{sandbox.registry}/{repository}:v1"


@pytest.fixture
def caller(sandbox):
    """Lambda, for a caller without permissions on ECR."""
    _, key = sandbox.make_user({"Version": "2012-10-17", "Statement": [CREATES]})
    return sandbox.client("lambda", key=key)


def create(client, role: str, image: str, name: str, **also) -> dict:
    return client.create_function(FunctionName=name, Role=role, PackageType="Image", Code={"ImageUri": image}, **also)


def refused(client, role: str, image: str, name: str = "refused", **also) -> dict:
    with pytest.raises(ClientError) as error:
        create(client, role, image, name, **also)
    return error.value.response["Error"]


def test_without_the_repository_policy_lambda_cannot_pull_the_image(caller, role, image):
    assert refused(caller, role, image) == {
        "Code": "AccessDeniedException",
        "Message": "Lambda does not have permission to access the ECR image. Check the ECR permissions.",
    }


def test_with_the_repository_policy_the_function_is_created(sandbox, caller, role, image, repository):
    ecr = sandbox.client()
    ecr.set_repository_policy(repositoryName=repository, policyText=policy(STATEMENT))
    made = create(caller, role, image, repository)
    [digest] = [each["imageDigest"] for each in ecr.describe_images(repositoryName=repository)["imageDetails"]]
    assert made["State"] == "Pending" and made["PackageType"] == "Image"
    caller.get_waiter("function_active_v2").wait(FunctionName=repository)
    code = caller.get_function(FunctionName=repository)["Code"]
    assert code == {
        "RepositoryType": "ECR",
        "ImageUri": image,
        "ResolvedImageUri": f"{image.removesuffix(':v1')}@{digest}",
    }
    assert made["CodeSha256"] == digest.removeprefix("sha256:")


@pytest.mark.parametrize("missing", STATEMENT["Action"])
def test_the_repository_policy_needs_both_actions(sandbox, caller, role, image, repository, missing):
    one = {**STATEMENT, "Action": [each for each in STATEMENT["Action"] if each != missing]}
    sandbox.client().set_repository_policy(repositoryName=repository, policyText=policy(one))
    assert refused(caller, role, image)["Code"] == "AccessDeniedException"


def test_a_condition_can_name_the_function(sandbox, caller, role, image, repository):
    arn = f"arn:aws:lambda:{settings.REGION}:{settings.ACCOUNT}:function:{repository}"
    only = {**STATEMENT, "Condition": {"StringLike": {"aws:SourceArn": arn}}}
    sandbox.client().set_repository_policy(repositoryName=repository, policyText=policy(only))
    assert refused(caller, role, image, "another")["Code"] == "AccessDeniedException"
    create(caller, role, image, repository)


def test_lambda_adds_the_policy_for_a_caller_who_can_set_it(sandbox, role, image, repository):
    allowed = {"Effect": "Allow", "Action": ["ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"], "Resource": "*"}
    _, key = sandbox.make_user({"Version": "2012-10-17", "Statement": [CREATES, allowed]})
    create(sandbox.client("lambda", key=key), role, image, repository)
    [statement] = json.loads(sandbox.client().get_repository_policy(repositoryName=repository)["policyText"])[
        "Statement"
    ]
    assert statement["Sid"] == "LambdaECRImageRetrievalPolicy"
    assert set(STATEMENT["Action"]) < set(statement["Action"])
    assert statement["Condition"] == {
        "StringLike": {"aws:sourceArn": f"arn:aws:lambda:{settings.REGION}:{settings.ACCOUNT}:function:*"}
    }


def test_other_statements_of_the_policy_are_kept(sandbox, role, image, repository):
    other = {"Sid": "mine", "Effect": "Allow", "Principal": "*", "Action": "ecr:DescribeImages"}
    ecr = sandbox.client()
    ecr.set_repository_policy(repositoryName=repository, policyText=policy(other))
    create(sandbox.client("lambda"), role, image, repository)
    kept = json.loads(ecr.get_repository_policy(repositoryName=repository)["policyText"])["Statement"]
    assert [each["Sid"] for each in kept] == ["mine", "LambdaECRImageRetrievalPolicy"]


def test_an_explicit_deny_still_applies(sandbox, role, image, repository):
    deny = {**STATEMENT, "Effect": "Deny"}
    sandbox.client().set_repository_policy(repositoryName=repository, policyText=policy(deny))
    assert refused(sandbox.client("lambda"), role, image)["Code"] == "AccessDeniedException"


@pytest.mark.parametrize("name", ["{}:v9", "{}-none:v1", "{}@sha256:" + "0" * 64])
def test_a_missing_image(sandbox, role, image, repository, name):
    uri = f"{sandbox.registry}/{name.format(repository)}"
    assert refused(sandbox.client("lambda"), role, uri) == {
        "Code": "InvalidParameterValueException",
        "Message": f"Source image {uri} does not exist. Provide a valid source image.",
    }


@pytest.mark.parametrize("name", ["public.ecr.aws/lambda/python:3.12", "{registry}/{repository}", "app:v1"])
def test_an_invalid_image_name_is_refused(sandbox, role, image, repository, name):
    uri = name.format(registry=sandbox.registry, repository=repository)
    message = refused(sandbox.client("lambda"), role, uri)["Message"]
    assert message == f"Source image {uri} is not valid. Provide a valid source image."


def test_an_image_index_is_refused(sandbox, role, image, repository):
    """Current `docker build` pushes an index with attestations. Use --provenance=false to avoid it."""
    ecr = sandbox.client()
    [found] = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])["images"]
    listed = {"mediaType": json.loads(found["imageManifest"])["mediaType"], "size": len(found["imageManifest"])}
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{**listed, "digest": found["imageId"]["imageDigest"]}],
    }
    ecr.put_image(repositoryName=repository, imageManifest=json.dumps(index), imageTag="multi")
    uri = f"{sandbox.registry}/{repository}:multi"
    assert refused(sandbox.client("lambda"), role, uri)["Message"] == (
        f"The image manifest, config or layer media type for the source image {uri} is not supported."
    )


def test_the_role_must_trust_lambda(sandbox, image):
    trust = policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    other = sandbox.client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    for role in (other, f"arn:aws:iam::{settings.ACCOUNT}:role/none"):
        message = refused(sandbox.client("lambda"), role, image)["Message"]
        assert message == "The role defined for the function cannot be assumed by Lambda."


def test_iam_checks_the_function_and_the_role(sandbox, role, image):
    only = {"Effect": "Allow", "Action": "lambda:*", "Resource": "arn:aws:lambda:*:*:function:mine"}
    _, key = sandbox.make_user({"Version": "2012-10-17", "Statement": [only]})
    client = sandbox.client("lambda", key=key)
    arn = f"arn:aws:lambda:{settings.REGION}:{settings.ACCOUNT}:function:other"
    assert f"perform: lambda:CreateFunction on resource: {arn}" in refused(client, role, image, "other")["Message"]
    assert f"perform: iam:PassRole on resource: {role}" in refused(client, role, image, "mine")["Message"]
    with pytest.raises(ClientError, match=f"lambda:GetFunction on resource: {arn}"):
        client.get_function(FunctionName="other")
    with pytest.raises(ClientError, match="Function not found"):
        client.get_function(FunctionName="mine")


def test_functions_are_listed_changed_and_deleted(sandbox, role, image, repository):
    client = sandbox.client("lambda")
    create(client, role, image, repository, Timeout=10, Environment={"Variables": {"AB": "b"}})
    assert refused(client, role, image, repository)["Message"] == f"Function already exist: {repository}"
    listed = {each["FunctionName"]: each for each in client.list_functions()["Functions"]}
    assert listed[repository]["Timeout"] == 10 and listed[repository]["Environment"]["Variables"] == {"AB": "b"}
    Pusher(sandbox).push(repository, [layer(os.urandom(99))], "v2")
    before = client.get_function_configuration(FunctionName=repository)["CodeSha256"]
    changed = client.update_function_code(FunctionName=repository, ImageUri=image.replace(":v1", ":v2"))
    assert changed["CodeSha256"] != before
    output = sandbox.run(f"aws lambda get-function --function-name {repository} --query Code.ImageUri --output text")
    assert output.strip() == image.replace(":v1", ":v2")
    client.delete_function(FunctionName=repository)
    with pytest.raises(ClientError, match="Function not found"):
        client.get_function(FunctionName=repository)


def test_functions_survive_a_kill(own_sandbox):
    own_sandbox.start()
    own_sandbox.client().create_repository(repositoryName="app")
    Pusher(own_sandbox).push("app", [layer(b"x")], "v1")
    trust = policy({"Effect": "Allow", "Principal": STATEMENT["Principal"], "Action": "sts:AssumeRole"})
    role = own_sandbox.client("iam").create_role(RoleName="f", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    create(own_sandbox.client("lambda"), role, f"{own_sandbox.registry}/app:v1", "kept")
    own_sandbox.stop(signal.SIGKILL)
    own_sandbox.start()
    assert [each["FunctionName"] for each in own_sandbox.client("lambda").list_functions()["Functions"]] == ["kept"]
    assert (
        "LambdaECRImageRetrievalPolicy"
        in own_sandbox.client().get_repository_policy(repositoryName="app")["policyText"]
    )


def test_unsupported_operations_are_errors(sandbox, role, image):
    client = sandbox.client("lambda")
    for call in (
        lambda: client.invoke(FunctionName="x"),
        lambda: client.create_function(
            FunctionName="z", Role=role, Runtime="python3.12", Handler="a.b", Code={"ZipFile": b"x"}
        ),
        lambda: create(client, role, image, "vpc", VpcConfig={"SubnetIds": ["subnet-12345678"]}),
    ):
        with pytest.raises(ClientError, match="is not part of this sandbox"):
            call()


@pytest.mark.parametrize("changed", ["/2015-03-31/functions/other", "/2015-03-31/functions/mine?Qualifier=2"])
def test_the_signature_covers_path_and_query(sandbox, changed):
    """A proxy cannot change a signed request into another."""
    signed = AWSRequest(method="GET", url=f"{sandbox.url}/2015-03-31/functions/mine?Qualifier=1")
    SigV4Auth(Credentials(settings.ACCESS_KEY, settings.SECRET_KEY), "lambda", settings.REGION).add_auth(signed)
    headers = {name.replace("-", "_"): value for name, value in signed.headers.items()}
    status, _, body = sandbox.http("GET", "/2015-03-31/functions/mine?Qualifier=1", **headers)
    assert status == 404 and b"Function not found" in body
    status, _, body = sandbox.http("GET", changed, **headers)
    assert (status, json.loads(body)["__type"]) == (400, "InvalidSignatureException")
