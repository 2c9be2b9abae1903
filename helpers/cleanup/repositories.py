"""The course's repositories, private and public: found by their tag."""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from helpers import aws_account, ledger, names, settings
from helpers.errors import LabError
from helpers.ledger import Entry
from helpers.list_all import list_all

from .kinds import Found, Kind, Place, has_tag

if TYPE_CHECKING:
    from helpers.lab import Lab


def all_kinds(place: Place) -> list[Kind]:
    """The private repositories."""
    ecr = place.client("ecr")
    return [Kind("repository", "repositories", partial(_found, ecr), partial(_one, ecr), place)]


def all_public_kinds(place: Place) -> list[Kind]:
    """The public repositories."""
    public = place.client("ecr-public")
    return [Kind("public repository", "public repositories", partial(_found, public), partial(_one, public), place)]


def other_region(lab: "Lab") -> str:
    """The Region, not the Lab's, in which exercises leave a repository to be found."""
    return aws_account.other_region(lab.region)


def made(lab: "Lab") -> list[dict]:
    """``{"repository", "arn", "images"}`` of every repository that this learner made, by name."""
    ecr = lab.client()
    mine = [(name, arn) for name, arn in _tagged(ecr) if names.is_mine(name)]
    return [{"repository": name, "arn": arn, "images": _count_images(ecr, name)} for name, arn in mine]


def exists(ecr: Any, name: str) -> bool:
    """Whether the tutorial has a repository of this name; LabError if it belongs to somebody else."""
    from botocore.exceptions import ClientError

    try:
        arn = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryArn"]
        is_ours = _has_tag(ecr, name, arn)
    except ecr.exceptions.RepositoryNotFoundException:
        return False
    except ClientError as error:
        message = error.response["Error"]["Message"]
        raise LabError(
            f"AWS did not answer whether {name} exists: {message}.", "allow it, then run this again"
        ) from None
    if not is_ours:
        raise names.taken(f"repository {name}")
    return True


def delete_if_made(lab: "Lab", *names: str) -> None:
    """Delete those of these repositories that exist; LabError if one does not have the tutorial's tag."""
    ecr = lab.client()
    for name in names:
        if exists(ecr, name):
            # Two notebooks may clean up at the same time.
            with contextlib.suppress(ecr.exceptions.RepositoryNotFoundException):
                ecr.delete_repository(repositoryName=name, force=True)


def _found(ecr: Any) -> Iterator[Found]:
    for name, _ in _tagged(ecr):
        yield Found(name, partial(_delete, ecr, name))


def _one(ecr: Any, name: str) -> Iterator[Found]:
    with contextlib.suppress(ecr.exceptions.RepositoryNotFoundException):
        arn = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryArn"]
        tags = ecr.list_tags_for_resource(resourceArn=arn)["tags"]
        yield Found(name, partial(_delete, ecr, name), has_tag(tags) or settings.EXERCISE_TAG in tags)


def _delete(ecr: Any, name: str) -> None:
    """Delete a repository; its address is noted, because the images of it in the engine are found by it."""
    [found] = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    arn = found["repositoryArn"].split(":")
    ledger.note(Entry(arn[4], arn[3], "image", found["repositoryUri"]))
    ecr.delete_repository(repositoryName=name, force=True)


def _tagged(ecr: Any) -> list[tuple[str, str]]:
    """``(name, ARN)`` of every repository with the tutorial's tag, private or public, by name."""
    repositories = list_all(ecr, "describe_repositories", "repositories")
    names = sorted((each["repositoryName"], each["repositoryArn"]) for each in repositories)
    return [(name, arn) for name, arn in names if _has_tag(ecr, name, arn)]


def _has_tag(ecr: Any, name: str, arn: str) -> bool:
    if name.startswith("docker/library/"):  # the sandbox's mirror
        return False
    return has_tag(ecr.list_tags_for_resource(resourceArn=arn)["tags"])


def _count_images(ecr: Any, name: str) -> int:
    return len({image["imageDigest"] for image in list_all(ecr, "list_images", "imageIds", repositoryName=name)})
