"""Scopes such as ``repository:alice/app:pull,push``: what a client requests a token for.

Source: https://distribution.github.io/distribution/spec/auth/scope/
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

PATTERN = re.compile(r"(?P<kind>[a-z0-9]+(?:\([a-z0-9]+\))?):(?P<name>[^\s]+):(?P<actions>[a-z*]*(?:,[a-z*]+)*)")


@dataclass(frozen=True)
class Scope:
    """*actions* on one resource; *kind* is ``repository`` or another kind of resource."""

    kind: str
    name: str
    actions: frozenset[str]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}:{','.join(sorted(self.actions))}"


def parse(text: str) -> Scope:
    """Parse one scope; raises ValueError. The name may contain colons, as ``host:5000/name`` does."""
    found = PATTERN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a scope: it has the form type:name:action,action")
    return Scope(found["kind"], found["name"], frozenset(filter(None, found["actions"].split(","))))


def parse_all(values: Iterable[str]) -> list[Scope]:
    """The scopes in the ``scope`` parameters of a request, each of which may hold several between spaces.

    Invalid scopes are ignored, as Docker's token server does.
    """
    texts = [text for value in values for text in value.split()]
    return [parse(text) for text in texts if PATTERN.fullmatch(text)]
