"""Settings of the registry that a lesson changes on AWS, and their value from before, which the ledger keeps."""

import json
from typing import TYPE_CHECKING, Any

from helpers import ledger, settings
from helpers.ledger import Entry

from .kinds import Outcome, errors, message

if TYPE_CHECKING:
    from helpers.lab import Lab

SCANNING = "registry scanning configuration"
CHANGED_BY = ("04", "10")  # the notebooks
OURS = (settings.PREFIX, "team-")  # how the filters of these notebooks begin


def note(lab: "Lab", notebook: str) -> None:
    """Note the scanning configuration before a notebook that changes it; the sandbox's belongs to nobody else."""
    if lab.target == "aws" and notebook in CHANGED_BY:
        ledger.note(Entry(lab.account, lab.region, SCANNING, "", _configuration(lab.client())))


def restore(lab: "Lab", dry_run: bool = False) -> Outcome:
    """Set what was noted to its value from before; *names* are the settings that were changed.

    A configuration to which someone else has added something is a problem, and stays. What is missing in it is no
    problem: the command of an exercise replaces all rules, and the type of scan.
    """
    import boto3

    outcome = Outcome([], [])
    for entry in (each for each in ledger.entries(lab.account) if each.kind == SCANNING):
        ecr, label = boto3.client("ecr", region_name=entry.region), f"{SCANNING} in {entry.region}"
        try:
            now = _configuration(ecr)
            if _of_others(now) - _of_others(entry.before):
                before = json.dumps(entry.before)
                outcome.problems.append(f"{label} was changed by someone else too; before the course it was {before}")
                continue
            if now != entry.before:
                outcome.names.append(label)
                if not dry_run:
                    ecr.put_registry_scanning_configuration(**entry.before)
        except errors() as error:
            outcome.problems.append(f"{label}: unknown, {message(error)}")
            continue
        if not dry_run:
            ledger.cross_off([entry])
    return outcome


def _configuration(ecr: Any) -> dict[str, Any]:
    found = ecr.get_registry_scanning_configuration()["scanningConfiguration"]
    return {"scanType": found["scanType"], "rules": found.get("rules", [])}


def _of_others(configuration: dict[str, Any]) -> set[tuple[str, str]]:
    """What is not of those notebooks: each filter with its frequency, and the type of scan if they do not choose it."""
    found = {
        (each["filter"], rule["scanFrequency"])
        for rule in configuration["rules"]
        for each in rule["repositoryFilters"]
        if not each["filter"].startswith(OURS)
    }
    return found if configuration["scanType"] == "BASIC" else found | {("type", configuration["scanType"])}
