"""The monthly bill of Amazon ECR and of Docker Hub's plans for a team, and where the two bills are the same.

The prices are dated (``ecr_sandbox.prices``); the free amount of a new AWS account is not included.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from typing import Any

from ecr_sandbox import prices
from helpers import show


@dataclass(frozen=True)
class Team:
    """Who uses the registry, and how much of it a month. ValueError for a negative amount.

    *gb_archived* is stored in addition to *gb_stored*. Scans are enhanced scans of images: basic scans are free.
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
    """One item of a bill."""

    what: str
    usd: float


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


def month(team: Team, registry: str = "ecr", paid: str = "annual") -> Bill:
    """The bill of a month: *registry* is ``ecr``, or ``personal``, ``pro``, ``team`` or ``business`` of the Hub.

    A plan is *paid* ``annual`` or ``monthly``. ValueError for a plan that is not sold so, KeyError for no plan at all.
    """
    return _ecr(team) if registry == "ecr" else _hub(team, prices.plans()[registry], paid)


def _ecr(team: Team) -> Bill:
    out, free = team.gb_pulled_over_the_internet, prices.free_internet_gb()
    lines = [
        Line(f"{_amount(team.gb_stored)} GB stored", team.gb_stored * prices.usd("storage")),
        Line(f"{_amount(out)} GB over the internet, {free} free", prices.internet(out)),
    ]
    if inside := team.gb_pulled_in_the_region:
        lines.append(Line(f"{_amount(inside)} GB inside the Region", inside * prices.usd("same_region")))
    return Bill(
        "Amazon ECR", (*lines, *_features(team), *_nat(team)), note="endpoints would save the NAT" if _nat(team) else ""
    )


def _features(team: Team) -> list[Line]:
    """The lines for features that only ECR has: archive, replication, enhanced scans."""
    archived, replicated = team.gb_archived, team.gb_replicated
    further = {key: prices.usd(key, "beside_ecr") for key in ("archive_retrieval", "replication", "rescan")}
    lines = {
        f"{_amount(archived)} GB in the archive": prices.archive(archived),
        f"{_amount(team.gb_restored)} GB out of the archive": team.gb_restored * further["archive_retrieval"],
        f"{_amount(replicated)} GB to another Region": replicated * further["replication"],
        f"{_amount(team.first_scans)} images scanned (Inspector's bill)": team.first_scans
        * prices.usd("enhanced_scan"),
        f"{_amount(team.rescans)} scans again (Inspector's bill)": team.rescans * further["rescan"],
    }
    return [Line(what, usd) for what, usd in lines.items() if usd]


def _hub(team: Team, plan: prices.Plan, paid: str) -> Bill:
    seats, price = max(team.members, plan.least_seats), plan.usd(paid)
    lines = (Line(f"{_amount(seats)} {'seat' if seats == 1 else 'seats'} of ${price:g}", seats * price),)
    notes = [
        f"{plan.pulls_per_6_hours} pulls in 6 hours each" if plan.pulls_per_6_hours else "",
        "price unverified" if plan.unverified else "",
    ]
    return Bill(f"Docker Hub {plan.name}", (*lines, *_nat(team)), _misfit(team, plan), ", ".join(filter(None, notes)))


def _nat(team: Team) -> list[Line]:
    """NAT costs the same with every registry; only ECR has VPC endpoints instead."""
    gb = team.gb_of_those_through_nat
    return [Line(f"{_amount(gb)} GB through NAT (VPC's bill)", gb * prices.usd("nat", "beside_ecr"))] if gb else []


def _misfit(team: Team, plan: prices.Plan) -> str:
    if plan.private_repositories is not None and team.private_repositories > plan.private_repositories:
        return f"only {plan.private_repositories} private repository"
    if plan.buyer == "one person" and team.members > 1:
        return "an account for one person"
    return ""


def compare(team: Team, paid: str = "annual") -> None:
    """Print the bill of every registry for this team, with why one does not fit and which price is unverified."""
    print(
        f"people: {_amount(team.members)} · private repositories: {team.private_repositories}"
        f" · GB stored: {_amount(team.gb_stored)}"
        f" · GB a month over the internet: {_amount(team.gb_pulled_over_the_internet)}\n"
    )
    rows = []
    sold = [plan.key for plan in prices.plans().values() if paid == "annual" or plan.usd_monthly is not None]
    for bill in [month(team), *(month(team, key, paid) for key in sold)]:
        remark = f"✘ {bill.misfit}" if bill.misfit else bill.note
        first, *more = bill.lines
        rows.append((bill.registry, first.what, usd_text(first.usd), "" if more else remark))
        rows += [("", line.what, usd_text(line.usd), "") for line in more]
        if more:
            rows.append(("", "together", usd_text(bill.usd), remark))
    width = max(len(row[2]) for row in rows)
    show.table([(a, b, usd.rjust(width), d) for a, b, usd, d in rows], ["registry", "what is paid", "USD", ""])
    print(f"\n{price_dates(paid)}")


def price_dates(paid: str, plan: str = "team") -> str:
    """The sentence with the dates of the prices."""
    bought = prices.plans()[plan]
    doubt = f" ({bought.name}: unverified)" if bought.unverified else ""
    return (
        f"Prices a month: ECR in us-east-1, {prices.facts()['as_of']}; "
        f"Docker Hub, paid {paid}, {bought.as_of}{doubt}. "
        "No tax, and no free tier of a new account."
    )


def usd_text(amount: float) -> str:
    """``usd_text(1234.5) == "1,234.50"``."""
    return f"{amount:,.2f}"


def _amount(number: float) -> str:
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
