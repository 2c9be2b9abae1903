"""The lines of a bill: what the meter counted, with prices; by the hour where a price depends on the earlier usage.

The usage types are AWS's for ECR: ``TimedStorage-ByteHrs``, ``DataTransfer-Out-Bytes`` for transfer to
the internet, ``USE1-EU-AWS-Out-Bytes`` for transfer to another Region, and, from AWS's price list of September 2026 as
public tools quote it, ``USE1-TimedStorage-Archive-ByteHrs`` and ``USE1-Retrieval-Archive``. Amazon Inspector's
usage types are not known: those two names are ours. Pulls, and copies inside the Region, are free and have no line.
The free tier of the first year is not subtracted; the first GB a month to the internet is. The minimum of 90 days for
archived images is not charged. Every Region has the prices of us-east-1.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from ecr_sandbox.registry.usage import GB, Meter, Usage
from ecr_sandbox.registry.usage_periods import begin

from . import prices

STORAGE, OUT = "TimedStorage-ByteHrs", "DataTransfer-Out-Bytes"
ARCHIVE, RETRIEVAL = "TimedStorage-Archive-ByteHrs", "Retrieval-Archive"
FIRST_SCAN, RESCAN = "ECR-InitialScan", "ECR-Rescan"

NOTHING = 1e-12  # larger than the rounding errors of floats

# Names in Cost Explorer. ECR has its first name there; Amazon Inspector charges for scans.
ECR, INSPECTOR = "Amazon EC2 Container Registry (ECR)", "Amazon Inspector"

# Usage types begin with the Region, except in us-east-1 and, for its older services, in eu-west-1.
# Source: AWS's usage reports as printed in public bills, ``USW2-TimedStorage-ByteHrs`` for ECR among them.
PREFIXES = {
    "us-east-2": "USE2",
    "us-west-1": "USW1",
    "us-west-2": "USW2",
    "ca-central-1": "CAN1",
    "sa-east-1": "SAE1",
    "eu-west-1": "EU",
    "eu-west-2": "EUW2",
    "eu-west-3": "EUW3",
    "eu-central-1": "EUC1",
    "eu-north-1": "EUN1",
    "eu-south-1": "EUS1",
    "ap-northeast-1": "APN1",
    "ap-northeast-2": "APN2",
    "ap-northeast-3": "APN3",
    "ap-southeast-1": "APS1",
    "ap-southeast-2": "APS2",
    "ap-south-1": "APS3",
    "ap-east-1": "APE1",
}


@dataclass(frozen=True)
class Line:
    """One priced amount: its time, place, usage type, quantity, price in dollars and service."""

    at: int
    region: str
    repository: str
    usage_type: str
    unit: str
    quantity: float
    usd: float
    service: str = ECR


def lines(meter: Meter, account: str, start: int, end: int, unit: str) -> list[Line]:
    """The charges of *account* from *start* to *end*, one line for each *unit* of time, repository and usage type."""
    return [*_flat(meter, account, start, end, unit), *_stepped(meter, account, start, end, unit)]


def usage_type(region: str, what: str) -> str:
    """AWS's name of a usage type in a Region; the prefix of an unlisted Region is its own name, as in KMS's."""
    return what if region == "us-east-1" else f"{_prefix(region)}-{what}"


def _prefix(region: str) -> str:
    """A Region's prefix in the usage types that always have one, also in us-east-1."""
    return "USE1" if region == "us-east-1" else PREFIXES.get(region, region)


def _flat(meter: Meter, account: str, start: int, end: int, unit: str) -> Iterable[Line]:
    """The charges with one price for any quantity."""
    used = meter.usage(start, end, account, ("region", "repository", "to", unit))
    for (region, repository, to, at), usage in used.items():
        for what, measured, quantity, price, service in _priced(region, to, usage):
            if quantity > NOTHING:
                yield Line(max(at, start), region, repository, what, measured, quantity, quantity * price, service)


def _priced(region: str, to: str, usage: Usage) -> Iterable[tuple[str, str, float, float, str]]:
    """Usage type, unit, quantity, price of one and service."""
    standard = usage.gb_months - usage.archived_gb_months
    yield usage_type(region, STORAGE), "GB-Mo", standard, prices.usd("storage"), ECR
    out_of_archive = prices.usd("archive_retrieval", "beside_ecr")
    yield f"{_prefix(region)}-{RETRIEVAL}", "GB", usage.retrieved / GB, out_of_archive, ECR
    if to != region:
        what = f"{_prefix(region)}-{_prefix(to)}-AWS-Out-Bytes"
        yield what, "GB", usage.replicated / GB, prices.replication(region, to), ECR
    yield usage_type(region, FIRST_SCAN), "Images", usage.scans, prices.usd("enhanced_scan"), INSPECTOR
    yield usage_type(region, RESCAN), "Images", usage.rescans, prices.usd("rescan", "beside_ecr"), INSPECTOR


def _stepped(meter: Meter, account: str, start: int, end: int, unit: str) -> Iterable[Line]:
    """The charges whose price falls with the month's quantity, so the sum starts with the month."""
    used = meter.usage(begin(start, "month"), end, account, ("hour", "region", "repository"))
    out = {key: usage.internet / GB for key, usage in used.items()}
    archived = {key: usage.archived_gb_months for key, usage in used.items()}
    for (at, region, repository), (gb, usd) in _summed(out, prices.internet, start, unit):
        yield Line(at, region, repository, usage_type(region, OUT), "GB", gb, usd)
    for (at, region, repository), (gb, usd) in _summed(archived, prices.archive, start, unit):
        yield Line(at, region, repository, f"{_prefix(region)}-{ARCHIVE}", "GB-Mo", gb, usd)


def _summed(
    used: dict[tuple, float], price: Callable[[float], float], start: int, unit: str
) -> Iterable[tuple[tuple[int, str, str], tuple[float, float]]]:
    """Amount and dollars of each *unit* of time since *start*, Region and repository; *price* is that of a month."""
    found: defaultdict[tuple[int, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    counted = sorted((key, amount) for key, amount in used.items() if amount)
    for _, month in groupby(counted, key=lambda each: begin(each[0][0], "month")):
        before = 0.0
        for hour, rows in groupby(month, key=lambda each: each[0][0]):
            shares = list(rows)
            amount = sum(share for _, share in shares)
            cost = price(before + amount) - price(before)
            before += amount
            for (_, region, repository), share in shares if hour >= start else ():
                line = found[max(begin(hour, unit), start), region, repository]
                line[0] += share
                line[1] += cost * share / amount
    for key, (amount, usd) in found.items():
        yield key, (amount, usd)
