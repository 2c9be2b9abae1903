"""Nine things of each kind that the course makes, made by somebody else: the course must not touch them.

In the learner's account and Region they have names close to the course's and tags close to its tag. In another Region
and in the second account they have the course's very names.
"""

import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from machine.account import ACCOUNT, GLOBAL, REGION, client
from machine.project import settings

OTHER_REGION = "us-east-1"  # no lesson makes a repository here
SECOND = settings.OTHER_ACCOUNT
TAG_OF_COURSE = {"made-by": "learn-amazon-ecr"}
NEAR = ("demo-other", "demo-app-repo-2", "demo-application", "my-demo-app-repo", "demo", "left-behind-2", "production")
TAGS: tuple[dict[str, str], ...] = (
    {},
    {"made-by": "somebody-else"},
    {"made-by": "learn-amazon-ecr-2"},
    {"Made-By": "learn-amazon-ecr"},
    {"owner": "learn-amazon-ecr"},
    {"made-by": ""},
    {"learn-amazon-ecr": "made-by"},
)
# What the course makes in its own place; these are elsewhere.
SAME = {
    "repository": ("demo-app-repo", "demo-compare", "left-behind", "demo-orders"),
    "public repository": ("demo-public-hello", "demo-forgotten"),
    "user": ("demo-pusher", "demo-reader"),
    "role": ("demo-execution", "demo-deployer"),
    "policy": ("demo-push-policy", "demo-app"),
    "cluster": ("demo-cluster", "demo-forgotten", "demo-cluster", "demo-forgotten"),
    "task definition": ("demo-app", "demo-forgotten", "demo-app", "demo-pinned"),
    "log group": ("/ecs/demo-app", "/ecs/demo-broken", "/ecs/demo-app", "/ecs/demo-multi"),
    "function": ("demo-function", "demo-function-2", "demo-function", "demo-function-2"),
}
WITHOUT_REGION = ("public repository", "user", "role", "policy")
ALLOW = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
READ_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
LIFECYCLE = {
    "rulePriority": 1,
    "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 900},
    "action": {"type": "expire"},
}
LIMIT = 60.0  # seconds for AWS to know a new role


