"""Exercise 10.3: the repository ``demo-gate-api``, whose images a gate lets pass only after a scan."""

import random
from collections.abc import Iterable

import ecr_sandbox
from helpers import settings
from helpers.lab import Lab

from .. import lookup
from ..evidence import EXCEPTIONS
from . import images
from .images import Package
from .kinds import Facts, Kind, NotPossible
from .tools import create_repository, delete_repository, find_repository, last_line

NAME, RELEASE = f"{settings.PREFIX}gate-api", "1.4.0"
MISSES = tuple(
    f"{settings.PREFIX}{miss}" for miss in ("gates-*", "gate_*", "gat-*", "grate-*")
)  # none of them matches NAME
OTHERS = f"{settings.PREFIX}pay-*"  # the filter of another team
THEIRS, NOT_OURS = f"{settings.PREFIX}pay-web", "shop"  # repositories of others: scanned, and not
NO_FIX = Package("zlib1g", "zlib", "1:1.2.13.dfsg-1")  # CVE-2023-45853
OLD = (
    (Package("libwebp7", "libwebp", "1.2.4-0.2"), "1.2.4-0.2+deb12u1"),
    (Package("libtasn1-6", "libtasn1-6", "4.19.0-2"), "4.19.0-2+deb12u1"),
    (Package("libfreetype6", "freetype", "2.12.1+dfsg-5"), "2.12.1+dfsg-5+deb12u4"),
)


def _new(lab: Lab, on_push: bool) -> None:
    """An empty repository, and in the sandbox a registry without rules for scans."""
    if lab.target == "sandbox":
        lab.client().put_registry_scanning_configuration(scanType="BASIC", rules=[])
    delete_repository(lab.client(), NAME)
    create_repository(lab, NAME, imageScanningConfiguration={"scanOnPush": on_push})


