"""Finds and deletes what the course made, known by its tag, and nothing else."""

from typing import TYPE_CHECKING

from ecr_sandbox import SandboxError

from . import iam, repositories, workloads
from .engine import delete_images, local_images, log_out
from .iam import second_account
from .repositories import PUBLIC_REGION, made, made_public

if TYPE_CHECKING:
    from helpers.lab import Lab

__all__ = ["PUBLIC_REGION", "local_images", "made", "made_public", "second_account"]


def start_over(lab: "Lab", *names: str) -> None:
    """Delete these repositories if this tutorial made them; prints the same line if there were none.

    LabError if one exists that this tutorial did not make.
    """
    repositories.delete_if_made(lab, *names)
    print(f"✔ deleted if present: {', '.join(names)}")


def delete_public() -> None:
    """Delete the public repositories that this tutorial made; prints the same line if there were none."""
    repositories.delete_public()
    print("✔ deleted if present: public repositories of this tutorial")


def delete_iam(lab: "Lab") -> None:
    """Delete the users, roles and policies that this tutorial made; prints the same line if there were none."""
    iam.delete(lab)
    print("✔ deleted if present: users, roles and policies of this tutorial")


def delete_workloads(lab: "Lab") -> None:
    """Stop and delete what this tutorial runs on ECS and Lambda; prints the same line if there was nothing."""
    workloads.delete(lab)
    print("✔ deleted if present: tasks, clusters, functions and log groups of this tutorial")


def everything_made(lab: "Lab") -> list[str]:
    """``["repository demo-app-repo", …]``: all that exists of what this tutorial made, in AWS and on this machine."""
    return [
        *(f"repository {found['repository']}" for found in made(lab)),
        *iam.made(lab),
        *workloads.made(lab),
        *(f"public repository {name}" for name in made_public()),
        *(f"image {name.removeprefix(f'{lab.registry}/')}" for name in local_images(lab)),
    ]


def clean_up(lab: "Lab") -> dict[str, list[str]]:
    """Delete everything that the tutorial made, from tasks to local images; print and return what was deleted."""
    deleted = {"workloads": _print("clusters, functions and logs deleted", workloads.delete(lab))}
    names = [found["repository"] for found in made(lab)]
    repositories.delete(lab, *names)
    deleted["repositories"] = _print("repositories deleted", names)
    deleted["public"] = _print("public repositories deleted", repositories.delete_public())
    deleted["iam"] = _delete_iam(lab)
    deleted["images"] = _delete_images(lab, names)
    if log_out(lab):
        print(f"✔ Docker is logged out of {lab.registry}")
    else:
        print("✗ Docker is not logged out: there is no docker command. Fix: ecr-lab doctor")
    return deleted


def _delete_iam(lab: "Lab") -> list[str]:
    from botocore.exceptions import ClientError

    try:
        return _print("users, roles and policies deleted", iam.delete(lab))
    except ClientError as error:  # without permission to list, the learner has made nothing here
        print(f"✗ users, roles and policies: {error.response['Error']['Message']}")
        return []


def _delete_images(lab: "Lab", names: list[str]) -> list[str]:
    try:
        return _print("images deleted from this machine", delete_images(lab, names))
    except SandboxError as error:
        print(f"✗ images on this machine: {error}")
        return []


def _print(what: str, deleted: list[str]) -> list[str]:
    print(f"✔ {what}: {', '.join(deleted) or 'none was left'}")
    return deleted
