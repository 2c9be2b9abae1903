"""Exercise 04.2: the repository ``demo-orders`` of a team, made by a script with an error."""

import json
import random

from helpers import settings
from helpers.lab import Lab

from ..lookup import has_tutorial_tag, is_immutable, scans_on_push
from . import images
from .kinds import Facts, Kind, NotPossible
from .tools import create_repository, delete_repository, ecr_in, find_repository, last_line, new_folder, other_region

NUMBER, NAME, TAG = "04.2", f"{settings.PREFIX}orders", "1.0"
TYPOS = tuple(f"{settings.PREFIX}{typo}" for typo in ("oders", "order", "0rders", "ordres"))
WRONG_TAGS = ("learn-amazon-erc", "learn-amazon-ec2", "learn_amazon_ecr")


def _start_over(lab: Lab) -> None:
    ecr = lab.client()
    if found := find_repository(ecr, NAME):
        arn = found["repositoryArn"]
        if settings.EXERCISE_TAG in ecr.list_tags_for_resource(resourceArn=arn)["tags"]:
            ecr.tag_resource(resourceArn=arn, tags=[settings.TAG])
    delete_repository(lab.client(), NAME)
    delete_repository(ecr_in(other_region(lab)), NAME)
    for typo in TYPOS:
        delete_repository(lab.client(), typo)


def _create(lab: Lab, name: str, tag: dict[str, str] = settings.TAG, region: str = "") -> dict:
    return create_repository(lab, name, region, [tag, settings.EXERCISE_TAG])


def _missing(created: dict) -> Facts:
    """The repository that the script made, as it noted it, and what the next step prints."""
    log = new_folder(NUMBER) / "create.log"
    log.write_text(json.dumps({"repository": created}, indent=4, default=str) + "\n")
    return {"message": last_line(f"aws ecr describe-repositories --repository-names {NAME}")}


def _in_other_region(lab: Lab, _: random.Random) -> Facts:
    _start_over(lab)
    region = other_region(lab)
    return {**_missing(_create(lab, NAME, region=region)), "region": region}


def _other_region_wrong(lab: Lab, facts: Facts) -> str:
    return _not_found(lab) or _left_over(ecr_in(facts["region"]), NAME)


def _left_over(ecr, name: str) -> str:
    return "the repository that the script made by mistake still exists" if find_repository(ecr, name) else ""


def _not_found(lab: Lab) -> str:
    found = find_repository(lab.client(), NAME)
    if not found:
        return f"the next step still does not find {NAME}"
    if not has_tutorial_tag(lab, found["repositoryArn"]):
        return f"{NAME} has no tag by which clean-up finds it"
    return ""


def _with_typo(lab: Lab, rng: random.Random) -> Facts:
    _start_over(lab)
    typo = rng.choice(TYPOS)
    return {**_missing(_create(lab, typo)), "typo": typo}


def _typo_wrong(lab: Lab, facts: Facts) -> str:
    return _not_found(lab) or _left_over(lab.client(), facts["typo"])


def _mutable(lab: Lab, _: random.Random) -> Facts:
    _start_over(lab)
    _create(lab, NAME)
    first, second = (
        images.push_greeting(lab.client(), NAME, TAG, greeting=f"The menu of {season}")
        for season in ("spring", "summer")
    )
    return {"first": first[:19], "second": second[:19]}


def _still_mutable(lab: Lab, _: Facts) -> str:
    found = find_repository(lab.client(), NAME)
    if not found:
        return f"there is no repository {NAME} now"
    if not is_immutable(found, TAG):
        return f"the next push can change {NAME}:{TAG} again"
    return ""


def _without_tag(lab: Lab, rng: random.Random) -> Facts:
    _start_over(lab)
    _create(lab, NAME, {**settings.TAG, "Value": rng.choice(WRONG_TAGS)})
    return {}


def _tag_wrong(lab: Lab, _: Facts) -> str:
    found = find_repository(lab.client(), NAME)
    if not found:
        return f"there is no repository {NAME} now"
    return "" if has_tutorial_tag(lab, found["repositoryArn"]) else f"clean-up still does not find {NAME}"


def _not_scanned(lab: Lab, _: random.Random) -> Facts:
    _start_over(lab)
    if scans_on_push(lab, NAME):  # a rule of the registry
        raise NotPossible
    _create(lab, NAME)
    images.push_greeting(lab.client(), NAME, TAG)
    command = f"aws ecr describe-image-scan-findings --repository-name {NAME} --image-id imageTag={TAG}"
    return {"message": last_line(command)}


def _scan_wrong(lab: Lab, _: Facts) -> str:
    found = find_repository(lab.client(), NAME)
    if not found:
        return f"there is no repository {NAME} now"
    if not scans_on_push(lab, NAME, found.get("imageScanningConfiguration", {}).get("scanOnPush", False)):
        return f"the next image that is pushed to {NAME} will have no findings either"
    return ""


KINDS = {
    "other-region": Kind(_in_other_region, _other_region_wrong),
    "typo": Kind(_with_typo, _typo_wrong),
    "mutable": Kind(_mutable, _still_mutable),
    "without-tag": Kind(_without_tag, _tag_wrong),
    "not-scanned": Kind(_not_scanned, _scan_wrong),
}