def _set_rules(lab: Lab, scan_type: str, *filters: str) -> None:
    """Set the registry's rules in the sandbox. NotPossible on AWS: they are everybody's in the account."""
    if lab.target != "sandbox":
        raise NotPossible
    listed = [{"filter": each, "filterType": "WILDCARD"} for each in filters]
    rules = [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": listed}]
    lab.client().put_registry_scanning_configuration(scanType=scan_type, rules=rules)


def _push(lab: Lab, *packages: Package) -> None:
    images.push(lab.client(), NAME, images.debian(*packages), RELEASE)


# A filter that misses the repository ---


def _filter(lab: Lab, rng: random.Random) -> Facts:
    _new(lab, on_push=False)
    pattern = rng.choice(MISSES)
    _set_rules(lab, "BASIC", pattern, OTHERS)
    _push(lab, NO_FIX)
    return {"pattern": pattern}


def _filter_wrong(lab: Lab, _: Facts) -> str:
    return _not_on_push(lab) or _not_scanned(lab, imageTag=RELEASE)


def _not_on_push(lab: Lab) -> str:
    """Which repository is not scanned on push as agreed; empty if all are."""
    config = lab.client().get_registry_scanning_configuration()["scanningConfiguration"]
    found = find_repository(lab.client(), NAME)
    if not found:
        return f"there is no repository {NAME} any more"
    own = found["imageScanningConfiguration"]["scanOnPush"]
    if not ecr_sandbox.scan_rule(NAME, config, own).on_push:
        return f"the next image that is pushed to {NAME} would not be scanned"
    if not ecr_sandbox.scan_rule(THEIRS, config).on_push:
        return f"images that are pushed to {THEIRS} are not scanned any more"
    if ecr_sandbox.scan_rule(NOT_OURS, config).on_push:
        return f"the repository {NOT_OURS} of another team would be scanned too"
    return ""


def _not_scanned(lab: Lab, name: str = RELEASE, **image: str) -> str:
    ecr = lab.client()
    try:
        status, _ = lookup.scan_state(ecr, NAME, **image)
    except (ecr.exceptions.ImageNotFoundException, ecr.exceptions.RepositoryNotFoundException):
        return f"the image {name} of {NAME} is gone"
    if status in lookup.SCAN_DONE:
        return ""
    return f"{name} still has no result of a scan" + (f": its status is {status}" if status else "")


# Another type of scan ---


def _type(lab: Lab, _: random.Random) -> Facts:
    _new(lab, on_push=True)
    _set_rules(lab, "ENHANCED", OTHERS)
    _push(lab, NO_FIX)
    command = f"aws ecr start-image-scan --repository-name {NAME} --image-id imageTag={RELEASE}"
    return {"message": last_line(command)}


# An index ---


def _index(lab: Lab, rng: random.Random) -> Facts:
    _new(lab, on_push=False)
    ecr, platforms = lab.client(), ["amd64", "arm64"]
    rng.shuffle(platforms)
    files = images.debian(NO_FIX)
    pushed = {each: images.push(ecr, NAME, files, architecture=each) for each in platforms}
    images.push_index(ecr, NAME, pushed, RELEASE)
    command = f"aws ecr start-image-scan --repository-name {NAME} --image-id imageTag={RELEASE}"
    return {"message": last_line(command), **pushed}


def _index_wrong(lab: Lab, facts: Facts) -> str:
    missing = (
        _not_scanned(lab, f"the image of {RELEASE} for linux/{each}", imageDigest=facts[each])
        for each in ("amd64", "arm64")
    )
    return next(filter(None, missing), "")


# Exceptions ---


def _two_builds(lab: Lab, first: Iterable[Package], second: Iterable[Package]) -> tuple[set[str], set[str]]:
    """Push 1.4.0 and its rebuild 1.4.1; the findings of each."""
    _new(lab, on_push=True)
    for tag, packages in ((RELEASE, first), ("1.4.1", second)):
        images.push(lab.client(), NAME, {**images.debian(*packages), "app/build": tag.encode()}, tag)
    return images.wait_for_scan(lab, NAME, RELEASE), images.wait_for_scan(lab, NAME, "1.4.1")


def _fix_exists(lab: Lab, rng: random.Random) -> Facts:
    old, version = rng.choice(OLD)
    before, after = _two_builds(lab, (old, NO_FIX), (old._replace(version=version), NO_FIX))
    _tag_release(lab, RELEASE)
    _except(lab, before)
    return {"exceptions": " ".join(sorted(after))}


def _no_fix(lab: Lab, _: random.Random) -> Facts:
    after = _two_builds(lab, (NO_FIX,), (NO_FIX,))[1]
    _tag_release(lab, "1.4.1")
    _except(lab, ())
    return {"exceptions": " ".join(sorted(after))}


def _tag_release(lab: Lab, tag: str) -> None:
    ecr, here = lab.client(), {"repositoryName": NAME}
    found = ecr.batch_get_image(**here, imageIds=[{"imageTag": tag}])["images"][0]
    images.put(ecr, NAME, found["imageManifest"], "release")


def _arn(lab: Lab) -> str:
    found = find_repository(lab.client(), NAME)
    return found["repositoryArn"] if found else ""


def _except(lab: Lab, names: Iterable[str]) -> None:
    tag = {"Key": EXCEPTIONS, "Value": " ".join(sorted(names)) or "none"}
    lab.client().tag_resource(resourceArn=_arn(lab), tags=[tag])


def _gate_wrong(lab: Lab, facts: Facts) -> str:
    """What stops the gate or the audit; a finding of the rebuild 1.4.1 has no fix."""
    if not (arn := _arn(lab)):
        return f"there is no repository {NAME} any more"
    tags = {each["Key"]: each["Value"] for each in lab.client().list_tags_for_resource(resourceArn=arn)["tags"]}
    accepted = set(tags.get(EXCEPTIONS, "").replace(",", " ").split()) - {"none"}
    if wrong := _not_scanned(lab, "release", imageTag="release"):
        return wrong
    _, found = lookup.scan_state(lab.client(), NAME, imageTag="release")
    without_fix = set(facts["exceptions"].split())
    if found - without_fix:
        return "the audit finds a vulnerability in release that a rebuild removes"
    if accepted - without_fix:
        return f"the audit finds an exception in the tag {EXCEPTIONS} that it does not accept"
    if found - accepted:
        return "the gate still stops release"
    return ""


KINDS = {
    "filter-misses": Kind(_filter, _filter_wrong),
    "other-type": Kind(_type, _filter_wrong),
    "index": Kind(_index, _index_wrong),
    "fix-exists": Kind(_fix_exists, _gate_wrong),
    "no-fix": Kind(_no_fix, _gate_wrong),
}
