"""The monthly bill of Amazon ECR and of Docker Hub's plans for a team, and where the two bills are the same.

The prices are dated (``ecr_sandbox.prices``); the free amount of a new AWS account is not included.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from typing import Any

from ecr_sandbox import prices

HOURS = 730  # in a month, as AWS's calculator counts
ENDPOINTS = 2  # interface endpoints that a pull needs: ecr.api and ecr.dkr


@dataclass(frozen=True)
class Team:
    """Who uses the registry, and how much of it a month. ValueError for a negative amount.

    *gb_stored* counts a layer that images share once. *gb_archived* is stored in addition to it. *replica_regions* is
    the number of other Regions that keep a copy of *gb_stored*; *gb_replicated* is copied there this month.
    *endpoint_zones* is the number of Availability Zones with interface endpoints. Scans are enhanced scans of images:
    basic scans are free.
    """

    members: float
    gb_stored: float
    gb_pulled_over_the_internet: float = 0
    gb_pulled_in_the_region: float = 0
    gb_of_those_through_nat: float = 0
    private_repositories: int = 2
    gb_archived: float = 0
    gb_restored: float = 0
    gb_replicated: float = 0
    replica_regions: float = 0
    nat_gateways: float = 0
    endpoint_zones: float = 0
    first_scans: float = 0
    rescans: float = 0

    def __post_init__(self) -> None:
        for name, amount in vars(self).items():
            if not 0 <= amount < inf:
                raise ValueError(f"{name} cannot be {amount}")
        if self.gb_of_those_through_nat > self.gb_pulled_in_the_region:
            raise ValueError("gb_of_those_through_nat is a part of gb_pulled_in_the_region: it cannot be more")


@dataclass(frozen=True)
class Line:
    """One item of a bill, with the keys of its prices in ``ecr_sandbox.prices``."""

    what: str
    usd: float
    prices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bill:
    """A month of one registry; *misfit* says why the team cannot use it, *note* is a remark."""

    registry: str
    lines: tuple[Line, ...]
    misfit: str = ""
    note: str = ""

    @property
    def usd(self) -> float:
        """The sum of the lines."""
        return sum(line.usd for line in self.lines)

    @property
    def prices(self) -> tuple[str, ...]:
        """The keys of the prices of all lines."""
        return tuple(key for line in self.lines for key in line.prices)


def month(team: Team, registry: str = "ecr", paid: str = "annual") -> Bill:
    """The bill of a month: *registry* is ``ecr``, or ``personal``, ``pro``, ``team`` or ``business`` of the Hub.

    A plan is *paid* ``annual`` or ``monthly``. ValueError for a plan that is not sold so, KeyError for no plan at all.
    """
    return _ecr(team) if registry == "ecr" else _hub(team, prices.plans()[registry], paid)


def _ecr(team: Team) -> Bill:
    out, free, kept = team.gb_pulled_over_the_internet, prices.free_internet_gb(), team.gb_stored
    copies = kept * team.replica_regions
    lines = [Line(f"{amount_text(kept)} GB stored", kept * prices.usd("storage"), ("storage",))]
    if copies:
        usd = copies * prices.usd("storage")
        lines.append(Line(f"{amount_text(copies)} GB stored in other Regions", usd, ("storage",)))
    if out:
        usd, keys = prices.internet(out), ("internet", "internet_steps")
        lines.append(Line(f"{amount_text(out)} GB over the internet, {free} free", usd, keys))
    if inside := team.gb_pulled_in_the_region:
        lines.append(Line(f"{amount_text(inside)} GB inside the Region", inside * prices.usd("same_region")))
    note = "the free S3 gateway endpoint saves the GB through NAT" if team.gb_of_those_through_nat else ""
    return Bill("Amazon ECR", (*lines, *_features(team), *_nat(team), *_endpoints(team)), note=note)


def _features(team: Team) -> list[Line]:
    """The lines for features that only ECR has: archive, replication, enhanced scans."""

    def beside(what: str, amount: float, key: str) -> Line:
        return Line(f"{amount_text(amount)} {what}", amount * prices.usd(key, "beside_ecr"), (key,))

    archived, scans = team.gb_archived, team.first_scans
    lines = (
        Line(f"{amount_text(archived)} GB in the archive", prices.archive(archived), ("archive",)),
        beside("GB out of the archive", team.gb_restored, "archive_retrieval"),
        beside("GB to another Region", team.gb_replicated, "replication"),
        Line(
            f"{amount_text(scans)} images scanned (Inspector's bill)",
            scans * prices.usd("enhanced_scan"),
            ("enhanced_scan",),
        ),
        beside("scans again (Inspector's bill)", team.rescans, "rescan"),
    )
    return [line for line in lines if line.usd]


def _hub(team: Team, plan: prices.Plan, paid: str) -> Bill:
    seats, price = max(team.members, plan.least_seats), plan.usd(paid)
    lines = (Line(f"{amount_text(seats)} {'seat' if seats == 1 else 'seats'} of ${price:g}", seats * price),)
    notes = [
        f"{plan.pulls_per_6_hours} pulls in 6 hours each" if plan.pulls_per_6_hours else "",
        "" if plan.verified else "price not verified",
    ]
    return Bill(f"Docker Hub {plan.name}", (*lines, *_nat(team)), _misfit(team, plan), ", ".join(filter(None, notes)))


def _nat(team: Team) -> list[Line]:
    """NAT costs the same with every registry; only ECR has VPC endpoints instead."""
    gateways, gb = team.nat_gateways, team.gb_of_those_through_nat
    hours = gateways * HOURS * prices.usd("nat_hour", "beside_ecr")
    lines = (
        Line(
            f"{amount_text(gateways)} NAT {'gateway' if gateways == 1 else 'gateways'} (VPC's bill)",
            hours,
            ("nat_hour",),
        ),
        Line(f"{amount_text(gb)} GB through NAT (VPC's bill)", gb * prices.usd("nat", "beside_ecr"), ("nat",)),
    )
    return [line for line in lines if line.usd]


def _endpoints(team: Team) -> list[Line]:
    """The interface endpoints. The few kilobytes that go through them are not counted: layers come from S3."""
    zones = team.endpoint_zones
    usd = ENDPOINTS * zones * HOURS * prices.usd("endpoint_hour", "beside_ecr")
    where = "1 Availability Zone" if zones == 1 else f"{amount_text(zones)} Availability Zones"
    return [Line(f"{ENDPOINTS} interface endpoints, {where} (VPC's bill)", usd, ("endpoint_hour",))] if usd else []


def _misfit(team: Team, plan: prices.Plan) -> str:
    if plan.private_repositories is not None and team.private_repositories > plan.private_repositories:
        return f"only {plan.private_repositories} private repository"
    if plan.buyer == "one person" and team.members > 1:
        return "an account for one person"
    return ""


def usd_text(amount: float) -> str:
    """``usd_text(1234.5) == "1,234.50"``."""
    return f"{amount:,.2f}"


def amount_text(number: float) -> str:
    """``amount_text(1234.0) == "1,234"``, ``amount_text(0.25) == "0.2"``."""
    return f"{number:,.10g}" if number == int(number) else f"{number:,.1f}"


AXES = {  # a number of the team -> its name on an axis
    "members": "people in the team",
    "gb_stored": "GB stored",
    "gb_pulled_over_the_internet": "GB pulled over the internet in a month",
}
MOST = 1e9  # people or gigabytes


def crossing(team: Team, along: str, plan: str = "team", paid: str = "annual") -> float | None:
    """How many people or gigabytes make both bills the same, with all else as in *team*; None if no number does.

    *along* is one of ``AXES`` (KeyError). More people raise the Hub's bill, more gigabytes raise ECR's.
    """
    AXES[along]

    def gap(amount: float) -> float:
        at = with_amount(team, along, amount)
        return month(at).usd - month(at, plan, paid).usd

    low, high = 0.0, 1.0
    if gap(low) == 0:
        return low
    while gap(low) * gap(high) > 0:
        low, high = high, high * 2
        if high > MOST:
            return None
    for _ in range(200):
        middle = (low + high) / 2
        if gap(middle) * gap(high) > 0:
            high = middle
        else:
            low = middle
    return high


def with_amount(team: Team, along: str, amount: float) -> Team:
    """The team with another number of people or gigabytes."""
    changed: dict[str, Any] = {along: amount}
    return replace(team, **changed)


def first_of_month(moment: datetime, later: int = 0) -> datetime:
    """Midnight of the first day of the month of *moment*, or of so many months *later*."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + later, 12)
    return moment.replace(year=year, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0)
