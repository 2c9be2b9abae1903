"""Something for each page of the console, and the address of one page of each kind."""

import contextlib
import json
import os
from typing import NamedTuple

from botocore.exceptions import ClientError

from tests.sandbox.fargate import NETWORK, Cloud
from tests.sandbox.pusher import Pusher

LIST = "ecr/private-registry/repositories"


def path(repository: str) -> str:
    """The address of the page of a private repository."""
    return f"ecr/repositories/private/{repository}"


class Shown(NamedTuple):
    """What some pages have in their address: the digest of an image, and the ID of a task."""

    digest: str
    task: str


def addresses(shown: Shown) -> list[str]:
    """One of each page, relative to the console; *shown* is what ``fill`` returned."""
    repository, image = path("shown/app"), f"{path('shown/app')}/_/image/{shown.digest}"
    settings = ("permissions", "scanning", "blob-mounting", "replication", "pull-through-cache", "creation-templates")
    return [
        LIST,
        f"{LIST}?search=nothing",
        "ecr/create-repository",
        "ecr/create-repository?words=before-2024",
        "ecr/delete-repository?repository=shown/app",
        "ecr/push-commands?repository=shown/app",
        path("missing"),
        repository,
        f"{repository}/_/delete-images?image={shown.digest}",
        *(f"{repository}/_/{page}" for page in ("permissions", "lifecycle-policy", "lifecycle-policy/test", "edit")),
        image,
        f"{image}/manifest",
        *(f"ecr/private-registry/{page}" for page in settings),
        "ecr/public-registry/repositories",
        "ecr/repositories/public/shown",
        "ecr/public-registry/delete-repository?repository=shown",
        "ecr/private-registry/pull-through-cache?edit=shown",
        "ecr/private-registry/creation-templates?edit=shown",
        "iam/groups",
        "iam/groups/shown",
        "iam/users",
        "iam/users/shown",
        "iam/roles",
        "iam/roles/shown",
        "iam/policies",
        "iam/policies/arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly",
        "iam/policies/arn:aws:iam::123456789012:policy/shown",
        "iam/delete-policy?arn=arn:aws:iam::123456789012:policy/shown",
        *(f"iam/{each}/shown/_/delete" for each in ("users", "groups", "roles")),
        "iam/access-denied",
        "ecs/clusters",
        "ecs/clusters/lab",
        *(f"ecs/clusters/lab/_/{each}" for each in ("delete", "run-task")),
        "ecs/clusters/lab/_/delete-service?service=web",
        "ecs/clusters/lab/_/stop-task?task=shown",
        f"ecs/clusters/lab/_/tasks/{shown.task}",
        "ecs/create-task-definition",
        "ecs/task-definitions",
        "ecs/task-definitions/app",
        *(f"ecs/task-definitions/app/_/{each}?revision=1" for each in ("delete", "deregister")),
        "eventbridge/events",
        "billing",
        "switch-user",
        "nowhere",
    ]


def fill(sandbox) -> Shown:
    """Something for every page."""
    ecr, iam = sandbox.client(), sandbox.client("iam")
    ecr.create_repository(repositoryName="shown/app", tags=[{"Key": "team", "Value": "blue"}])
    pushed = Pusher(sandbox).push("shown/app", [os.urandom(5000), os.urandom(9000)], "v1")
    ecr.set_repository_policy(repositoryName="shown/app", policyText=policy(Principal="*", Action="ecr:BatchGetImage"))
    rule = {"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9}}
    rules = json.dumps({"rules": [{**rule, "action": {"type": "expire"}}]})
    ecr.put_lifecycle_policy(repositoryName="shown/app", lifecyclePolicyText=rules)
    destinations = [{"region": "eu-west-1", "registryId": "123456789012"}]
    ecr.put_replication_configuration(replicationConfiguration={"rules": [{"destinations": destinations}]})
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="shown", upstreamRegistryUrl="public.ecr.aws")
    ecr.create_repository_creation_template(prefix="shown", appliedFor=["CREATE_ON_PUSH", "REPLICATION"])
    sandbox.client("ecr-public").create_repository(repositoryName="shown")
    _, key = sandbox.make_user(json.loads(policy(Action="ecr:DescribeImages", Resource="*")), "shown")
    with contextlib.suppress(ClientError):
        sandbox.client(key=key).describe_repositories()
    trust = policy(Principal={"Service": "ecs-tasks.amazonaws.com"}, Action="sts:AssumeRole")
    iam.create_role(RoleName="shown", AssumeRolePolicyDocument=trust)
    iam.create_policy(PolicyName="shown", PolicyDocument=policy(Action="ecr:*", Resource="*"))
    iam.create_group(GroupName="shown")
    iam.add_user_to_group(GroupName="shown", UserName="shown")
    iam.attach_group_policy(GroupName="shown", PolicyArn="arn:aws:iam::123456789012:policy/shown")
    return Shown(pushed.digest, _run(sandbox))


def _run(sandbox) -> str:
    """The cluster ``lab`` with a task that cannot pull its image, and a service; the ID of the task."""
    cloud = Cloud(sandbox)
    task = cloud.stopped(cloud.container(f"{sandbox.registry}/shown/app:missing"))
    where = {"cluster": "lab", "launchType": "FARGATE", "networkConfiguration": NETWORK}
    cloud.ecs.create_service(serviceName="web", taskDefinition="app", desiredCount=0, **where)
    return task["taskArn"].rpartition("/")[2]


def policy(**statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
