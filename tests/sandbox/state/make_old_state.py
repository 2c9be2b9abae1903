"""Creates ``state-2026-11.tar.gz``: fills a sandbox of commit 0b1a229, whose state folder is then packed.

    git worktree add /tmp/old 0b1a229
    cd /tmp/old && ECR_TUTORIAL_STATE=/tmp/state ECR_TUTORIAL_PORT=5999 ECR_TUTORIAL_BASE=/nonexistent \\
        python -m helpers.sandbox
    python -m tests.sandbox.state.make_old_state 5999     # in this working tree; then stop the sandbox
    tar -C /tmp/state -czf tests/sandbox/state/state-2026-11.tar.gz \\
        --exclude='*secret*' --exclude=sandbox.* --exclude=registry.* --exclude=ports.json --exclude=log .

It prints the resources that it created. ``test_distribution_layout.py`` reads them from ``state-2026-11.json``.
"""

import json
import sys
import time
from contextlib import suppress
from typing import Any

import boto3
import requests

from helpers import settings
from tests.sandbox.wire import BYTES, Wire, digest_of

OTHER = (settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY)
LONG_NAME = "/".join(["a-name-of-forty-characters-for-a-folder-x"] * 6)  # the old version stored this name as a hash
SHARED = b"a layer that several images share"
KEEP = '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5}, "action": {"type": "expire"}}]}'  # noqa: E501


def client(url: str, service: str, region: str = settings.REGION, key: tuple[str, str] | None = None) -> Any:
    """A boto3 client for one service of the sandbox."""
    access, secret = key or (settings.ACCESS_KEY, settings.SECRET_KEY)
    return boto3.client(service, region, endpoint_url=url, aws_access_key_id=access, aws_secret_access_key=secret)


def private(url: str, name: str, region: str = settings.REGION, key: tuple[str, str] | None = None) -> Wire:
    """A client for the private repository *name*, which is created if it does not exist."""
    ecr = client(url, "ecr", region, key)
    with suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=name)
    [repository] = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    host = repository["repositoryUri"].partition("/")[0]
    [token] = ecr.get_authorization_token()["authorizationData"]
    return Wire(f"http://{host}", name, f"Basic {token['authorizationToken']}")


def public(url: str, name: str) -> Wire:
    """A client for the public repository *name*, which is created if it does not exist."""
    ecr = client(url, "ecr-public")
    with suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=name)
    [repository] = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    host, _, path = repository["repositoryUri"].partition("/")
    token = ecr.get_authorization_token()["authorizationData"]["authorizationToken"]
    login = requests.get(f"http://{host}/token", headers={"Authorization": f"Basic {token}"}, timeout=10)
    return Wire(f"http://{host}", path, f"Bearer {login.json()['token']}" if login.ok else f"Basic {token}")


def hub(url: str, name: str) -> Wire:
    """A client for the repository *name* of the simulated Docker Hub. A push creates the repository."""
    address = requests.get(f"{url}/_sandbox", timeout=10).json()["hub"]
    user = {"username": name.partition("/")[0], "password": "correct horse battery"}
    requests.post(f"{address}/hub.docker.com/v2/sandbox/accounts", json=user, timeout=10)
    query = {"service": "registry.docker.io", "scope": f"repository:{name}:pull,push"}
    token = requests.get(f"{address}/token", params=query, auth=tuple(user.values()), timeout=10)
    return Wire(address, name, f"Bearer {token.json()['token']}")


def fill(url: str) -> dict[str, Any]:
    """Fill the sandbox; the created resources."""
    ecr = client(url, "ecr")
    ecr.put_replication_configuration(
        replicationConfiguration={
            "rules": [
                {
                    "destinations": [{"region": "eu-west-1", "registryId": settings.ACCOUNT}],
                    "repositoryFilters": [{"filter": "copied", "filterType": "PREFIX_MATCH"}],
                }
            ]
        }
    )
    repositories = {
        "app": private(url, "app"),
        "copied": private(url, "copied"),
        "other": private(url, "app", key=OTHER),
        "far": private(url, "far", "eu-central-1"),
        "long": private(url, LONG_NAME),
        "public": public(url, "team/tool"),
        "hub": hub(url, "alice/app"),
    }
    images = {
        name: [repository.push(repository.image(SHARED), "v1")["digest"]] for name, repository in repositories.items()
    }
    app = repositories["app"]
    images["app"].append(app.push(app.image(b"a layer of its own"), "v1")["digest"])  # the first one loses its tag
    old = app.push(app.image(b"an archived layer"), "old")["digest"]
    ecr.update_image_storage_class(repositoryName="app", imageId={"imageDigest": old}, targetStorageClass="ARCHIVE")
    ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=KEEP)
    deadline = time.monotonic() + 30
    while not client(url, "ecr", "eu-west-1").describe_repositories()["repositories"]:
        assert time.monotonic() < deadline, "the image was not replicated"
        time.sleep(0.1)
    waiting = app.push_blob(b"a layer that waits for its manifest")["digest"]
    location = app.start()
    assert app.ask("PATCH", location, b"x" * 2000, Content_Type=BYTES).status_code == 201
    iam = client(url, "iam")
    iam.create_user(UserName="alice")
    iam.attach_user_policy(UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly")
    ecs = client(url, "ecs")
    ecs.create_cluster(clusterName="demo")
    ecs.register_task_definition(
        family="demo",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "app", "image": "public.ecr.aws/docker/library/python:3.11"}],
    )
    client(url, "sqs").create_queue(QueueName="news")
    client(url, "secretsmanager").create_secret(Name="ecr-pullthroughcache/hub", SecretString="{}")
    client(url, "logs").create_log_group(logGroupName="/demo")
    return {"images": images, "archived": old, "waiting": waiting, "upload": location, "shared": digest_of(SHARED)}


if __name__ == "__main__":
    print(json.dumps(fill(f"http://localhost:{sys.argv[1]}"), indent=2))
