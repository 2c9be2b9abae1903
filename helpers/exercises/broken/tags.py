"""Exercise 11.3: the repository ``demo-shop-web`` of a team, whose releases must keep their names."""

import random
import time

from helpers import settings
from helpers.lab import Lab

from .. import lookup
from . import images, roles, task_definitions
from .kinds import Facts, Kind
from .tools import create_repository, delete_repository, find_repository

NAME = f"{settings.PREFIX}shop-web"  # the repository, the family of the task definition, and its role
RELEASES = ("1.0.0", "1.4.2", "2.0.0-rc.1", "latest", "developer")  # examples of tags that must not move
BUILDS = ("dev-ann", "dev-42")  # and of tags that may
TOO_WIDE = (("dev-*", "*.*"), ("dev-*", "1*"), ("*-*",))
SECOND_NAMES = ("stable", "prod", "customer-7", "keep")
BETWEEN_PUSHES = 1.1  # seconds: ECR notes when an image was pushed to the second


def _new(lab: Lab, mode: str = "MUTABLE", *filters: str) -> None:
    delete_repository(lab.client(), NAME)
    create_repository(lab, NAME)
    listed = [{"filterType": "WILDCARD", "filter": each} for each in filters]
    more = {"imageTagMutabilityExclusionFilters": listed} if listed else {}
    lab.client().put_image_tag_mutability(repositoryName=NAME, imageTagMutability=mode, **more)


def _push(lab: Lab, release: str, *tags: str) -> str:
    """Push the image of this release; its digest."""
    return images.push(lab.client(), NAME, {"app/release.txt": f"{release}\n".encode()}, *tags)


def _digests(lab: Lab) -> dict[str, str]:
    return lookup.digests_by_tag(lab, NAME)


# What may be overwritten ---


def _too_wide(lab: Lab, rng: random.Random) -> Facts:
    filters = rng.choice(TOO_WIDE)
    _new(lab, "IMMUTABLE_WITH_EXCLUSION", *filters)
    return _overwritten(lab)


def _wrong_mode(lab: Lab, _: random.Random) -> Facts:
    _new(lab, "MUTABLE_WITH_EXCLUSION", "dev-*")
    return _overwritten(lab)


def _overwritten(lab: Lab) -> Facts:
    """Overwrite a release that can be overwritten; its tag."""
    release = next(each for each in RELEASES if not _is_immutable(lab, each))
    for number in (1, 2):
        _push(lab, f"{release}, build {number}", release)
    return {"release": release}


def _is_immutable(lab: Lab, tag: str) -> bool:
    return lookup.is_immutable(lookup.repository(lab, NAME), tag)


def _mutability_wrong(lab: Lab, _: Facts) -> str:
    for tag in RELEASES:
        if not _is_immutable(lab, tag):
            return f"a push could still overwrite the tag {tag}"
    for tag in BUILDS:
        if _is_immutable(lab, tag):
            return f"developers cannot overwrite the tag {tag}"
    return ""


# A tag that was moved ---


def _moved(lab: Lab, rng: random.Random) -> Facts:
    _new(lab)
    pushes = [("dev of the spring", ""), ("1.4.1", "1.4.1"), ("1.4.2", "1.4.2"), ("1.5.0", "1.5.0")]
    pushes += [(f"dev {rng.randrange(10**6)}", ""), (f"not 1.4.2 {rng.randrange(10**6)}", "1.4.2")]
    digests = {}
    for content, tag in pushes:
        digests[content] = _push(lab, content, *filter(None, [tag]))
        time.sleep(BETWEEN_PUSHES)
    return {"digest": digests["1.4.2"], "before": digests["1.4.1"], "after": digests["1.5.0"]}


def _moved_wrong(lab: Lab, facts: Facts) -> str:
    tags = _digests(lab)
    if (tags.get("1.4.1"), tags.get("1.5.0")) != (facts["before"], facts["after"]):
        return "another release has lost its image: run prepare() again"
    if tags.get("1.4.2") != facts["digest"]:
        return "1.4.2 is not the image that was released" if "1.4.2" in tags else "there is no 1.4.2"
    return ""


# A second name ---


def _second_name(lab: Lab, rng: random.Random) -> Facts:
    second = rng.choice(SECOND_NAMES)
    _new(lab)
    for release in ("1.4.0", "1.4.1", "1.5.0"):
        _push(lab, release, release)
    for number in range(9):
        _push(lab, f"dev {number}", f"dev-{number}")
    others = [each for each in SECOND_NAMES if each != second]
    _push(lab, "1.5.0", others[0])
    return {"digest": _push(lab, "1.4.2", "1.4.2", second), "second": second, "other": others[0]}


def _second_name_wrong(lab: Lab, facts: Facts) -> str:
    tags = _digests(lab)
    if tags.get("1.4.2") != facts["digest"]:
        return "the image of 1.4.2 cannot be pulled as 1.4.2 any more"
    if facts["other"] not in tags:
        return "a tag of another image is gone"
    if [tag for tag, digest in tags.items() if digest == facts["digest"]] != ["1.4.2"]:
        return "the image of 1.4.2 can still be pulled by another tag"
    return ""


# A deployment by tag ---


def _by_tag(lab: Lab, _: random.Random) -> Facts:
    _new(lab)
    digest = _push(lab, "1.4.2", "1.4.2", "stable")
    role = _register(lab, f"{lab.registry}/{NAME}:stable")
    _push(lab, "1.5.0", "1.5.0", "stable")
    return {"digest": digest, "role": role}


def _register(lab: Lab, image: str) -> str:
    """Register a task definition of this image; the ARN of its execution role."""
    arn = f"arn:{lab.partition}:ecr:{lab.region}:{lab.account}:repository/{NAME}"
    role = roles.new(lab, NAME, roles.pull(arn))
    task_definitions.register(lab, NAME, {"image": image}, role)
    return role


def _by_tag_wrong(lab: Lab, facts: Facts) -> str:
    ecs = lab.client("ecs")
    try:
        found = ecs.describe_task_definition(taskDefinition=NAME, include=["TAGS"])
    except ecs.exceptions.ClientException:
        return f"the family {NAME} has no task definition any more"
    image = found["taskDefinition"]["containerDefinitions"][0]["image"]
    if "@" not in image:
        return f"the newest revision of {NAME} still runs whatever a tag names at the next start"
    if image != f"{lab.registry}/{NAME}@{facts['digest']}":
        return f"the newest revision of {NAME} names an image that is not 1.4.2 of {NAME}"
    if not find_repository(lab.client(), NAME) or facts["digest"] not in _digests(lab).values():
        return "the image of 1.4.2 is gone, or has no tag that keeps it"
    return ""


KINDS = {
    "filter-too-wide": Kind(_too_wide, _mutability_wrong),
    "wrong-mode": Kind(_wrong_mode, _mutability_wrong),
    "moved": Kind(_moved, _moved_wrong),
    "second-name": Kind(_second_name, _second_name_wrong),
    "by-tag": Kind(_by_tag, _by_tag_wrong),
}
