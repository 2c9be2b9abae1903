"""Login, push and pull with the real docker, aws and boto3, all on one port."""

import hashlib
import json
import subprocess

import pytest

V2 = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.mark.operation("GetAuthorizationToken", "ListImages")
def test_login_push_pull_and_list_with_the_real_clients(sandbox, repository, make_image):
    image = make_image(f"{sandbox.registry}/{repository}:v1")
    assert "Login Succeeded" in sandbox.login()
    pushed = sandbox.run(f"docker push {image}")
    assert "v1: digest: sha256:" in pushed

    listed = sandbox.run(
        f"aws ecr list-images --repository-name {repository} --query 'imageIds[].imageTag' --output text"
    )
    assert listed.strip() == "v1"

    subprocess.run(["docker", "rmi", image], check=True, capture_output=True)
    assert "Downloaded newer image" in sandbox.run(f"docker pull {image}")


@pytest.mark.operation("DescribeImages")
def test_the_digest_is_the_sha256_of_the_manifest_and_the_size_is_the_sum_of_its_blobs(sandbox, repository, make_image):
    pushed = sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:v1')}")
    [detail] = sandbox.client().describe_images(repositoryName=repository)["imageDetails"]
    assert detail["imageDigest"] in pushed

    _, headers, manifest = sandbox.http(
        "GET", f"/v2/{repository}/manifests/v1", Authorization=sandbox.basic(), Accept=V2
    )
    assert detail["imageDigest"] == "sha256:" + hashlib.sha256(manifest).hexdigest()
    assert headers["content-type"] == detail["imageManifestMediaType"] == V2
    content = json.loads(manifest)
    assert detail["imageSizeInBytes"] == sum(part["size"] for part in [content["config"], *content["layers"]])


def test_repository_uris_point_to_the_sandbox(sandbox, repository):
    ecr = sandbox.client()
    [described] = ecr.describe_repositories(repositoryNames=[repository])["repositories"]
    assert described["repositoryUri"] == f"{sandbox.registry}/{repository}"
    [token] = ecr.get_authorization_token()["authorizationData"]
    assert token["proxyEndpoint"] == sandbox.url


def test_docker_reads_a_manifest_without_pulling(sandbox, repository, make_image):
    image = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {image}")
    inspected = json.loads(sandbox.run(f"docker manifest inspect --insecure {image}"))
    assert inspected["mediaType"] == V2


@pytest.mark.parametrize("reference", ["v1", "digest"])
def test_head_and_get_return_the_same_headers_but_the_digest(sandbox, repository, make_image, reference):
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:v1')}")
    [image] = sandbox.client().list_images(repositoryName=repository)["imageIds"]
    path = f"/v2/{repository}/manifests/{image['imageDigest'] if reference == 'digest' else 'v1'}"
    head = sandbox.http("HEAD", path, Authorization=sandbox.basic())
    get = sandbox.http("GET", path, Authorization=sandbox.basic())
    assert head[0] == get[0] == 200
    assert head[2] == b""
    assert head[1]["content-length"] == get[1]["content-length"] == str(len(get[2]))
    assert head[1]["docker-content-digest"] == image["imageDigest"]
    # https://github.com/ChangemakerStudios/Docker.Registry.DotNet/issues/34, aws/containers-roadmap#1931
    assert "docker-content-digest" not in get[1]


def test_a_push_to_a_second_repository_mounts_the_layers(sandbox, repository, make_image):
    first = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {first}")
    other = f"{repository}-copy"
    sandbox.client().create_repository(repositoryName=other)
    sandbox.run(f"docker tag {first} {sandbox.registry}/{other}:v1")
    assert f"Mounted from {repository}" in sandbox.run(f"docker push {sandbox.registry}/{other}:v1")
    sandbox.run(f"docker rmi {sandbox.registry}/{other}:v1")


@pytest.mark.operation("PutAccountSetting")
def test_no_layer_is_mounted_while_the_account_setting_is_off(sandbox, repository, make_image):
    first = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {first}")
    other = f"{repository}-copy"
    sandbox.client().create_repository(repositoryName=other)
    manifest = json.loads(sandbox.http("GET", f"/v2/{repository}/manifests/v1", Authorization=sandbox.basic())[2])
    mount = f"/v2/{other}/blobs/uploads/?mount={manifest['layers'][0]['digest']}&from={repository}"
    try:
        sandbox.run("aws ecr put-account-setting --name BLOB_MOUNTING --value DISABLED")
        assert sandbox.http("POST", mount, b"", Authorization=sandbox.basic())[0] == 202  # a plain upload instead
    finally:
        sandbox.run("aws ecr put-account-setting --name BLOB_MOUNTING --value ENABLED")
    assert sandbox.http("POST", mount, b"", Authorization=sandbox.basic())[0] == 201
