"""Looks up what the ledger names: what is gone is crossed off, what has the tag is deleted, the rest is reported."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from helpers import ledger, settings
from helpers.ledger import Entry

from . import everything, kinds
from .kinds import Kind, Outcome

if TYPE_CHECKING:
    from helpers.lab import Lab

IN_SANDBOX = (settings.ACCOUNT, settings.OTHER_ACCOUNT)
NOT_LOOKED_UP = ("image", "registry scanning configuration")


def look(lab: "Lab", dry_run: bool, images_are_gone: bool, listed: Collection[str] = ()) -> Outcome:
    """Look up each entry: *names* are those that were deleted here, because the search by tag did not find them.

    So the names of an earlier run with another prefix are found too. With *dry_run* they are those to delete, without
    the *listed* ones. Unless *images_are_gone*, the names of repositories stay in the ledger: local images are found by
    them.
    """
    outcome, gone = Outcome([], []), []
    places = everything.by_place(lab)
    for entry in _entries(lab):
        kind = places.get((entry.account, entry.region, entry.kind))
        if kind is None:
            if entry.kind not in NOT_LOOKED_UP:
                outcome.problems.append(f"{_label(entry)}: unknown, {_why(lab, entry)}")
            continue
        if _is_gone(kind, entry, outcome, dry_run, listed) and (images_are_gone or entry.kind != "repository"):
            gone.append(entry)
    if not dry_run:
        ledger.cross_off([*gone, *(each for each in _entries(lab) if each.kind == "image" and images_are_gone)])
    return outcome


def _is_gone(kind: Kind, entry: Entry, outcome: Outcome, dry_run: bool, listed: Collection[str]) -> bool:
    """Whether a lookup says so. What exists is deleted or reported in *outcome*."""
    try:
        found = list(kind.get(entry.name))
    except kinds.errors() as error:
        outcome.problems.append(f"{kind.label(entry.name)}: unknown, {kinds.message(error)}")
        return False
    for each in found:
        if not each.is_ours:
            outcome.problems.append(f"{kind.label(each.name)} has no tag {settings.TAG_TEXT}, so it was not touched")
        elif not dry_run:
            kinds.delete_one(kind, each, outcome)
        elif kind.label(each.name) not in listed:
            outcome.names.append(kind.label(each.name))
    return not found


def _entries(lab: "Lab") -> Iterable[Entry]:
    """Those of this Lab's target: in the sandbox its accounts, on AWS all others too."""
    mine = {lab.account, *([lab.second.account] if lab.second else [])}
    return [
        entry
        for entry in ledger.entries()
        if entry.account in mine or (lab.target == "aws" and entry.account not in IN_SANDBOX)
    ]


def _label(entry: Entry) -> str:
    return f"{entry.kind} {entry.name} in {entry.region or 'IAM'} of account {entry.account}"


def _why(lab: "Lab", entry: Entry) -> str:
    if entry.account == lab.account:
        return "there is no API for it here"
    return "use that account's credentials, or name its profile in ECR_TUTORIAL_OTHER_PROFILE"
