"""Exercise 07.1: release 2.0 of the app has a name that does not lead to it."""

import random
from collections.abc import Iterator

from helpers import ledger, settings
from helpers.catch_up import docker, image_id
from helpers.lab import Lab
from helpers.ledger import Entry

from . import local_images
from .kinds import Facts, Kind
from .tools import ecr_in, last_line, new_folder, other_region

NUMBER = "07.1"
BUILDS = tuple(f"{settings.REPOSITORY}:build-{number}" for number in (51, 52, 53))
HUB_NAMES = tuple(f"{settings.PREFIX}{team}/{settings.REPOSITORY}:2.0" for team in ("app", "app-team"))
VERSION = "org.opencontainers.image.version"


def _release(lab: Lab) -> str:
    return f"{lab.repository_uri}:2.0"


def _names(lab: Lab) -> Iterator[str]:
    yield from (*BUILDS, *HUB_NAMES, _release(lab), _in_other_region(lab))


def _in_other_region(lab: Lab) -> str:
    data = ecr_in(other_region(lab)).get_authorization_token()["authorizationData"][0]
    return f"{data['proxyEndpoint'].partition('//')[2]}/{settings.REPOSITORY}:2.0"


def _load(lab: Lab, name: str, greeting: str, version: str) -> str:
    return local_images.load(lab, name, greeting=greeting, labels={VERSION: version})


def _elsewhere(lab: Lab, wrong: str, rng: random.Random) -> Facts:
    local_images.remove(lab, *_names(lab))
    ledger.note(Entry(lab.account, lab.region, "image", wrong.rpartition(":")[0]))
    image = _load(lab, wrong, rng.choice("ABCDEF"), "2.0")
    return {"image": image, "wrong": wrong, "message": last_line(f"docker push {_release(lab)}")}


def _other_registry(lab: Lab, rng: random.Random) -> Facts:
    return {**_elsewhere(lab, _in_other_region(lab), rng), "region": other_region(lab)}


def _docker_hub(lab: Lab, rng: random.Random) -> Facts:
    return _elsewhere(lab, rng.choice(HUB_NAMES), rng)


def _elsewhere_wrong(lab: Lab, facts: Facts) -> str:
    if wrong := _not_the_release(lab, facts):
        return wrong
    return "the wrong name is still there, so a script can push it" if image_id(lab, facts["wrong"]) else ""


def _not_the_release(lab: Lab, facts: Facts) -> str:
    found = image_id(lab, _release(lab))
    if not found:
        return "this machine has no image $REPOSITORY_URI:2.0"
    return "" if found == facts["image"] else "$REPOSITORY_URI:2.0 is not the image of the release"


def _old_image(lab: Lab, rng: random.Random) -> Facts:
    local_images.remove(lab, *_names(lab))
    versions = ["1.0", "2.0", "2.0-rc1"]
    rng.shuffle(versions)
    ids = {version: _load(lab, name, version, version) for name, version in zip(BUILDS, versions, strict=True)}
    docker("tag", BUILDS[versions.index("1.0")], _release(lab))
    return {"image": ids["2.0"], "build": BUILDS[versions.index("2.0")]}


def _other_digest(lab: Lab, rng: random.Random) -> Facts:
    local_images.remove(lab, *_names(lab))
    ids = [_load(lab, name, name, "2.0") for name in BUILDS]
    approved, tagged = rng.sample(range(len(BUILDS)), 2)
    docker("tag", BUILDS[tagged], _release(lab))
    (new_folder(NUMBER) / "approved.txt").write_text(f"2.0 {ids[approved]}\n")
    return {"image": ids[approved], "build": BUILDS[approved]}


KINDS = {
    "other-registry": Kind(_other_registry, _elsewhere_wrong),
    "docker-hub": Kind(_docker_hub, _elsewhere_wrong),
    "old-image": Kind(_old_image, _not_the_release),
    "other-digest": Kind(_other_digest, _not_the_release),
}
