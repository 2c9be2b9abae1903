"""A task that cannot pull its image stops with the same error message as on AWS."""

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from helpers import settings
from tests.sandbox.fargate import GROUP, POLICY, Cloud, containers_of, small_image, with_app

SMALL = "learn-amazon-ecr-tests:fargate-pull"
TOKEN = {"Action": "ecr:GetAuthorizationToken", "Resource": "*"}
MANIFEST = {"Action": "ecr:BatchGetImage", "Resource": "*"}
LOGS = {"Action": "logs:*", "Resource": "*"}


@pytest.fixture(scope="module")
def cloud(sandbox) -> Iterator[Cloud]:
    yield with_app(sandbox, SMALL)
    assert containers_of(sandbox) == []


def ends(cloud: Cloud, image: str, **also) -> dict:
    """The stopped task of *image*, with the default role or another one."""
    definition = cloud.register(cloud.container(image, "exit 0"), **also)
    return cloud.until(cloud.run(definition), "STOPPED")


def test_a_role_without_get_authorization_token(cloud):
    task = ends(cloud, cloud.image, executionRoleArn=cloud.make_role("no-token"))
    session = f"arn:aws:sts::{settings.ACCOUNT}:assumed-role/no-token/{task['taskArn'].rpartition('/')[2]}"
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"] == (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
        "unable to retrieve ecr registry auth: service call has been retried 3 time(s): AccessDeniedException: "
        f"User: {session} is not authorized to perform: ecr:GetAuthorizationToken on resource: * "
        "because no identity-based policy allows the ecr:GetAuthorizationToken action"
    )
    assert "exitCode" not in task["containers"][0]


def test_a_role_that_cannot_get_the_manifest(cloud):
    role = cloud.make_role("no-manifest")
    cloud.may("no-manifest", TOKEN, LOGS)
    task = ends(cloud, cloud.image, executionRoleArn=role)
    assert task["stoppedReason"] == (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        f"failed to resolve ref {cloud.image}: pulling from host {cloud.sandbox.registry} "
        "failed with status code [manifests v1]: 403 Forbidden"
    )
    assert task["containers"][0]["reason"] == task["stoppedReason"]


def test_a_role_that_cannot_get_the_layers(cloud):
    role = cloud.make_role("no-layers")
    cloud.may("no-layers", TOKEN, MANIFEST, LOGS)
    task = ends(cloud, cloud.image, executionRoleArn=role)
    assert task["stoppedReason"].startswith(
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy"
    )
    assert task["stoppedReason"].endswith(": 403 Forbidden")


