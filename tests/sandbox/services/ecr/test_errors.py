"""What ECR refuses, with status, code and message, and what docker prints."""

import json
import time

import pytest

from ecr_sandbox.auth.token import LIFETIME, Caller, Tokens, authorization
from helpers import settings

ME = Caller(settings.ACCESS_KEY, settings.ACCOUNT, settings.REGION)
UNKNOWN = "The repository with name 'no-such-repo' does not exist in the registry with id '123456789012'"


@pytest.fixture
def old_token(sandbox):
    """A password that this sandbox issued 12 hours and 1 second ago."""
    return Tokens(sandbox.state / "secret").mint(ME, made=int(time.time()) - LIFETIME - 1)[0]


def error(answer):
    status, _, body = answer
    [first] = json.loads(body)["errors"]
    return status, first["code"], first["message"]


def test_a_request_without_a_token_is_refused(sandbox, repository, make_image):
    status, headers, body = sandbox.http("GET", "/v2/")
    assert (status, body) == (401, b"Not Authorized\n")
    assert headers["www-authenticate"] == f'Basic realm="{sandbox.url}/",service="ecr.amazonaws.com"'
    assert headers["docker-distribution-api-version"] == "registry/2.0"

    image = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker logout {sandbox.registry}")
    try:
        assert "no basic auth credentials" in sandbox.refused(f"docker push {image}")
    finally:
        sandbox.login()


def test_with_a_password_the_answer_to_v2_is_empty(sandbox):
    """https://github.com/e6qu/sockerless-cloud: "Amazon ECR answers status 200 with content-length: 0 and no
    content-type at all" (``BaseResponse`` in its simulators' OCI registry)"""
    status, headers, body = sandbox.http("GET", "/v2/", Authorization=sandbox.basic())
    assert (status, headers["content-length"], body) == (200, "0", b"")
    assert "content-type" not in headers


def test_an_invalid_token_is_refused(sandbox):
    assert error(sandbox.http("GET", "/v2/", Authorization=f"Basic {authorization('not-a-token')}")) == (
        400,
        "DENIED",
        "Your Authorization Token is invalid.",
    )
    output = sandbox.refused(f"echo not-a-token | docker login --username AWS --password-stdin {sandbox.registry}")
    assert "400 Bad Request" in output


def test_a_token_of_another_region_is_refused(sandbox):
    foreign, _ = Tokens(sandbox.state / "secret").mint(Caller(ME.access_key, ME.account, "eu-west-1"))
    assert error(sandbox.http("GET", "/v2/", Authorization=f"Basic {authorization(foreign)}"))[0] == 400
    output = sandbox.refused(
        "aws ecr get-login-password --region eu-west-1"
        f" | docker login --username AWS --password-stdin {sandbox.registry}"
    )
    assert f"login attempt to http://{sandbox.registry}/v2/ failed with status: 400 Bad Request" in output


def test_a_user_name_other_than_aws_is_refused(sandbox):
    output = sandbox.refused(
        f"aws ecr get-login-password | docker login --username me --password-stdin {sandbox.registry}"
    )
    assert "400 Bad Request" in output


def test_an_expired_token_is_refused(sandbox, repository, make_image, old_token):
    message = "Your authorization token has expired. Reauthenticate and try again."
    old = authorization(old_token)
    assert error(sandbox.http("GET", f"/v2/{repository}/manifests/v1", Authorization=f"Basic {old}")) == (
        403,
        "DENIED",
        message,
    )
    image = make_image(f"{sandbox.registry}/{repository}:v1")
    config = sandbox.docker_config / "config.json"
    good = config.read_text()
    try:
        config.write_text(json.dumps({"auths": {sandbox.registry: {"auth": old}}}))
        assert f"denied: {message}" in sandbox.refused(f"docker push {image}")
    finally:
        config.write_text(good)


