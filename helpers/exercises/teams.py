"""Three teams for Exercise 02.2, with numbers that differ at each draw: ``teams.show()``, ``teams.solution()``."""

import random
import textwrap
from dataclasses import dataclass

from helpers import course, settings

LABELS = ("A", "B", "C")
WIDTH = 100

_drawn: "dict[str, Team]" = {}  # by label


@dataclass(frozen=True)
class Team:
    """A team: what it says of itself, the registry that suits it, why, and what to read again after a wrong answer."""

    text: str
    suits: str
    because: str
    hint: str


def show() -> None:
    """Draw three teams and print them; with ECR_TUTORIAL_SEED they are the same on every machine."""
    _drawn.clear()
    _drawn.update(draw(random.Random(settings.seed())))
    for label, team in _drawn.items():
        print(textwrap.fill(f"{label}  {team.text}", WIDTH, subsequent_indent="   "))


def drawn() -> dict[str, Team]:
    """The three teams that ``show()`` printed last, by label; empty before."""
    return dict(_drawn)


def solution() -> dict[str, str]:
    """The registry that suits each of the three teams."""
    return {label: team.suits for label, team in _drawn.items()}


def registries() -> list[str]:
    """The possible answers."""
    return sorted({each["suits"] for each in course.data("teams.json")["teams"]})


def draw(chance: random.Random) -> dict[str, Team]:
    """Three different teams, by label."""
    chosen = chance.sample(course.data("teams.json")["teams"], len(LABELS))
    return {label: _with_number(each, chance) for label, each in zip(LABELS, chosen, strict=True)}


def _with_number(team: dict, chance: random.Random) -> Team:
    number = chance.randint(*team["n"])
    return Team(team["text"].format(n=number), team["suits"], team["because"], team["hint"])
