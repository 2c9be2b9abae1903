"""Finds and deletes resources kind by kind: what fails for one of them is reported, and the rest is still done."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ecr_sandbox import SandboxError
from helpers import names, settings
from helpers.errors import LabError, denied_action

Tags = Iterable[dict[str, str]] | dict[str, str] | None


class Found(NamedTuple):
    """One resource, the function that deletes it, and whether it has the tutorial's tag."""

    name: str
    delete: Callable[[], object]
    is_ours: bool = True


class Place(NamedTuple):
    """An account and Region; *client* makes its boto3 clients. *where* is empty for the Lab's own."""

    client: Callable[[str], Any]
    account: str
    region: str
    where: str = ""


class Kind(NamedTuple):
    """One kind of resource, like ``cluster``, ``clusters``, in one place.

    *find* asks AWS for all with the tutorial's tag, *get* for those of one name, with the tag or without it.
    """

    name: str
    plural: str
    find: Callable[[], Iterable[Found]]
    get: Callable[[str], Iterable[Found]]
    place: Place

    def label(self, name: str) -> str:
        """``cluster demo-cluster``, or ``repository in eu-west-1 demo-app-repo``."""
        return f"{self.name}{self.place.where} {name}"


class Outcome(NamedTuple):
    """Resources, like ``cluster demo-cluster``, and one sentence for each that AWS did not list or delete.

    *others* have the tutorial's tag and a name that does not begin as those of this run do, so they stay: they may be
    another learner's.
    """

    names: list[str]
    problems: list[str]
    others: tuple[str, ...] = ()


def made(kinds: Iterable[Kind]) -> list[str]:
    """All resources of these kinds that this learner made; LabError if AWS does not list one of the kinds."""
    outcome = find(kinds)
    if outcome.problems:
        raise LabError(
            f"What is left is not known: {outcome.problems[0]}.", "use credentials that are allowed to list it"
        )
    return outcome.names


def find(kinds: Iterable[Kind]) -> Outcome:
    """All resources of these kinds that this learner made, and a problem for each kind that AWS does not list."""
    problems: list[str] = []
    others: list[str] = []
    found = [kind.label(found.name) for kind, found in _found(kinds, problems, others)]
    return Outcome(found, problems, tuple(others))


def delete(kinds: Iterable[Kind]) -> Outcome:
    """Delete all resources of these kinds that this learner made, in this order; *names* are those deleted."""
    outcome = Outcome([], [])
    others: list[str] = []
    for kind, found in _found(kinds, outcome.problems, others):
        delete_one(kind, found, outcome)
    return outcome._replace(others=tuple(others))


def delete_one(kind: Kind, found: Found, outcome: Outcome) -> None:
    """Delete this resource, and add to *outcome* whether that worked."""
    label = kind.label(found.name)
    try:
        found.delete()
        outcome.names.append(label)
    except errors() as error:
        if not _is_gone(error):  # two notebooks may clean up at the same time
            outcome.problems.append(f"{label} was not deleted: {message(error)}")


def has_tag(tags: Tags) -> bool:
    """Whether the tutorial's tag is among *tags*, in any of the forms in which AWS returns tags."""
    return tag_value(tags, settings.TAG["Key"]) == settings.TAG["Value"]


def tag_value(tags: Tags, key: str) -> str:
    """The value of this tag among *tags*; empty without it."""
    if not isinstance(tags, dict):
        tags = {tag.get("Key", tag.get("key", "")): tag.get("Value", tag.get("value", "")) for tag in tags or []}
    return tags.get(key, "")


def _found(kinds: Iterable[Kind], problems: list[str], others: list[str]) -> Iterator[tuple[Kind, Found]]:
    """What this learner made; what may be another learner's is added to *others*."""
    for kind in kinds:
        try:
            found = list(kind.find())
        except errors() as error:
            problems.append(f"{kind.plural}{kind.place.where}: unknown, {message(error)}")
            continue
        others += [kind.label(each.name) for each in found if not names.is_mine(each.name)]
        yield from ((kind, each) for each in found if names.is_mine(each.name))


def errors() -> tuple[type[Exception], ...]:
    """What a call to AWS raises."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (ClientError, BotoCoreError, SandboxError)


def _error(error: Exception) -> dict[str, str]:
    return getattr(error, "response", {}).get("Error", {})


def _is_gone(error: Exception) -> bool:
    code = _error(error).get("Code", "")
    return code.endswith(("NotFoundException", "NotFound")) or code == "NoSuchEntity"


def message(error: Exception) -> str:
    """What AWS says, or the permission that is missing: ``iam:ListUsers is not allowed``."""
    if action := denied_action(error):
        return f"{action} is not allowed"
    return " ".join((_error(error).get("Message") or str(error)).split()).rstrip(".")
