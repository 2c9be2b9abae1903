"""The ledger: what the course makes is noted in the state folder before it is made, and crossed off when it is gone.

After a kill at any moment it has all that may exist: ``helpers.cleanup`` looks for each entry, in its account and
Region. A setting that is changed is noted with its value from before.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from helpers import state_file

FILE = "ledger.json"


class Entry(NamedTuple):
    """One resource, like ``("123456789012", "us-east-1", "repository", "demo-app-repo", None)``, or one setting.

    *region* is empty for IAM. *before* is the value of a setting before the course changed it, as JSON.
    """

    account: str
    region: str
    kind: str
    name: str
    before: Any = None


def note(*entries: Entry) -> None:
    """Note these entries before they are made; on disk when this returns.

    One that is noted already stays as it is, so *before* is the value from before the first change. OSError if the
    ledger cannot be written: then nothing may be made.
    """
    with state_file.locked(FILE):
        noted = _read()
        there = {entry[:4] for entry in noted}
        new = [entry for entry in {each[:4]: each for each in entries}.values() if entry[:4] not in there]
        if new:
            state_file.write(FILE, [*map(list, noted), *map(list, new)])


def cross_off(entries: Iterable[Entry]) -> None:
    """Remove these entries: a lookup says that they are gone."""
    gone = {entry[:4] for entry in entries}
    with state_file.locked(FILE):
        noted = _read()
        left = [entry for entry in noted if entry[:4] not in gone]
        if len(left) != len(noted):
            state_file.write(FILE, [list(entry) for entry in left])


def entries(account: str | None = None) -> list[Entry]:
    """What is noted, in the order in which it was noted: of this account, or of all."""
    return [entry for entry in _read() if account in (None, entry.account)]


def _read() -> list[Entry]:
    return [Entry(*entry) for entry in state_file.read(FILE, _is_valid) or []]


def _is_valid(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(entry, list) and len(entry) == 5 for entry in found)
