"""The notebooks and exercises that a room knows. A message about any other is refused, so memory has a limit."""

from functools import cache
from typing import NamedTuple

from helpers import course


class Part(NamedTuple):
    """A notebook: its title, and the numbers of its exercises."""

    title: str
    exercises: tuple[str, ...]


@cache
def outline() -> dict[str, Part]:
    """Each notebook by its number, in order."""
    return {each.number: Part(each.title, tuple(each.exercises())) for each in course.notebooks()}


def title(notebook: str) -> str:
    """The title of this notebook; "" if there is none."""
    part = outline().get(notebook)
    return part.title if part else ""