def test_the_repository_policy_is_evaluated(cloud):
    ecr = cloud.sandbox.client()
    ecr.create_repository(repositoryName="denied")
    image = cloud.push(small_image(SMALL), "denied:v1")
    subprocess.run(["docker", "rmi", SMALL], capture_output=True, check=True)
    deny = {"Effect": "Deny", "Principal": {"AWS": cloud.role}, "Action": "ecr:BatchGetImage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    ecr.set_repository_policy(repositoryName="denied", policyText=policy)
    assert ends(cloud, image)["stoppedReason"].endswith("failed with status code [manifests v1]: 403 Forbidden")
    ecr.delete_repository_policy(repositoryName="denied")
    assert ends(cloud, image)["containers"][0]["exitCode"] == 0


@pytest.mark.parametrize("name", ["app:v9", "nothing:v1", f"app@sha256:{'0' * 64}"])
def test_a_missing_image(cloud, name):
    image = f"{cloud.sandbox.registry}/{name}"
    assert ends(cloud, image)["stoppedReason"] == (
        f"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: "
        f"{image}: not found"
    )


def test_an_archived_image_is_not_found(cloud):
    ecr = cloud.sandbox.client()
    ecr.create_repository(repositoryName="archived")
    image = cloud.push(small_image(SMALL), "archived:v1")
    subprocess.run(["docker", "rmi", SMALL], capture_output=True, check=True)
    ecr.update_image_storage_class(repositoryName="archived", imageId={"imageTag": "v1"}, targetStorageClass="ARCHIVE")
    assert ends(cloud, image)["stoppedReason"].endswith(f"{image}: not found")


def test_an_image_is_pulled_through_the_cache_for_ecr_public(cloud):
    """With a pull through cache rule, the role needs two more permissions. The first pull creates the repository."""
    ecr = cloud.sandbox.client()
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ecr-public", upstreamRegistryUrl="public.ecr.aws")
    image = f"{cloud.sandbox.registry}/ecr-public/docker/library/none:v1"
    assert ends(cloud, image)["stoppedReason"].startswith("CannotPullContainerError: ")
    names = [each["repositoryName"] for each in ecr.describe_repositories()["repositories"]]
    assert not [name for name in names if name.startswith("ecr-public/")]


def of_another_processor(cloud: Cloud, repository: str) -> tuple[str, str]:
    """Push a small image for another architecture than the task's. Returns its address and digest."""
    cloud.sandbox.client().create_repository(repositoryName=repository)
    local = f"{SMALL}-{repository}"
    packed = subprocess.run(["docker", "image", "save", small_image(SMALL)], capture_output=True, check=True).stdout
    subprocess.run(["docker", "rmi", SMALL], capture_output=True, check=True)
    changed = _re_labelled(packed, local)
    subprocess.run(["docker", "load"], input=changed, capture_output=True, check=True)
    address = cloud.push(local, f"{repository}:v1")
    subprocess.run(["docker", "rmi", local], capture_output=True, check=True)
    [found] = cloud.sandbox.client().describe_images(repositoryName=repository)["imageDetails"]
    return address, found["imageDigest"]


def _re_labelled(saved: bytes, name: str) -> bytes:
    """The archive of ``docker save`` with another architecture and another name."""
    with tarfile.open(fileobj=io.BytesIO(saved)) as source:
        parts = {entry.name: source.extractfile(entry).read() for entry in source.getmembers() if entry.isfile()}
    [manifest] = json.loads(parts["manifest.json"])
    config = json.loads(parts[manifest["Config"]])
    parts[manifest["Config"]] = json.dumps({**config, "architecture": "s390x"}).encode()
    parts["manifest.json"] = json.dumps([{**manifest, "RepoTags": [name]}]).encode()
    kept = {manifest["Config"], "manifest.json", *manifest["Layers"]}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as target:
        for part in kept:
            entry = tarfile.TarInfo(part)
            entry.size = len(parts[part])
            target.addfile(entry, io.BytesIO(parts[part]))
    return out.getvalue()


def test_a_single_image_for_another_processor_is_pulled_and_crashes(cloud):
    image, _ = of_another_processor(cloud, "other-single")
    task = ends(cloud, image)
    assert task["containers"][0]["exitCode"] == 1 and task["stopCode"] == "EssentialContainerExited"
    assert cloud.lines(task["taskArn"]) == ["exec /bin/sh: exec format error"]


def test_an_index_without_the_tasks_platform_cannot_be_pulled(cloud):
    _, digest = of_another_processor(cloud, "other-index")
    ecr = cloud.sandbox.client()
    [image] = ecr.batch_get_image(repositoryName="other-index", imageIds=[{"imageDigest": digest}])["images"]
    kind = json.loads(image["imageManifest"])["mediaType"]
    listed = {"mediaType": kind, "digest": digest, "size": len(image["imageManifest"])}
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{**listed, "platform": {"os": "linux", "architecture": "s390x"}}],
    }
    ecr.put_image(repositoryName="other-index", imageManifest=json.dumps(index), imageTag="multi")
    task = ends(cloud, f"{cloud.sandbox.registry}/other-index:multi")
    assert task["stoppedReason"] == (
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): "
        "image Manifest does not contain descriptor matching platform 'linux/amd64'"
    )
    arm = ends(cloud, f"{cloud.sandbox.registry}/other-index:multi", runtimePlatform={"cpuArchitecture": "ARM64"})
    assert arm["stoppedReason"].endswith("descriptor matching platform 'linux/arm64'")


def test_the_task_runs_the_image_of_an_index_for_its_platform(cloud):
    ecr = cloud.sandbox.client()
    ecr.create_repository(repositoryName="multi")
    cloud.push(small_image(SMALL), "multi:one")
    subprocess.run(["docker", "rmi", SMALL], capture_output=True, check=True)
    [image] = ecr.batch_get_image(repositoryName="multi", imageIds=[{"imageTag": "one"}])["images"]
    kind = json.loads(image["imageManifest"])["mediaType"]
    listed = {"mediaType": kind, "digest": image["imageId"]["imageDigest"], "size": len(image["imageManifest"])}
    here = subprocess.run(
        ["docker", "version", "-f", "{{.Server.Arch}}"], capture_output=True, text=True
    ).stdout.strip()
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{**listed, "platform": {"os": "linux", "architecture": here}}],
    }
    put = ecr.put_image(repositoryName="multi", imageManifest=json.dumps(index), imageTag="v1")
    platform = {"cpuArchitecture": {"amd64": "X86_64", "arm64": "ARM64"}[here]}
    task = ends(cloud, f"{cloud.sandbox.registry}/multi:v1", runtimePlatform=platform)
    assert task["containers"][0]["exitCode"] == 0
    assert task["containers"][0]["imageDigest"] == put["image"]["imageId"]["imageDigest"]


