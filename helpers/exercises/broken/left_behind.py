"""Exercise 14.1: something of this course is left where few people look."""

import random
from collections.abc import Callable, Iterable
from functools import partial

from helpers import boundary, cleanup, fargate, settings
from helpers.cleanup import kinds as cleanup_kinds
from helpers.lab import Lab

from . import images, roles, task_definitions
from .kinds import Facts, Kind
from .task_definitions import ECS_TAGS
from .tools import create_repository, ecr_in, other_region

NAME = f"{settings.PREFIX}forgotten"
USERS = tuple(f"{settings.PREFIX}{user}" for user in ("nightly", "builder", "courier"))


def _kinds(lab: Lab) -> list[cleanup_kinds.Kind]:
    """The kinds of resources in AWS, each with those of this exercise only."""
    return [each._replace(find=partial(_of_this_exercise, each.find)) for each in cleanup.all_kinds(lab)]


def _of_this_exercise(find: Callable[[], Iterable[cleanup_kinds.Found]]) -> list[cleanup_kinds.Found]:
    return [found for found in find() if found.name.partition(":")[0] in (NAME, *USERS)]  # a revision is NAME:1


def _other_region(lab: Lab, _: random.Random) -> Facts:
    cleanup_kinds.delete(_kinds(lab))
    create_repository(lab, NAME, other_region(lab))
    images.push(ecr_in(other_region(lab)), NAME, {"app/note.txt": b"left behind\n"}, "v1")
    return {"region": other_region(lab)}


def _public(lab: Lab, _: random.Random) -> Facts:
    import boto3

    cleanup_kinds.delete(_kinds(lab))
    cleanup.note(lab, [("public repository", NAME)])
    public = boto3.client("ecr-public", region_name=cleanup.PUBLIC_REGION)
    public.create_repository(repositoryName=NAME, tags=[settings.TAG])
    return {}


def _user(lab: Lab, rng: random.Random) -> Facts:
    cleanup_kinds.delete(_kinds(lab))
    iam, name = lab.client("iam"), rng.choice(USERS)
    cleanup.note(lab, [("user", name)])
    iam.create_user(UserName=name, PermissionsBoundary=boundary.arn(lab), Tags=[settings.TAG])
    return {"user": name, "key": iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]}


def _service(lab: Lab, _: random.Random) -> Facts:
    cleanup_kinds.delete(_kinds(lab))
    cleanup.note(lab, [("cluster", NAME)])
    ecs, role = lab.client("ecs"), roles.new(lab, NAME, roles.pull("*"))
    app = {"image": f"{lab.repository_uri}:v1", "stopTimeout": 2}
    revision = task_definitions.register(lab, NAME, app, role)
    ecs.create_cluster(clusterName=NAME, tags=ECS_TAGS)
    ecs.create_service(
        cluster=NAME,
        serviceName=NAME,
        taskDefinition=NAME,
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration=fargate.network(lab),
        tags=ECS_TAGS,
    )
    return {"revision": revision}


def _still_wrong(lab: Lab, _: Facts) -> str:
    left = cleanup_kinds.made(_kinds(lab))
    if not left:
        return ""
    some = "a part of it" if len(left) > 1 else "it"
    kind = left[0].partition(" ")[0]
    return f"{some} is still there ({kind})"


KINDS = {
    "other-region": Kind(_other_region, _still_wrong),
    "public": Kind(_public, _still_wrong),
    "user": Kind(_user, _still_wrong),
    "service": Kind(_service, _still_wrong),
}