class Thing(NamedTuple):
    """One foreign resource: where it is, its name, and its tags."""

    kind: str
    account: str
    region: str
    name: str
    tags: dict[str, str]

    def client(self, service: str) -> Any:
        """A boto3 client of an administrator of its account, in its Region."""
        return client(self.account, service, self.region)

    def tag_list(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        """Its tags in the form that most services take."""
        return [{key: name, value: its} for name, its in self.tags.items()]


def things(kind: str) -> list[Thing]:
    """The nine of this kind."""
    same = SAME[kind]
    here, there = (GLOBAL, GLOBAL) if kind in WITHOUT_REGION else (REGION, OTHER_REGION)
    start = "/ecs/demo-app-of-" if kind == "log group" else ""  # begins as that of the course
    near = list(zip(NEAR, TAGS, strict=True))[: 9 - len(same)]
    found = [Thing(kind, ACCOUNT, here, f"{start}{name}", tags) for name, tags in near]
    elsewhere = [(ACCOUNT, there)] * (len(same) - 2) + [(SECOND, here)] * 2
    places = zip(elsewhere, same, strict=True)
    return found + [Thing(kind, account, region, name, {}) for (account, region), name in places]


def of_other_learner() -> list[Thing]:
    """What a learner with the default prefix made: one thing of each kind, with the course's very names and its tag."""
    regions = {kind: GLOBAL if kind in WITHOUT_REGION else REGION for kind in MAKE}
    return [Thing(kind, ACCOUNT, region, SAME[kind][0], TAG_OF_COURSE) for kind, region in regions.items()]


def plant_other_learner() -> None:
    """Make what another learner of the account made."""
    for thing in of_other_learner():
        MAKE[thing.kind](thing)


def plant() -> None:
    """Make all of them, and the settings of their registries."""
    for account in (ACCOUNT, SECOND):
        _ignore("InvalidInput", client(account, "iam").create_service_linked_role, AWSServiceName="ecs.amazonaws.com")
        client(account, "iam").create_group(GroupName="demo-group")
    for kind, its in MAKE.items():
        for thing in things(kind):
            its(thing)
    for account, region in ((ACCOUNT, REGION), (ACCOUNT, OTHER_REGION), (SECOND, REGION)):
        _set_registry(client(account, "ecr", region), account, region)


def policy(*statements: dict[str, Any]) -> str:
    """The text of a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def make_repository(thing: Thing) -> None:
    """A repository with two images, a policy of its own, and one of its lifecycle."""
    ecr, here = thing.client("ecr"), {"repositoryName": thing.name}
    ecr.create_repository(**here, tags=thing.tag_list(), imageTagMutability="IMMUTABLE")
    ecr.set_repository_policy(**here, policyText=policy(_anybody("ecr:BatchGetImage")))
    ecr.put_lifecycle_policy(**here, lifecyclePolicyText=json.dumps({"rules": [LIFECYCLE]}))
    _push(ecr, thing.name)


def make_public_repository(thing: Thing) -> None:
    """A public repository with a text for the gallery; there is no API to push an image."""
    public = thing.client("ecr-public")
    about = {"description": "Theirs", "aboutText": "Not of the course"}
    public.create_repository(repositoryName=thing.name, tags=thing.tag_list(), catalogData=about)


def make_user(thing: Thing) -> None:
    """A user with a key, a group, and policies of both sorts."""
    iam = thing.client("iam")
    iam.create_user(UserName=thing.name, Tags=thing.tag_list(), PermissionsBoundary=READ_ONLY)
    iam.put_user_policy(UserName=thing.name, PolicyName="demo-inline", PolicyDocument=policy(ALLOW))
    iam.attach_user_policy(UserName=thing.name, PolicyArn=READ_ONLY)
    iam.add_user_to_group(GroupName="demo-group", UserName=thing.name)
    iam.create_access_key(UserName=thing.name)


def make_role(thing: Thing) -> None:
    """A role that ECS and Lambda may assume, with policies of both sorts."""
    iam = thing.client("iam")
    services = {"Service": ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]}
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": services})
    iam.create_role(RoleName=thing.name, AssumeRolePolicyDocument=trust, Tags=thing.tag_list())
    iam.put_role_policy(RoleName=thing.name, PolicyName="demo-inline", PolicyDocument=policy(ALLOW))
    iam.attach_role_policy(RoleName=thing.name, PolicyArn=READ_ONLY)


def make_policy(thing: Thing) -> None:
    """A policy with an older version."""
    iam = thing.client("iam")
    made = iam.create_policy(PolicyName=thing.name, PolicyDocument=policy(ALLOW), Tags=thing.tag_list())["Policy"]
    iam.create_policy_version(PolicyArn=made["Arn"], PolicyDocument=policy(ALLOW), SetAsDefault=True)


def make_task_definition(thing: Thing) -> None:
    """A family with an active revision and an inactive one."""
    ecs = thing.client("ecs")
    app = {"name": "app", "image": f"{thing.account}.dkr.ecr.{thing.region}.amazonaws.com/demo-other:v1"}
    asked = {
        "family": thing.name,
        "containerDefinitions": [app],
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": f"arn:aws:iam::{thing.account}:role/{things('role')[0].name}",
        "tags": thing.tag_list("key", "value"),
    }
    asked = {name: value for name, value in asked.items() if value != []}  # ECS refuses an empty list
    first = ecs.register_task_definition(**asked)["taskDefinition"]["taskDefinitionArn"]
    ecs.register_task_definition(**asked)
    ecs.deregister_task_definition(taskDefinition=first)


def make_cluster(thing: Thing) -> None:
    """A cluster with a service that runs no task."""
    ecs, tags = thing.client("ecs"), thing.tag_list("key", "value")
    ecs.create_cluster(clusterName=thing.name, tags=tags)
    subnet = thing.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    family = next(each.name for each in things("task definition") if each[1:3] == thing[1:3])
    ecs.create_service(
        cluster=thing.name,
        serviceName=thing.name,
        taskDefinition=family,
        desiredCount=0,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
        tags=tags,
    )


def make_log_group(thing: Thing) -> None:
    """A log group with a stream; it keeps its events for a week."""
    logs, name = thing.client("logs"), {"logGroupName": thing.name}
    logs.create_log_group(**name, **({"tags": thing.tags} if thing.tags else {}))
    logs.put_retention_policy(**name, retentionInDays=7)
    logs.create_log_stream(**name, logStreamName="theirs")


def make_function(thing: Thing) -> None:
    """A function of an image, in the first repository of its account and Region."""
    role = next(each.name for each in things("role") if each.account == thing.account)
    repository = next(each.name for each in things("repository") if each[1:3] == thing[1:3])
    functions = thing.client("lambda")
    asked = {
        "FunctionName": thing.name,
        "Role": f"arn:aws:iam::{thing.account}:role/{role}",
        "PackageType": "Image",
        "Code": {"ImageUri": f"{thing.account}.dkr.ecr.{thing.region}.amazonaws.com/{repository}:v1"},
        "Tags": thing.tags,
    }
    end = time.monotonic() + LIMIT
    while True:  # AWS needs some seconds to know the role
        try:
            return functions.create_function(**asked)
        except functions.exceptions.InvalidParameterValueException:
            if time.monotonic() > end:
                raise
            time.sleep(1)


# In the order in which one needs the other.
MAKE: dict[str, Callable[[Thing], object]] = {
    "role": make_role,
    "user": make_user,
    "policy": make_policy,
    "repository": make_repository,
    "public repository": make_public_repository,
    "task definition": make_task_definition,
    "cluster": make_cluster,
    "log group": make_log_group,
    "function": make_function,
}


def _set_registry(ecr: Any, account: str, region: str) -> None:
    """Settings of a registry: a rule for scans, a policy, a rule to pull through it."""
    production = {"filter": "production*", "filterType": "WILDCARD"}
    rule = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [production]}
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=[rule])
    arn = f"arn:aws:ecr:{region}:{account}:repository/production*"
    ecr.put_registry_policy(policyText=policy({**_anybody("ecr:ReplicateImage"), "Resource": arn}))
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="production-mirror", upstreamRegistryUrl="public.ecr.aws")


def _anybody(action: str) -> dict[str, Any]:
    return {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": SECOND}, "Action": action}


def _push(ecr: Any, repository: str) -> None:
    from helpers.exercises.broken import images

    for tag in ("v1", "v2"):
        images.push_greeting(ecr, repository, tag, greeting=f"Theirs, {tag}")


def _ignore(code: str, operation: Callable[..., object], **parameters: Any) -> None:
    from botocore.exceptions import ClientError

    try:
        operation(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
