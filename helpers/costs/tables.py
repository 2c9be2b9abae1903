"""Bills as tables, each with the dates of its prices and a mark at those that are not verified."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from ecr_sandbox import prices
from helpers import show

from .model import Bill, Line, Team, amount_text, month, usd_text

MARK = "*"


def compare(team: Team, paid: str = "annual") -> None:
    """Print the bill of every registry for this team, with why one does not fit and which price is not verified."""
    print(
        f"people: {amount_text(team.members)} · private repositories: {team.private_repositories}"
        f" · GB stored: {amount_text(team.gb_stored)}"
        f" · GB a month over the internet: {amount_text(team.gb_pulled_over_the_internet)}\n"
    )
    sold = [plan.key for plan in prices.plans().values() if paid == "annual" or plan.usd_monthly is not None]
    bills = [month(team), *(month(team, key, paid) for key in sold)]
    print_bills(bills, "registry")
    print(f"\n{price_dates(paid)}")
    for note in notes(line for bill in bills for line in bill.lines):
        print(note)


def print_bills(bills: Iterable[Bill], heading: str) -> None:
    """Print a table of *bills*, one row for each line, and their sums."""
    rows = []
    for bill in bills:
        remark = f"✘ {bill.misfit}" if bill.misfit else bill.note
        first, *more = bill.lines
        rows.append((bill.registry, first.what, marked(first), "" if more else remark))
        rows += [("", line.what, marked(line), "") for line in more]
        if more:
            rows.append(("", "together", usd_text(bill.usd) + " ", remark))
    width = max(len(row[2]) for row in rows)
    columns = [heading, "what is paid", "USD"]
    if any(row[3] for row in rows):
        show.table([(a, b, usd.rjust(width), d) for a, b, usd, d in rows], [*columns, ""])
    else:
        show.table([(a, b, usd.rjust(width)) for a, b, usd, _ in rows], columns)


def notes(lines: Iterable[Line]) -> list[str]:
    """The prices of *lines* that are not verified, with source and date: a heading, and a line for each price."""
    keys = sorted({key for line in lines for key in line.prices})
    found = [each for each in prices.facts_of(keys) if not each["verified"]]
    if not found:
        return []
    return [f"{MARK} not verified on AWS's price page; from:", *(f"  {_described(each)}" for each in found)]


def price_dates(paid: str, plan: str = "team") -> str:
    """The sentence with the dates of the prices."""
    bought = prices.plans()[plan]
    doubt = "" if bought.verified else f" ({bought.name}: not verified)"
    return (
        f"Prices a month: ECR in {prices.facts()['region']}, {prices.facts()['as_of']}; "
        f"Docker Hub, paid {paid}, {bought.as_of}{doubt}. "
        "No tax, and no free tier of a new account."
    )


def marked(line: Line) -> str:
    """The amount of a line, with a mark if one of its prices is not verified."""
    verified = all(each["verified"] for each in prices.facts_of(line.prices))
    return usd_text(line.usd) + (" " if verified else MARK)


def _described(fact: dict) -> str:
    """``storage, compressed layers: $0.1 per GB-month (cloudburn.io, 2026-03)``."""
    host = urlsplit(fact["sources"][0].split()[0]).netloc or fact["sources"][0]
    price = f": ${fact['usd']:.10g} per {fact['per']}" if fact["usd"] else ""
    return f"{fact['name']}{price} ({host.removeprefix('www.')}, {fact['as_of']})"
