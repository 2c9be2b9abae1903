"""Finds and deletes what the course made, known by its tag, and nothing else."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from . import engine, iam, kinds, repositories, workloads
from .engine import local_images
from .iam import second_account
from .kinds import Kind, Outcome
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
    _delete("public repositories", repositories.all_public_kinds())


def delete_iam(lab: "Lab") -> None:
    """Delete the users, roles and policies that this tutorial made; prints the same line if there were none."""
    _delete("users, roles and policies", iam.all_kinds(lab))


def delete_workloads(lab: "Lab") -> None:
    """Stop and delete what this tutorial runs on ECS and Lambda; prints the same line if there was nothing."""
    _delete("tasks, clusters, functions and log groups", workloads.all_kinds(lab))


def all_kinds(lab: "Lab") -> list[Kind]:
    """All kinds of resources in AWS, in the order of deletion."""
    private, public = repositories.all_kinds(lab), repositories.all_public_kinds()
    return [*workloads.all_kinds(lab), *private, *public, *iam.all_kinds(lab)]


def everything_made(lab: "Lab") -> list[str]:
    """``["repository demo-app-repo", …]``: all that exists of what this tutorial made, in AWS and on this machine.

    LabError if AWS does not list a part of it.
    """
    found = kinds.made(all_kinds(lab))
    return [*found, *(f"image {name.removeprefix(f'{lab.registry}/')}" for name in local_images(lab))]


def clean_up(lab: "Lab") -> dict[str, list[str]]:
    """Delete everything that the tutorial made, from tasks to local images; print and return what was deleted.

    Under ``"problems"`` is a sentence for each resource that was not listed or not deleted, and may still cost money.
    """
    outcomes = {
        "workloads": ("clusters, functions and logs deleted", kinds.delete(workloads.all_kinds(lab))),
        "repositories": ("repositories deleted", _without_kind(kinds.delete(repositories.all_kinds(lab)))),
        "public": ("public repositories deleted", _without_kind(kinds.delete(repositories.all_public_kinds()))),
        "iam": ("users, roles and policies deleted", kinds.delete(iam.all_kinds(lab))),
    }
    names = outcomes["repositories"][1].names
    outcomes["images"] = ("images deleted from this machine", engine.delete_images(lab, names))
    for what, outcome in outcomes.values():
        _print(what, outcome)
    problems = [problem for _, outcome in outcomes.values() for problem in outcome.problems]
    if any(outcome.problems for part, (_, outcome) in outcomes.items() if part != "images"):
        print("✗ The rest may still exist and cost money. Fix: run lab.clean_up() with those permissions")
    if engine.log_out(lab):
        print(f"✔ Docker is logged out of {lab.registry}")
    else:
        print("✗ Docker is not logged out: there is no docker command. Fix: ecr-lab doctor")
    return {part: outcome.names for part, (_, outcome) in outcomes.items()} | {"problems": problems}


def _without_kind(outcome: Outcome) -> Outcome:
    return outcome._replace(names=[name.rpartition(" ")[2] for name in outcome.names])


def _delete(what: str, of: Iterable[Kind]) -> None:
    problems = kinds.delete(of).problems
    for problem in problems:
        print(f"✗ {problem}")
    if not problems:
        print(f"✔ deleted if present: {what} of this tutorial")


def _print(what: str, outcome: Outcome) -> None:
    if outcome.names or not outcome.problems:
        print(f"✔ {what}: {', '.join(outcome.names) or 'none was left'}")
    for problem in outcome.problems:
        print(f"✗ {problem}")