def test_a_missing_repository_is_refused(sandbox, make_image):
    for method, path in [("POST", "blobs/uploads/"), ("GET", "manifests/v1"), ("GET", "tags/list")]:
        answer = sandbox.http(method, f"/v2/no-such-repo/{path}", None, Authorization=sandbox.basic())
        assert error(answer) == (404, "NAME_UNKNOWN", UNKNOWN)

    image = make_image(f"{sandbox.registry}/no-such-repo:v1")
    assert f"name unknown: {UNKNOWN}" in sandbox.refused(f"docker push {image}")
    assert f"name unknown: {UNKNOWN}" in sandbox.refused(f"docker pull {sandbox.registry}/no-such-repo:v2")
    assert f"RepositoryNotFoundException) when calling the ListImages operation: {UNKNOWN}" in sandbox.refused(
        "aws ecr list-images --repository-name no-such-repo"
    )


def test_a_push_to_an_immutable_tag_is_refused(sandbox, repository, make_image):
    sandbox.client().put_image_tag_mutability(repositoryName=repository, imageTagMutability="IMMUTABLE")
    tag = f"{sandbox.registry}/{repository}:v1"
    sandbox.run(f"docker push {make_image(tag)}")
    assert "v1: digest" in sandbox.run(f"docker push {tag}")  # the same image again is not an error
    message = (
        f"tag invalid: The image tag 'v1' already exists in the '{repository}' repository "
        "and cannot be overwritten because the tag is immutable."
    )
    assert message in sandbox.refused(f"docker push {make_image(tag)}")


def test_a_pull_of_a_missing_tag_is_refused(sandbox, repository):
    output = sandbox.refused(f"docker pull {sandbox.registry}/{repository}:v9")
    assert "manifest unknown: Requested image not found" in output


def test_a_refused_head_request_has_no_body(sandbox):
    status, _, body = sandbox.http("HEAD", "/v2/no-such-repo/manifests/v1", Authorization=sandbox.basic())
    assert (status, body) == (404, b"")


def test_a_blob_that_does_not_match_its_digest_is_refused(sandbox, repository):
    headers = {"Authorization": sandbox.basic(), "Content_Type": "application/octet-stream"}
    _, started, _ = sandbox.http("POST", f"/v2/{repository}/blobs/uploads/", b"", **headers)
    answer = sandbox.http("PUT", f"{started['location']}?digest=sha256:{'0' * 64}", b"other bytes", **headers)
    assert error(answer) == (
        400,
        "BLOB_UPLOAD_INVALID",
        "None of the provided layer digests match the calculated layer digest",
    )


def test_a_manifest_with_missing_layers_is_refused(sandbox, repository):
    missing = {"mediaType": "application/octet-stream", "digest": f"sha256:{'1' * 64}", "size": 1}
    text = json.dumps({"schemaVersion": 2, "config": missing, "layers": [missing]}).encode()
    headers = {"Authorization": sandbox.basic(), "Content_Type": "application/vnd.oci.image.manifest.v1+json"}
    status, code, message = error(sandbox.http("PUT", f"/v2/{repository}/manifests/v1", text, **headers))
    assert (status, code) == (404, "BLOB_UPLOAD_UNKNOWN")  # https://github.com/oras-project/oras-py/issues/54
    assert message == (
        f"Layers with digests '[{missing['digest']}]' required for pushing image into repository with name "
        f"'{repository}' in the registry with id '123456789012' do not exist"
    )
    assert not sandbox.client().list_images(repositoryName=repository)["imageIds"]


def test_an_unsupported_operation_is_refused(sandbox):
    output = sandbox.refused("aws ecr get-signing-configuration")
    assert "GetSigningConfiguration is not part of this sandbox" in output


def test_an_unsigned_request_is_refused(sandbox):
    """ECR's answer in https://github.com/jenkinsci/amazon-ecr-plugin/issues/199."""
    status, _, body = sandbox.http("POST", "/", b"{}", X_Amz_Target="AmazonEC2ContainerRegistry_V20150921.ListImages")
    assert status == 400
    assert json.loads(body)["__type"] == "MissingAuthenticationTokenException"
