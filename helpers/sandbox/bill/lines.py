"""The lines of a bill: what the meter counted, priced, hour by hour where a price depends on what went before.

The usage types are the ones AWS prints for ECR (``TimedStorage-ByteHrs``, and ``DataTransfer-Out-Bytes`` for what
goes to the internet). Pulls inside the Region cost nothing and make no line. The first year's free amount is not
taken off; the first GB a month to the internet is. Every Region is priced as us-east-1.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from helpers import prices

from .meter import GB, Meter
from .periods import begin

STORAGE, OUT = "TimedStorage-ByteHrs", "DataTransfer-Out-Bytes"

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
    """One priced amount: from when, where, of what, how much, for how many dollars."""

    at: int
    region: str
    repository: str
    usage_type: str
    unit: str
    quantity: float
    usd: float


def lines(meter: Meter, account: str, start: int, end: int, unit: str) -> list[Line]:
    """What *account* pays for from *start* to *end*, one line for each *unit* of time, repository and usage type."""
    return [*_storage(meter, account, start, end, unit), *_out(meter, account, start, end, unit)]


def usage_type(region: str, what: str) -> str:
    """AWS's name of a usage type in a Region; one that is not in our list lends its own name, as KMS's do."""
    return what if region == "us-east-1" else f"{PREFIXES.get(region, region)}-{what}"


def _storage(meter: Meter, account: str, start: int, end: int, unit: str) -> Iterable[Line]:
    used = meter.usage(start, end, account, ("region", "repository", unit))
    for (region, repository, at), usage in used.items():
        if usage.gb_months:
            kept = usage.gb_months
            what = usage_type(region, STORAGE)
            yield Line(max(at, start), region, repository, what, "GB-Mo", kept, kept * prices.usd("storage"))


def _out(meter: Meter, account: str, start: int, end: int, unit: str) -> Iterable[Line]:
    """The price falls as a month's gigabytes add up, so the count begins with the month, whoever asks for what."""
    used = meter.usage(begin(start, "month"), end, account, ("hour", "region", "repository"))
    sent = sorted((key, usage.internet / GB) for key, usage in used.items() if usage.internet)
    found: defaultdict[tuple[int, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for _, month in groupby(sent, key=lambda each: begin(each[0][0], "month")):
        before = 0.0
        for hour, rows in groupby(month, key=lambda each: each[0][0]):
            shares = list(rows)
            gb = sum(share for _, share in shares)
            cost = prices.internet(before + gb) - prices.internet(before)
            before += gb
            for (_, region, repository), share in shares if hour >= start else ():
                line = found[max(begin(hour, unit), start), region, repository]
                line[0] += share
                line[1] += cost * share / gb
    for (at, region, repository), (gb, cost) in found.items():
        yield Line(at, region, repository, usage_type(region, OUT), "GB", gb, cost)
