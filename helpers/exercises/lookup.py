"""Reads what the checks examine: repositories, images, manifests, and images of the Docker engine."""

import json
import os
from typing import Any

import ecr_sandbox
from helpers import scans, settings
from helpers.lab import Lab
from helpers.list_all import list_all

from .checks import NotYet

SCAN_DONE = ("COMPLETE", "ACTIVE")  # the status of a basic scan, and of a continuous one
BEFORE_PUSH = "build and tag come before push (notebooks 06 and 07)"
FROM_THE_TOP = "run the notebook from its top"


def repository(lab: Lab, name: str, hint: str = "run aws ecr create-repository (notebook 04)") -> dict:
    """The repository as ECR describes it, or NotYet."""
    ecr = lab.client()
    try:
        return ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    except ecr.exceptions.RepositoryNotFoundException:
        raise NotYet(f"there is no repository {name} yet", hint) from None


def has_tutorial_tag(lab: Lab, arn: str) -> bool:
    """Whether the resource has the tag by which clean-up finds it."""
    return settings.TAG in lab.client().list_tags_for_resource(resourceArn=arn)["tags"]


def exclusion_filters(found: dict) -> list[str]:
    """The exclusion filters of a repository's tag mutability."""
    return [each["filter"] for each in found.get("imageTagMutabilityExclusionFilters") or []]


def is_immutable(found: dict, tag: str) -> bool:
    """Whether no push can move this tag of the repository that ECR describes as *found*."""
    return ecr_sandbox.is_tag_immutable(tag, found["imageTagMutability"], exclusion_filters(found))


def is_root(user: str | None) -> bool:
    """Whether the ``User`` of an image's config is root."""
    return (user or "").partition(":")[0] in ("", "0", "root")


def scans_on_push(lab: Lab, name: str, own: bool = False) -> bool:
    """Whether an image that is pushed to the repository is scanned: by the registry's rules or its *own* setting."""
    config = lab.client().get_registry_scanning_configuration()["scanningConfiguration"]
    return ecr_sandbox.scan_rule(name, config, own).on_push


def image(lab: Lab, name: str, tag: str, hint: str = BEFORE_PUSH) -> dict:
    """The image as ECR describes it, or NotYet."""
    repository(lab, name)
    ecr = lab.client()
    try:
        return ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])["imageDetails"][0]
    except ecr.exceptions.ImageNotFoundException:
        raise NotYet(f"{tag} is not in {name} yet", hint) from None


def digests_by_tag(lab: Lab, name: str) -> dict[str, str]:
    """The digest of the image that each tag of the repository points to."""
    repository(lab, name)
    found = list_all(lab.client(), "list_images", "imageIds", repositoryName=name, filter={"tagStatus": "TAGGED"})
    return {each["imageTag"]: each["imageDigest"] for each in found}


def count_untagged(lab: Lab, name: str) -> int:
    """How many images of the repository have no tag (at most 100, one page)."""
    return len(lab.client().list_images(repositoryName=name, filter={"tagStatus": "UNTAGGED"})["imageIds"])


def stored_manifest(lab: Lab, name: str, **image_id: str) -> dict:
    """The manifest or index stored under a tag or a digest, or NotYet."""
    return json.loads(_stored(lab, name, image_id, BEFORE_PUSH))


def stored_text(lab: Lab, name: str, tag: str) -> str:
    """The manifest or index stored under a tag, as the text from which its digest is computed, or NotYet."""
    repository(lab, name, FROM_THE_TOP)
    return _stored(lab, name, {"imageTag": tag}, FROM_THE_TOP)


def _stored(lab: Lab, name: str, image_id: dict[str, str], hint: str) -> str:
    found = lab.client().batch_get_image(repositoryName=name, imageIds=[image_id])["images"]
    if not found:
        raise NotYet(f"{', '.join(image_id.values())} is not in {name} yet", hint)
    return found[0]["imageManifest"]


def image_manifest(lab: Lab, name: str, tag: str) -> dict:
    """The manifest of the image, also where the tag points to an index, as BuildKit's attestations make one."""
    found = stored_manifest(lab, name, imageTag=tag)
    if "manifests" in found:
        images = [each for each in found["manifests"] if each.get("platform", {}).get("os") != "unknown"]
        found = stored_manifest(lab, name, imageDigest=images[0]["digest"])
    return found


def scan_state(ecr: Any, repository: str, **image: str) -> tuple[str, set[str]]:
    """``(status, names of the findings)`` of the last scan of an image; the status is empty if there was none."""
    try:
        scan = scans.last(ecr, repository, image)
    except ecr.exceptions.ScanNotFoundException:
        return "", set()
    return scan["imageScanStatus"]["status"], {each.id for each in scans.vulnerabilities(scan)}


def layers(lab: Lab, name: str, tag: str) -> list[str]:
    """The digests of the layers in the image's manifest, the base first."""
    return [layer["digest"] for layer in image_manifest(lab, name, tag)["layers"]]


def config(lab: Lab, name: str, tag: str) -> dict:
    """The part of the image's config that says how it runs, fetched from the registry as ``docker pull`` does."""
    import requests

    blob = image_manifest(lab, name, tag)["config"]["digest"]
    answer = requests.get(f"{lab.registry_url}/v2/{name}/blobs/{blob}", auth=("AWS", lab.password()), timeout=30)
    answer.raise_for_status()
    return answer.json().get("config") or {}


def local_image(lab: Lab, name: str):
    """The image of that name in the Docker engine, or NotYet."""
    import docker.errors

    try:
        return lab.engine().images.get(name)
    except docker.errors.ImageNotFound:
        shown = name.replace(lab.repository_uri, "$REPOSITORY_URI").replace(lab.registry, "$REGISTRY")
        raise NotYet(f"this machine has no image {shown} yet", "build, tag or pull it first") from None


def docker_hub_status(name: str, *login: str) -> int:
    """The status of a request to the Docker Hub stand-in for v1 of *name*, anonymous or with user and secret.

    The request is HEAD, which does not count as a pull.
    """
    import requests

    hub = f"http://{os.environ['HUB']}"
    scope = {"service": "registry.docker.io", "scope": f"repository:{name}:pull"}
    token = requests.get(f"{hub}/token", params=scope, auth=login or None, timeout=10)  # type: ignore[arg-type]
    if token.status_code != 200:
        return token.status_code
    headers = {"Authorization": f"Bearer {token.json()['token']}"}
    return requests.head(f"{hub}/v2/{name}/manifests/v1", headers=headers, timeout=10).status_code