def test_the_execution_role_pulls_whatever_the_caller_is_allowed(cloud):
    """The caller can run the task and pass the role, and has no permissions for ECR."""
    passing = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["ecs:*", "iam:PassRole"], "Resource": "*"}],
    }
    _, key = cloud.sandbox.make_user(passing)
    definition = cloud.register(cloud.container(cloud.image, "exit 0"))
    about = {"cluster": "lab", "launchType": "FARGATE", "taskDefinition": definition}
    network = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}
    run = cloud.sandbox.client("ecs", key=key).run_task(networkConfiguration=network, **about)
    assert cloud.until(run["tasks"][0]["taskArn"], "STOPPED")["containers"][0]["exitCode"] == 0


@pytest.mark.parametrize("operation", ["register_task_definition", "run_task", "create_service"])
def test_a_caller_without_passrole_is_refused(cloud, operation):
    only = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}]}
    _, key = cloud.sandbox.make_user(only)
    definition = cloud.register(cloud.container(cloud.image))
    network = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}
    given = {"cluster": "lab", "launchType": "FARGATE", "taskDefinition": definition, "networkConfiguration": network}
    if operation == "register_task_definition":
        given = {"family": "x", "containerDefinitions": [], "executionRoleArn": cloud.role}
    if operation == "create_service":
        given["serviceName"] = "x"
    with pytest.raises(ClientError, match=f"perform: iam:PassRole on resource: {cloud.role} because no identity-based"):
        getattr(cloud.sandbox.client("ecs", key=key), operation)(**given)


def test_a_role_can_be_passed_to_ecs_only(cloud):
    """iam:PassedToService, as AWS recommends."""
    definition = cloud.register(cloud.container(cloud.image, "exit 0"))
    for service, allowed in (("ecs-tasks.amazonaws.com", True), ("lambda.amazonaws.com", False)):
        condition = {"StringEquals": {"iam:PassedToService": service}}
        passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": cloud.role, "Condition": condition}
        runs = {"Effect": "Allow", "Action": "ecs:RunTask", "Resource": definition}
        _, key = cloud.sandbox.make_user({"Version": "2012-10-17", "Statement": [passing, runs]})
        ecs = cloud.sandbox.client("ecs", key=key)
        network = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}
        about = {
            "cluster": "lab",
            "launchType": "FARGATE",
            "taskDefinition": definition,
            "networkConfiguration": network,
        }
        if allowed:
            cloud.until(ecs.run_task(**about)["tasks"][0]["taskArn"], "STOPPED")
        else:
            with pytest.raises(ClientError, match="iam:PassRole"):
                ecs.run_task(**about)


@pytest.mark.parametrize("service", ["ec2.amazonaws.com", None])
def test_a_role_that_does_not_trust_ecs_tasks(cloud, service):
    role = f"arn:aws:iam::{settings.ACCOUNT}:role/nobody"
    if service:
        role = cloud.make_role("for-machines", POLICY, service=service)
    with pytest.raises(
        ClientError, match=f"ECS was unable to assume the role '{role}' that was provided for this task"
    ):
        cloud.run(cloud.register(cloud.container(cloud.image), executionRoleArn=role))


def test_a_missing_log_group(cloud):
    container = cloud.container(cloud.image, "exit 0")
    container["logConfiguration"]["options"]["awslogs-group"] = "/ecs/none"
    assert cloud.stopped(container)["stoppedReason"] == (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
        "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. "
        ": exit status 1"
    )
    container["logConfiguration"]["options"]["awslogs-create-group"] = "true"
    assert "logs:CreateLogGroup" in cloud.stopped(container)["stoppedReason"]  # AWS's policy does not allow that
    cloud.may("execution", {"Action": "logs:CreateLogGroup", "Resource": "*"})
    assert cloud.stopped(container)["containers"][0]["exitCode"] == 0
    groups = cloud.logs.describe_log_groups(logGroupNamePrefix="/ecs/none")["logGroups"]
    assert [each["logGroupName"] for each in groups] == ["/ecs/none"]


def test_a_role_that_cannot_write_logs(cloud):
    role = cloud.make_role("no-logs", "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly")
    task = ends(cloud, cloud.image, executionRoleArn=role)
    assert (
        f"logs:CreateLogStream on resource: arn:aws:logs:us-east-1:{settings.ACCOUNT}:log-group:{GROUP}"
        in task["stoppedReason"]
    )


def test_public_images_are_pulled_without_a_role(cloud):
    """They need no role."""
    definition = cloud.ecs.register_task_definition(
        family="public",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "web", "image": settings.BASE_IMAGE + "-none", "command": ["true"]}],
    )["taskDefinition"]["taskDefinitionArn"]
    task = cloud.until(cloud.run(definition), "STOPPED")
    assert task["stoppedReason"].startswith("CannotPullContainerError: ") and "not found" in task["stoppedReason"]


def test_other_registries_are_not_supported(cloud):
    task = ends(cloud, "ghcr.io/somebody/app:v1")
    assert "is not part of this sandbox" in task["stoppedReason"]
