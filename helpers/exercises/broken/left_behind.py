"""Exercise 14.1: something of this course is left where nobody looks."""

import random

from helpers import cleanup, settings
from helpers.lab import Lab

from . import images, roles
from .kinds import Facts, Kind
from .tools import delete_repository, ecr_in, other_region

NAME = "demo-forgotten"
USERS = ("demo-nightly", "demo-builder", "demo-courier")
PULLER = [roles.allow(["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "*")]


def _start_over(lab: Lab) -> None:
    """Delete what this exercise made before, of any kind."""
    delete = cleanup.delete_named
    delete(lab, NAME, *USERS)


def _other_region(lab: Lab, _: random.Random) -> Facts:
    _start_over(lab)
    region = other_region(lab)
    ecr = ecr_in(region)
    ecr.create_repository(repositoryName=NAME, tags=[settings.TAG])
    images.push(ecr, NAME, {"app/note.txt": b"left behind\n"}, "v1")
    return {"region": region, "name": NAME}


def _public(lab: Lab, _: random.Random) -> Facts:
    import boto3

    _start_over(lab)
    public = boto3.client("ecr-public", region_name=cleanup.PUBLIC_REGION)
    public.create_repository(repositoryName=NAME, tags=[settings.TAG])
    return {"name": NAME}


def _user(lab: Lab, rng: random.Random) -> Facts:
    _start_over(lab)
    iam, name = lab.client("iam"), rng.choice(USERS)
    iam.create_user(UserName=name, Tags=[settings.TAG])
    key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    return {"name": name, "key": key}


def _service(lab: Lab, _: random.Random) -> Facts:
    _start_over(lab)
    return {"name": NAME}


KINDS: dict[str, Kind] = {}
