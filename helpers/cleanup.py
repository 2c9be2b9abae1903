"""Deletes what this tutorial made, known by its tag and its names, and nothing else."""

import contextlib
import subprocess
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ecr_sandbox.errors import LabError

from helpers import people, settings, workloads

if TYPE_CHECKING:
    from helpers.lab import Lab

PUBLIC_REGION = "us-east-1"  # the only one where ECR Public is managed


def made(lab: "Lab") -> list[dict]:
    """``{"repository", "arn", "images"}`` of every repository that carries the tutorial's tag, by name."""
    ecr = lab.client()
    pages = ecr.get_paginator("describe_repositories").paginate()
    ours = [
        repository
        for page in pages
        for repository in page["repositories"]
        if _is_ours(ecr, repository["repositoryName"], repository["repositoryArn"])
    ]
    return sorted(
        (
            {
                "repository": repository["repositoryName"],
                "arn": repository["repositoryArn"],
                "images": _images(ecr, repository["repositoryName"]),
            }
            for repository in ours
        ),
        key=lambda found: found["repository"],
    )


def made_public() -> list[str]:
    """The names of the public repositories that carry the tutorial's tag; none where ECR Public may not be seen."""
    from botocore.exceptions import ClientError

    public = _public()
    try:
        found = public.get_paginator("describe_repositories").paginate().build_full_result()["repositories"]
        tags = {
            each["repositoryName"]: public.list_tags_for_resource(resourceArn=each["repositoryArn"])["tags"]
            for each in found
        }
    except ClientError:  # who may not look there has made nothing there
        return []
    return sorted(name for name in tags if settings.TAG in tags[name])


def start_over(lab: "Lab", *repositories: str) -> None:
    """Remove these repositories if this tutorial made them; one line says the same whether they were there.

    LabError when one is there and somebody else made it.
    """
    ecr = lab.client()
    for name in repositories:
        arn = _arn(ecr, name)
        if arn and not _is_ours(ecr, name, arn):
            tag = f"{settings.TAG['Key']}={settings.TAG['Value']}"
            raise LabError(
                f"The repository {name} has no tag {tag}: this tutorial did not make it and leaves it alone.",
                f"if it is yours to delete: aws ecr delete-repository --force --repository-name {name}",
            )
        if arn:
            _delete(ecr, name)
    print(f"✔ a fresh start: {', '.join(repositories)} not there")


def forget_people(lab: "Lab") -> None:
    """Remove the users, roles and policies that this tutorial made; one line says the same whether there were any."""
    people.remove(lab)
    print("✔ a fresh start: no user, role or policy of this tutorial is there")


def forget_workloads(lab: "Lab") -> None:
    """Stop and remove what this tutorial runs on ECS and Lambda; one line says the same whether there was any."""
    workloads.remove(lab)
    print("✔ a fresh start: no task, cluster, function or log group of this tutorial is there")


def forget_public() -> None:
    """Remove the public repositories that this tutorial made; one line says the same whether there were any."""
    _delete_public()
    print("✔ a fresh start: no public repository of this tutorial is there")


def clean_up(lab: "Lab") -> dict:
    """Delete all that the tutorial made, from tasks to local images, log Docker out; print and return what went."""
    running = workloads.remove(lab)
    print(f"✔ clusters, functions and logs deleted: {', '.join(running) or 'none was left'}")
    ecr = lab.client()
    repositories = [found["repository"] for found in made(lab)]
    for name in repositories:
        _delete(ecr, name)
    print(f"✔ repositories deleted: {', '.join(repositories) or 'none was left'}")
    public = _delete_public()
    print(f"✔ public repositories deleted: {', '.join(public) or 'none was left'}")
    gone = _remove_people(lab)
    images = _remove_images(lab, repositories)
    if images is not None:
        print(f"✔ images deleted from this machine: {', '.join(images) or 'none was left'}")
    _log_out(lab)
    return {
        "repositories": repositories,
        "public": public,
        "people": gone,
        "workloads": running,
        "images": images or [],
    }


def local_images(lab: "Lab", repositories: Iterable[str] | None = None) -> list[str]:
    """The names in the Docker engine that the tutorial's build made, or that are of one of its *repositories*.

    Those are the ones that carry its tag, unless they are named because they are gone already.
    """
    if repositories is None:
        repositories = [found["repository"] for found in made(lab)]
    stems = {settings.REPOSITORY, lab.repository_uri, *(f"{lab.registry}/{name}" for name in repositories)}
    names = []
    for image in lab.engine().api.images():  # images.list() asks again for each, and one may be gone by then
        called = (*(image["RepoTags"] or []), *(image["RepoDigests"] or []))
        names += [name for name in called if _stem(name) in stems]
    return sorted(names)


def _stem(name: str) -> str:
    """An image's name without its tag or digest."""
    name = name.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name


def _delete_public() -> list[str]:
    gone = made_public()
    for name in gone:
        _public().delete_repository(repositoryName=name, force=True)
    return gone


def _public():
    import boto3

    return boto3.client("ecr-public", region_name=PUBLIC_REGION)


def _remove_people(lab: "Lab") -> list[str]:
    from botocore.exceptions import ClientError

    try:
        gone = people.remove(lab)
    except ClientError as refused:  # who may not read IAM has made nobody there
        print(f"✗ users, roles and policies: {refused.response['Error']['Message']}")
        return []
    print(f"✔ users, roles and policies deleted: {', '.join(gone) or 'none was left'}")
    return gone


def _remove_images(lab: "Lab", repositories: list[str]) -> list[str] | None:
    import docker.errors

    try:
        names = local_images(lab, repositories)
        engine = lab.engine()
    except LabError as trouble:
        print(f"✗ images on this machine: {trouble}")
        return None
    for name in names:
        # A digest goes together with its last tag.
        with contextlib.suppress(docker.errors.ImageNotFound):
            engine.images.remove(name, force=True)
    return [name for name in names if "@" not in name]


def _log_out(lab: "Lab") -> None:
    try:
        subprocess.run(["docker", "logout", lab.registry], capture_output=True, timeout=30, check=True)
        print(f"✔ Docker is logged out of {lab.registry}")
    except (OSError, subprocess.SubprocessError):
        print("✗ Docker is not logged out: there is no docker command. Mend: ecr-lab doctor")


def _arn(ecr, name: str) -> str | None:
    try:
        return ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryArn"]
    except ecr.exceptions.RepositoryNotFoundException:
        return None


def _is_ours(ecr, name: str, arn: str) -> bool:
    if name.startswith("docker/library/"):  # the sandbox's mirror
        return False
    return settings.TAG in ecr.list_tags_for_resource(resourceArn=arn)["tags"]


def _images(ecr, name: str) -> int:
    pages = ecr.get_paginator("list_images").paginate(repositoryName=name)
    return len({image["imageDigest"] for page in pages for image in page["imageIds"]})


def _delete(ecr, name: str) -> None:
    # Gone already is as good: two notebooks may be cleaning up.
    with contextlib.suppress(ecr.exceptions.RepositoryNotFoundException):
        ecr.delete_repository(repositoryName=name, force=True)
