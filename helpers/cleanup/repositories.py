"""The course's repositories, private and public: found by their tag, and deleted."""

import contextlib
from typing import TYPE_CHECKING

from helpers import settings
from helpers.errors import LabError

if TYPE_CHECKING:
    from helpers.lab import Lab

PUBLIC_REGION = "us-east-1"  # the only Region with the API of ECR Public


def made(lab: "Lab") -> list[dict]:
    """``{"repository", "arn", "images"}`` of every repository with the tutorial's tag, by name."""
    ecr = lab.client()
    pages = ecr.get_paginator("describe_repositories").paginate()
    found = {each["repositoryName"]: each["repositoryArn"] for page in pages for each in page["repositories"]}
    return [
        {"repository": name, "arn": arn, "images": _count_images(ecr, name)}
        for name, arn in sorted(found.items())
        if _has_tag(ecr, name, arn)
    ]


def delete(lab: "Lab", *names: str) -> None:
    """Delete these repositories with their images."""
    ecr = lab.client()
    for name in names:
        # Two notebooks may clean up at the same time.
        with contextlib.suppress(ecr.exceptions.RepositoryNotFoundException):
            ecr.delete_repository(repositoryName=name, force=True)


def delete_if_made(lab: "Lab", *names: str) -> None:
    """Delete those of these repositories that exist; LabError if one does not have the tutorial's tag."""
    ecr = lab.client()
    for name in names:
        try:
            arn = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryArn"]
        except ecr.exceptions.RepositoryNotFoundException:
            continue
        if not _has_tag(ecr, name, arn):
            tag = f"{settings.TAG['Key']}={settings.TAG['Value']}"
            raise LabError(
                f"The repository {name} has no tag {tag}: this tutorial did not make it and leaves it alone.",
                f"if it is yours to delete: aws ecr delete-repository --force --repository-name {name}",
            )
        delete(lab, name)


def made_public() -> list[str]:
    """The names of the public repositories with the tutorial's tag; empty without permission to list them."""
    from botocore.exceptions import ClientError

    public = _public()
    try:
        pages = public.get_paginator("describe_repositories").paginate()
        found = {each["repositoryName"]: each["repositoryArn"] for page in pages for each in page["repositories"]}
        return sorted(
            name
            for name, arn in found.items()
            if settings.TAG in public.list_tags_for_resource(resourceArn=arn)["tags"]
        )
    except ClientError:  # without permission to list, the learner has made nothing here
        return []


def delete_public() -> list[str]:
    """Delete the public repositories with the tutorial's tag, and return their names."""
    names = made_public()
    for name in names:
        _public().delete_repository(repositoryName=name, force=True)
    return names


def _public():
    import boto3

    return boto3.client("ecr-public", region_name=PUBLIC_REGION)


def _has_tag(ecr, name: str, arn: str) -> bool:
    if name.startswith("docker/library/"):  # the sandbox's mirror
        return False
    return settings.TAG in ecr.list_tags_for_resource(resourceArn=arn)["tags"]


def _count_images(ecr, name: str) -> int:
    pages = ecr.get_paginator("list_images").paginate(repositoryName=name)
    return len({image["imageDigest"] for page in pages for image in page["imageIds"]})
