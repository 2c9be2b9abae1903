"""Two accounts and two Regions: separate from each other, access only by policies."""

import base64
import json
import subprocess

import pytest

from helpers import settings

OTHER = (settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY)
ELSEWHERE = "eu-west-1"
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def log_in(sandbox, folder, ecr) -> dict[str, str]:
    """Log docker in to the registry of *ecr* with its own configuration and return the environment."""
    [data] = ecr.get_authorization_token()["authorizationData"]
    password = base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]
    environ = {"DOCKER_CONFIG": str(folder)}
    sandbox.run(f"docker login -u AWS -p {password} {data['proxyEndpoint']}", **environ)
    return environ


def address(ecr, name: str) -> str:
    return ecr.create_repository(repositoryName=name)["repository"]["repositoryUri"]


def test_each_region_has_its_own_registry_and_address(sandbox, repository, make_image, tmp_path):
    there = sandbox.client(region=ELSEWHERE)
    uri = address(there, repository)  # the same name in both Regions
    assert uri != f"{sandbox.registry}/{repository}"
    environ = log_in(sandbox, tmp_path, there)
    sandbox.run(f"docker push {make_image(f'{uri}:v1')}", **environ)
    assert [each["imageTag"] for each in there.list_images(repositoryName=repository)["imageIds"]] == ["v1"]
    assert sandbox.client().list_images(repositoryName=repository)["imageIds"] == []


def test_a_password_is_valid_in_its_region_only(sandbox, repository):
    [data] = sandbox.client(region=ELSEWHERE).get_authorization_token()["authorizationData"]
    status, _, body = sandbox.http("GET", "/v2/", Authorization=f"Basic {data['authorizationToken']}")
    assert (status, json.loads(body)["errors"][0]["message"]) == (400, "Your Authorization Token is invalid.")


def test_each_account_has_its_own_repositories_and_address(sandbox, repository, make_image, tmp_path):
    other = sandbox.client(key=OTHER)
    assert [each["repositoryName"] for each in other.describe_repositories()["repositories"]] == []
    uri = address(other, repository)
    assert uri != f"{sandbox.registry}/{repository}"
    environ = log_in(sandbox, tmp_path, other)
    sandbox.run(f"docker push {make_image(f'{uri}:v1')}", **environ)
    [detail] = other.describe_images(repositoryName=repository)["imageDetails"]
    assert detail["registryId"] == settings.OTHER_ACCOUNT
    assert sandbox.client().list_images(repositoryName=repository)["imageIds"] == []


@pytest.fixture
def reader(sandbox):
    """A user of the other account, its key and its policy. A pull needs permission in both accounts."""
    iam = sandbox.client("iam", key=OTHER)
    name = "reader"
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    made = iam.create_access_key(UserName=name)["AccessKey"]
    yield arn, (made["AccessKeyId"], made["SecretAccessKey"]), iam
    iam.delete_access_key(UserName=name, AccessKeyId=made["AccessKeyId"])
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    iam.delete_user(UserName=name)


def test_another_account_pulls_when_both_sides_allow_it(sandbox, repository, make_image, reader, tmp_path):
    arn, key, iam = reader
    image = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {image}")
    subprocess.run(["docker", "rmi", image], check=True, capture_output=True)
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}}
    iam.put_user_policy(UserName="reader", PolicyName="ecr", PolicyDocument=json.dumps(document))

    [data] = sandbox.client(key=key).get_authorization_token(registryIds=[settings.ACCOUNT])["authorizationData"]
    assert data["proxyEndpoint"] == sandbox.url
    password = base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    sandbox.run(f"docker login -u AWS -p {password} {sandbox.registry}", **environ)

    resource = f"arn:aws:ecr:{settings.REGION}:{settings.ACCOUNT}:repository/{repository}"
    assert (
        f"User: {arn} is not authorized to perform: ecr:BatchGetImage on resource: {resource} "
        "because no resource-based policy allows the ecr:BatchGetImage action"
    ) in sandbox.refused(f"docker pull {image}", **environ)

    share = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{settings.OTHER_ACCOUNT}:root"}, "Action": PULL}
    text = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Share", **share}]})
    sandbox.client().set_repository_policy(repositoryName=repository, policyText=text)
    assert "Downloaded newer image" in sandbox.run(f"docker pull {image}", **environ)

    iam.delete_user_policy(UserName="reader", PolicyName="ecr")
    assert "because no identity-based policy allows the ecr:BatchGetImage action" in sandbox.refused(
        f"docker pull {image}", **environ
    )


def test_addresses_stay_the_same_after_a_restart(own_sandbox):
    own_sandbox.start()
    there = own_sandbox.client(region=ELSEWHERE)
    uri = address(there, "app")
    own_sandbox.stop()
    own_sandbox.start()
    there = own_sandbox.client(region=ELSEWHERE)
    [found] = there.describe_repositories()["repositories"]
    assert found["repositoryUri"] == uri
    port = uri.partition("/")[0].rpartition(":")[2]
    assert json.loads((own_sandbox.state / "sandbox.json").read_text())["ports"][-1] == int(port)
