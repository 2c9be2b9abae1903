"""Finds and deletes resources kind by kind: what fails for one of them is reported, and the rest is still done."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ecr_sandbox import SandboxError
from helpers import settings
from helpers.errors import LabError


class Found(NamedTuple):
    """One resource with the tutorial's tag, and the function that deletes it."""

    name: str
    delete: Callable[[], object]


class Kind(NamedTuple):
    """One kind of resource, like ``cluster``, ``clusters``; *find* asks AWS for those with the tutorial's tag."""

    name: str
    plural: str
    find: Callable[[], Iterable[Found]]


class Outcome(NamedTuple):
    """Resources, like ``cluster demo-cluster``, and one sentence for each that AWS did not list or delete."""

    names: list[str]
    problems: list[str]


def made(kinds: Iterable[Kind]) -> list[str]:
    """All resources of these kinds with the tutorial's tag; LabError if AWS does not list one of the kinds."""
    problems: list[str] = []
    names = [f"{kind.name} {found.name}" for kind, found in _found(kinds, problems)]
    if problems:
        raise LabError(f"What is left is not known: {problems[0]}.", "use credentials that are allowed to list it")
    return names


def delete(kinds: Iterable[Kind]) -> Outcome:
    """Delete all resources of these kinds with the tutorial's tag, in this order; *names* are those deleted."""
    outcome = Outcome([], [])
    for kind, found in _found(kinds, outcome.problems):
        label = f"{kind.name} {found.name}"
        try:
            found.delete()
            outcome.names.append(label)
        except _errors() as error:
            if not _is_gone(error):  # two notebooks may clean up at the same time
                outcome.problems.append(f"{label} was not deleted: {_message(error)}")
    return outcome


def has_tag(tags: Iterable[dict[str, str]] | dict[str, str] | None) -> bool:
    """Whether the tutorial's tag is among *tags*, in any of the forms in which AWS returns tags."""
    if isinstance(tags, dict):
        return tags.get(settings.TAG["Key"]) == settings.TAG["Value"]
    return any({name.title(): value for name, value in tag.items()} == settings.TAG for tag in tags or [])


def _found(kinds: Iterable[Kind], problems: list[str]) -> Iterator[tuple[Kind, Found]]:
    for kind in kinds:
        try:
            found = list(kind.find())
        except _errors() as error:
            problems.append(f"{kind.plural} were not listed: {_message(error)}")
            continue
        yield from ((kind, each) for each in found)


def _errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return (ClientError, BotoCoreError, SandboxError)


def _error(error: Exception) -> dict[str, str]:
    return getattr(error, "response", {}).get("Error", {})


def _is_gone(error: Exception) -> bool:
    code = _error(error).get("Code", "")
    return code.endswith(("NotFoundException", "NotFound")) or code == "NoSuchEntity"


def _message(error: Exception) -> str:
    return " ".join((_error(error).get("Message") or str(error)).split()).rstrip(".")
