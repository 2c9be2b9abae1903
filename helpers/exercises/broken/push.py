"""Exercise 08.1: a push to the repository ``demo-deliveries`` fails."""

import json
import random
from pathlib import Path

from helpers import settings, tiny_image
from helpers.lab import Lab

from ..lookup import config, digests_by_tag, is_immutable
from . import images, local_images
from .kinds import Facts, Kind
from .tools import create_repository, delete_repository, find_repository, last_line, log_in, new_folder

NUMBER, NAME, TAG = "08.1", f"{settings.PREFIX}deliveries", "1.0"
TYPOS = (f"{settings.PREFIX}delivery", f"{settings.PREFIX}deliverys", f"{settings.PREFIX[:-1]}_deliveries")
FIX = "delivery.fix"  # a label: it shows later which image was pushed
DENIED = ("ecr:InitiateLayerUpload", "ecr:PutImage")
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def _start_over(lab: Lab, **options) -> None:
    for name in (NAME, *TYPOS):
        delete_repository(lab.client(), name)
        local_images.remove(lab, f"{lab.registry}/{name}:{TAG}")
    create_repository(lab, NAME, **options)
    log_in(lab)


def _push(lab: Lab, repository: str, rng: random.Random) -> Facts:
    """What docker prints when it pushes a new local image, and the label of this image."""
    fix, image = str(rng.randrange(1000, 10000)), f"{lab.registry}/{repository}:{TAG}"
    local_images.load(lab, image, greeting=fix, labels={FIX: fix})
    return {"fix": fix, "message": last_line(f"docker push {image}")}


def _typo(lab: Lab, rng: random.Random) -> Facts:
    _start_over(lab)
    typo = rng.choice(TYPOS)
    return {**_push(lab, typo, rng), "typo": typo}


def _typo_wrong(lab: Lab, facts: Facts) -> str:
    if find_repository(lab.client(), facts["typo"]):
        return f"the registry has a second repository now; the team pulls from {NAME}"
    return _not_pushed(lab, facts)


def _not_pushed(lab: Lab, facts: Facts) -> str:
    if TAG not in digests_by_tag(lab, NAME):
        return f"{TAG} is not in {NAME} yet"
    return "" if _fix(lab, TAG) == facts["fix"] else f"{TAG} in {NAME} is another image than the one to push"


def _fix(lab: Lab, tag: str) -> str:
    return (config(lab, NAME, tag).get("Labels") or {}).get(FIX, "")


def _immutable(lab: Lab, rng: random.Random) -> Facts:
    _start_over(lab, imageTagMutability="IMMUTABLE")
    return {"digest": images.push_greeting(lab.client(), NAME, TAG), **_push(lab, NAME, rng)}


def _immutable_wrong(lab: Lab, facts: Facts) -> str:
    found, tags = find_repository(lab.client(), NAME), digests_by_tag(lab, NAME)
    if tags.get(TAG) != facts["digest"]:
        return f"{TAG} changed: who runs {NAME}:{TAG} gets another image now"
    if not found or not is_immutable(found, TAG):
        return f"the next push can change {NAME}:{TAG}"
    return "" if facts["fix"] in {_fix(lab, tag) for tag in tags} else f"the fixed image is not in {NAME} yet"


def _denied(lab: Lab, rng: random.Random) -> Facts:
    _start_over(lab)
    action = rng.choice(DENIED)
    team = {"AWS": f"arn:{lab.partition}:iam::{lab.account}:root"}
    statements = [
        {"Sid": "TeamMayPull", "Effect": "Allow", "Principal": team, "Action": PULL},
        {"Sid": "Freeze", "Effect": "Deny", "Principal": "*", "Action": action},
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    lab.client().set_repository_policy(repositoryName=NAME, policyText=text)
    return {"action": action, **_push(lab, NAME, rng)}


def _denied_wrong(lab: Lab, facts: Facts) -> str:
    if wrong := _not_pushed(lab, facts):
        return wrong
    ecr = lab.client()
    try:
        statements = json.loads(ecr.get_repository_policy(repositoryName=NAME)["policyText"])["Statement"]
    except ecr.exceptions.RepositoryPolicyNotFoundException:
        statements = []
    if not any(each.get("Sid") == "TeamMayPull" and each["Effect"] == "Allow" for each in statements):
        return "the statement that lets the team pull is gone"
    return ""


def _missing_layer(lab: Lab, rng: random.Random) -> Facts:
    _start_over(lab)
    folder = new_folder(NUMBER)
    base, app = tiny_image.layers(f"Delivery {rng.randrange(1000, 10000)}")
    about, manifest = tiny_image.describe([base, app])
    for name, content in {"base.tar": base, "app.tar": app, "config.json": about, "manifest.json": manifest}.items():
        (folder / name).write_bytes(content)
    for blob in (base, about):
        images.upload(lab.client(), NAME, blob)
    return {"digest": tiny_image.digest(manifest), "layer": tiny_image.digest(app), "message": _put(folder)}


def _put(folder: Path) -> str:
    """What the script that puts the image prints."""
    script = folder / "put.sh"
    script.write_text(
        f"aws ecr put-image --repository-name {NAME} --image-tag {TAG} --output text \\\n"
        '  --image-manifest "file://$BROKEN/manifest.json" \\\n'
        f"  --image-manifest-media-type {tiny_image.MANIFEST}\n"
    )
    return last_line(f"bash '{script}'")


def _missing_layer_wrong(lab: Lab, facts: Facts) -> str:
    found = digests_by_tag(lab, NAME).get(TAG)
    if not found:
        return f"{TAG} is not in {NAME} yet"
    return "" if found == facts["digest"] else f"{TAG} in {NAME} is not the image of manifest.json"


KINDS = {
    "typo": Kind(_typo, _typo_wrong),
    "immutable": Kind(_immutable, _immutable_wrong),
    "denied": Kind(_denied, _denied_wrong),
    "missing-layer": Kind(_missing_layer, _missing_layer_wrong),
}
