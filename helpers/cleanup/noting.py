"""Notes in the ledger what is about to be made, and refuses what somebody else has made under the same name."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from helpers import ledger, names
from helpers.errors import LabError
from helpers.ledger import Entry

from . import engine, everything, places
from .kinds import Kind, errors, message

if TYPE_CHECKING:
    from helpers.lab import Lab

GLOBAL = ("user", "role", "policy")  # IAM has no Regions
SECOND = " of the second account"
# To make one of these again is no error, and changes the existing one.
MADE_AGAIN = ("cluster", "task definition")


def note(lab: "Lab", resources: Iterable[tuple[str, str]]) -> None:
    """Note these resources, ``[("repository", "demo-app-repo"), …]``, before they are made.

    On AWS each is looked up before. LabError if one of the names is taken: it exists without the tutorial's tag.
    """
    entries = [entry for kind, name in resources if (entry := _entry(lab, kind, name))]
    if lab.target == "aws" and entries:
        kinds = everything.by_place(lab)
        for entry in entries:
            if entry.kind == "image":
                engine.refuse_image_of_others(lab, entry.name)
            else:
                refuse_if_taken(kinds[entry.account, entry.region, entry.kind], entry.name)
    ledger.note(*entries)


def refuse_if_taken(kind: Kind, name: str) -> None:
    """LabError if a resource of this kind and name exists without the tutorial's tag, or if AWS does not say so.

    A lookup that is refused only prints a line where the name cannot be taken: to make it again is an error of AWS.
    """
    try:
        taken = any(not found.is_ours for found in kind.get(name))
    except errors() as error:
        if kind.name in MADE_AGAIN:
            raise LabError(
                f"Whether the {kind.name} {name} is yours is unknown: {message(error)}.",
                "allow it, then run this again",
            ) from None
        print(f"? unknown whether there is a {kind.label(name)}: {message(error)}")
        return
    if taken:
        raise names.taken(kind.label(name))


def _entry(lab: "Lab", kind: str, name: str) -> Entry | None:
    """The entry of a resource; None if it belongs to a second account, and there is none."""
    if kind.endswith(SECOND):
        return Entry(lab.second.account, "", kind.removesuffix(SECOND), name) if lab.second else None
    region = "" if kind in GLOBAL else places.PUBLIC_REGION if kind == "public repository" else lab.region
    return Entry(lab.account, region, kind, name)
