"""Finds and deletes what this learner made in the course, and nothing else.

It has the tutorial's tag, and its name begins as those of this run do or is in the ledger. Several learners can share
an account, each with a prefix of their own (``ECR_TUTORIAL_PREFIX``).
"""

import shutil
from collections.abc import Iterable
from typing import TYPE_CHECKING

from helpers import names, settings, shell

from . import engine, everything, iam, kinds, noted, registry_settings, repositories, workloads
from .engine import local_images, note_registry
from .everything import all_kinds
from .kinds import Kind, Outcome
from .noting import note
from .places import PUBLIC_REGION, public
from .repositories import made

if TYPE_CHECKING:
    from helpers.lab import Lab

__all__ = ["PUBLIC_REGION", "all_kinds", "iam", "local_images", "made", "note", "note_registry", "workloads"]


def start_over(lab: "Lab", *repository_names: str) -> None:
    """Delete these repositories if this tutorial made them; prints the same line if there were none.

    A notebook calls it in the cell that connects, whose names are still ``demo-…``: they get the prefix of this run.
    LabError if one exists that this tutorial did not make.
    """
    ours = [names.renamed(name) for name in repository_names]
    repositories.delete_if_made(lab, *ours)
    print(f"✔ deleted if present: {', '.join(ours)}")


def delete_public() -> None:
    """Delete the public repositories that this tutorial made; prints the same line if there were none."""
    _delete("public repositories", repositories.all_public_kinds(public()))


def delete_iam(lab: "Lab") -> None:
    """Delete the users, roles and policies that this tutorial made; prints the same line if there were none."""
    _delete("users, roles and policies", everything.iam_kinds(lab))


def delete_workloads(lab: "Lab") -> None:
    """Stop and delete what this tutorial runs on ECS and Lambda; prints the same line if there was nothing."""
    _delete("tasks, clusters, functions and log groups", everything.workload_kinds(lab))


def everything_made(lab: "Lab") -> list[str]:
    """``["repository demo-app-repo", …]``: all that exists of what this tutorial made, in AWS and on this machine.

    LabError if AWS does not list a part of it.
    """
    found = kinds.made(all_kinds(lab))
    return [*found, *(f"image {name.removeprefix(f'{lab.registry}/')}" for name in local_images(lab))]


def clean_up(lab: "Lab", dry_run: bool = False) -> dict[str, list[str]]:
    """Delete everything that this learner made, from tasks to local images; print and return what was deleted.

    Under ``"problems"`` is a sentence for each resource that was not listed or not deleted, and may still cost money.
    With *dry_run* nothing is deleted: what would be is printed and returned.
    """
    act, done = (kinds.find, "to delete") if dry_run else (kinds.delete, "deleted")
    found = [act(kinds_of(lab)) for kinds_of in everything.PARTS]
    workloads, private, public, identities = found
    parts = {
        "workloads": (f"clusters, functions and logs {done}", workloads),
        "repositories": (f"repositories {done}", _without_kind(private)),
        "public": (f"public repositories {done}", _without_kind(public)),
        "iam": (f"users, roles and policies {done}", identities),
    }
    images = engine.clean_up(lab, parts["repositories"][1].names, dry_run)
    parts["images"] = (f"images {done} from this machine", images)
    for what, outcome in parts.values():
        _print(what, outcome)
    restored = registry_settings.restore(lab, dry_run)
    listed = [name for outcome in found for name in outcome.names]
    rest = noted.look(lab, dry_run, not images.problems, listed)
    for what, outcome in ((f"settings {'to restore' if dry_run else 'restored'}", restored), (f"also {done}", rest)):
        if outcome.names or outcome.problems:
            _print(what, outcome)
    if others := [name for outcome in found for name in outcome.others if name not in rest.names]:
        print(f"? left to other learners, because no name begins with {settings.PREFIX}: {', '.join(others)}")
    in_aws = [*found, restored, rest]
    if any(outcome.problems for outcome in in_aws):
        print("✗ The rest may still exist and cost money. Fix: allow what is missing, then ecr-lab cleanup")
    if not dry_run:
        shutil.rmtree(settings.state() / shell.FOLDER, ignore_errors=True)  # folders with passwords
        engine.log_out()
        print(f"✔ Docker is logged out of {lab.registry}")
    problems = [problem for outcome in (*in_aws, images) for problem in outcome.problems]
    return {part: outcome.names for part, (_, outcome) in parts.items()} | {"problems": problems}


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
        none = "none" if "to delete" in what else "none was left"
        print(f"✔ {what}: {', '.join(outcome.names) or none}")
    for problem in outcome.problems:
        print(f"✗ {problem}")
