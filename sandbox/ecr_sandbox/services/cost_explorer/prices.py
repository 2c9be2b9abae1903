"""The prices: what a gigabyte and a seat cost, and the tiers of the transfer price.

Every figure is in ``data/prices.json`` with its date and source; none is in the code. ``verified`` says whether it was
read on the seller's own page; ``doubt`` says what is not known, ``disputed`` what other sources say.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "data" / "prices.json"


@dataclass(frozen=True)
class Plan:
    """One of Docker Hub's plans; None is unlimited, and a ``usd_monthly`` of None cannot be bought."""

    key: str
    name: str
    buyer: str
    usd_annual: float
    usd_monthly: float | None
    least_seats: int
    private_repositories: int | None
    pulls_per_6_hours: int | None
    as_of: str
    verified: bool
    sources: list[str]

    def usd(self, paid: str = "annual") -> float:
        """What one seat costs a month, when *paid* ``annual`` or ``monthly``; ValueError if it cannot be bought."""
        price = {"annual": self.usd_annual, "monthly": self.usd_monthly}.get(paid)
        if price is None:
            raise ValueError(f"the plan {self.name} is not sold {paid!r}")
        return price


@cache
def facts() -> dict[str, Any]:
    """The whole file."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def fact(key: str, section: str = "ecr") -> dict[str, Any]:
    """One price of a section (``ecr``, ``beside_ecr``, ``ecr_public``); KeyError if it does not exist."""
    for each in facts()[section]:
        if each["key"] == key:
            return each
    raise KeyError(key)


def usd(key: str, section: str = "ecr") -> float:
    """The price of one unit: ``usd("storage") == 0.10``."""
    return fact(key, section)["usd"]


def facts_of(keys: Iterable[str]) -> list[dict[str, Any]]:
    """The prices with these *keys*, of ``ecr`` and ``beside_ecr`` and of the steps; KeyError for any other key."""
    steps = [facts()["internet_steps"], facts()["archive_steps"]]
    known = {each["key"]: each for each in (*facts()["ecr"], *facts()["beside_ecr"], *steps)}
    return [known[key] for key in keys]


def internet(gb: float) -> float:
    """The price of *gb* gigabytes a month to the internet: each at the price of its tier."""
    return _in_steps(gb, facts()["internet_steps"]["steps"])


def archive(gb_months: float) -> float:
    """The price of *gb_months* of a month in archive storage: each at the price of its tier."""
    return _in_steps(gb_months, facts()["archive_steps"]["steps"])


def replication(region: str, to_region: str) -> float:
    """The price of a gigabyte copied from one Region to another; within a Region it is free."""
    if region == to_region:
        return 0.0
    between = fact("replication", "beside_ecr")
    return between["near"].get(f"{region} {to_region}", between["usd"])


def free_internet_gb() -> float:
    """The gigabytes a month to the internet that are free."""
    return facts()["internet_steps"]["steps"][0]["up_to_gb"]


@cache
def plans() -> dict[str, Plan]:
    """Docker Hub's plans by key, the cheapest first."""
    names = Plan.__dataclass_fields__
    found = [{"buyer": each["for"]} | {k: v for k, v in each.items() if k in names} for each in _plans()]
    return {each["key"]: Plan(**each) for each in found}


def _in_steps(amount: float, steps: list[dict[str, Any]]) -> float:
    cost, below = 0.0, 0.0
    for step in steps:
        above = inf if step["up_to_gb"] is None else step["up_to_gb"]
        cost += step["usd"] * max(0.0, min(amount, above) - below)
        below = above
    return cost


def _plans() -> list[dict[str, Any]]:
    return facts()["docker_hub"]["plans"]
