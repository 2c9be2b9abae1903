"""The course's repositories, private and public: found by their tag, and deleted."""

import contextlib
from typing import TYPE_CHECKING

from helpers import settings
from helpers.errors import LabError
from helpers.list_all import list_all

if TYPE_CHECKING:
    from helpers.lab import Lab

PUBLIC_REGION = "us-east-1"  # the only Region with the API of ECR Public


def made(lab: "Lab") -> list[dict]:
    """``{"repository", "arn", "images"}`` of every repository with the tutorial's tag, by name."""
    ecr = lab.client()
    return [{"repository": name, "arn": arn, "images": _count_images(ecr, name)} for name, arn in _tagged(ecr)]


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
            raise LabError(
                f"The repository {name} has no tag {settings.TAG_TEXT}: "
                "this tutorial did not make it and leaves it alone.",
                f"if it is yours to delete: aws ecr delete-repository --force --repository-name {name}",
            )
        delete(lab, name)


def made_public() -> list[str]:
    """The names of the public repositories with the tutorial's tag; empty without permission to list them."""
    from botocore.exceptions import ClientError

    try:
        return [name for name, _ in _tagged(_public())]
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


def _tagged(ecr) -> list[tuple[str, str]]:
    """``(name, ARN)`` of every repository with the tutorial's tag, private or public, by name."""
    repositories = list_all(ecr, "describe_repositories", "repositories")
    names = sorted((each["repositoryName"], each["repositoryArn"]) for each in repositories)
    return [(name, arn) for name, arn in names if _has_tag(ecr, name, arn)]


def _has_tag(ecr, name: str, arn: str) -> bool:
    if name.startswith("docker/library/"):  # the sandbox's mirror
        return False
    return settings.TAG in ecr.list_tags_for_resource(resourceArn=arn)["tags"]


def _count_images(ecr, name: str) -> int:
    return len({image["imageDigest"] for image in list_all(ecr, "list_images", "imageIds", repositoryName=name)})
