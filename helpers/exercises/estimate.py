"""Exercise 12.2: a learner estimates what a team's images cost. Every learner gets another team."""

import random
from typing import NamedTuple

import ecr_sandbox
from helpers import settings

from .checks import NotYet

DAYS = 30  # in a month
TOLERANCE = 0.03  # a day more or less does not matter


class Team(NamedTuple):
    """A team that keeps all its images; sizes in MB, of which *shared* are layers that every image has."""

    images_a_day: int
    size: int
    shared: int
    months: int

    def gb_months(self) -> float:
        """What ECR bills in these months: the shared layers once, the others grow from day to day."""
        grown = self.images_a_day * DAYS * (self.size - self.shared) / 1000  # GB more each month
        return self.shared / 1000 * self.months + grown * self.months**2 / 2


def team() -> Team:
    """The team of this learner: by ECR_TUTORIAL_SEED, else by the place of the state folder."""
    rng = random.Random(f"12.2 {settings.seed() or settings.state()}")
    size = rng.randrange(200, 500, 20)
    return Team(rng.randrange(4, 21, 2), size, size - rng.choice((20, 30, 40)), rng.choice((2, 3, 4, 6)))


def show() -> None:
    """Print the numbers of this learner's team."""
    mine = team()
    print(f"{mine.images_a_day} images a day, {DAYS} days a month, for {mine.months} months; nothing is deleted")
    print(f"an image has {mine.size} MB; {mine.shared} MB of them are layers that all images share")


def compare(mine: Team, answer: object) -> str:
    """What is right about the answer ``(GB-months, dollars)``; NotYet if it is wrong."""
    if not isinstance(answer, tuple | list) or len(answer) != 2 or not all(map(_is_number, answer)):
        raise NotYet("the answer is two numbers, (GB-months, dollars)", "1 GB is 1,000 MB here")
    gb_months, usd = answer
    right, price = mine.gb_months(), ecr_sandbox.prices.usd("storage")
    unshared = mine._replace(shared=0).gb_months()
    at_the_end = (mine.shared + mine.images_a_day * DAYS * mine.months * (mine.size - mine.shared)) / 1000
    hints = {
        unshared: "is every layer stored as often as it is pushed?",
        at_the_end: "that is stored at the end of the last month; what about the months before?",
        at_the_end * mine.months: "that much is stored at the end only; how much is it in the middle?",
    }
    if not _is_near(gb_months, right):
        hint = next((text for wrong, text in hints.items() if _is_near(gb_months, wrong)), "")
        raise NotYet(
            f"{gb_months:g} GB-months are not what ECR bills",
            hint or "what is stored on the first day, and on the last?",
        )
    if not _is_near(usd, right * price):
        raise NotYet(f"${usd:g} is not the price of {gb_months:g} GB-months", "the price of a GB-month is in section 2")
    return f"{right:.1f} GB-months, ${right * price:.2f}, in the first {mine.months} months"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_near(value: float, right: float) -> bool:
    return abs(value - right) <= TOLERANCE * right
