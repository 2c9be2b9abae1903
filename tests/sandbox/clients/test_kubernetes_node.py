"""EKS: a node role or a pull secret is sufficient to pull an image.

The kubelet of a node gets its password with the node role. A pull secret contains a password. Sources:
https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_EKS.html;
https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
"""

import base64
import json
import os
import time

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.auth.token import Caller, Tokens
from helpers import kubernetes, settings
from tests.sandbox.conftest import layer
from tests.sandbox.pusher import Pusher, Unexpected

PULL_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
WORKER_NODE = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"


@pytest.fixture
def image(sandbox, repository) -> str:
    return Pusher(sandbox).push(repository, [layer(os.urandom(1000))], "v1").digest


def node(sandbox, repository: str, *policies: str):
    """An ECR client with a session of a new node role with these policies, like the kubelet's credential provider."""
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}  # the test acts as EC2
    iam, name = sandbox.client("iam"), f"node-{repository}"
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    keys = sandbox.client("sts").assume_role(RoleArn=arn, RoleSessionName="i-0123")["Credentials"]
    return sandbox.client(key=(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]))


def login(ecr) -> str:
    [data] = ecr.get_authorization_token()["authorizationData"]
    return f"Basic {data['authorizationToken']}"


def pulls(sandbox, login: str, repository: str, digest: str) -> None:
    """Pull a complete image with this login only. Raises Unexpected."""
    kubelet = Pusher(sandbox)
    kubelet._login = login
    kubelet.pull(repository, digest)


def test_a_node_role_pulls_with_the_two_managed_policies(sandbox, repository, image):
    pulls(sandbox, login(node(sandbox, repository, PULL_ONLY, WORKER_NODE)), repository, image)


def test_the_worker_node_policy_alone_cannot_pull(sandbox, repository, image):
    with pytest.raises(ClientError, match="ecr:GetAuthorizationToken"):
        login(node(sandbox, repository, WORKER_NODE))


def test_a_node_role_can_only_pull(sandbox, repository, image):
    ecr = node(sandbox, repository, PULL_ONLY)
    kubelet = Pusher(sandbox)
    kubelet._login = login(ecr)
    with pytest.raises(Unexpected, match="ecr:InitiateLayerUpload"):
        kubelet.send(repository, b"a layer")
    with pytest.raises(ClientError, match="ecr:DescribeImages"):
        ecr.describe_images(repositoryName=repository)


def pull_secret(registry: str, password: str) -> dict:
    """The secret that ``kubectl create secret docker-registry ecr --docker-server … --docker-username AWS`` creates."""
    auth = base64.b64encode(f"AWS:{password}".encode()).decode()
    config = {"auths": {registry: {"username": "AWS", "password": password, "auth": auth}}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "ecr"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(json.dumps(config).encode()).decode()},
    }


def test_docker_pulls_with_the_pull_secret(sandbox, repository, image, tmp_path):
    secret = pull_secret(sandbox.registry, sandbox.password())
    assert kubernetes.faults(secret) == []
    (tmp_path / "config.json").write_bytes(base64.b64decode(secret["data"][".dockerconfigjson"]))
    name = f"{sandbox.registry}/{repository}:v1"
    sandbox.run(f"docker manifest inspect --insecure {name}", DOCKER_CONFIG=str(tmp_path))
    (tmp_path / "config.json").write_text('{"auths": {"sandbox.invalid": {}}}')
    sandbox.refused(f"docker manifest inspect --insecure {name}", DOCKER_CONFIG=str(tmp_path))


def test_a_pull_secret_expires_after_twelve_hours(sandbox, repository, image):
    """A pull secret is a copy of a password that expires."""
    caller = Caller(settings.ACCESS_KEY, settings.ACCOUNT, settings.REGION)
    old, _ = Tokens(sandbox.state / "secret").mint(caller, int(time.time()) - 13 * 60 * 60)
    basic = base64.b64encode(f"AWS:{old}".encode()).decode()
    with pytest.raises(Unexpected, match="Your authorization token has expired"):
        pulls(sandbox, f"Basic {basic}", repository, image)
