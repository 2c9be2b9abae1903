"""What the whole course costs on AWS: what its notebooks use (``data/course_on_aws.json``), at today's known prices."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from ecr_sandbox import prices
from helpers.course import data

FILE = "course_on_aws.json"


@dataclass(frozen=True)
class Use:
    """Something that costs money: in which notebooks, and US dollars for all of it."""

    key: str
    notebooks: str
    what: str
    usd: float


@cache
def uses() -> dict[str, Use]:
    """What costs something in the course, by its key."""
    listed = (Use(each["key"], each["notebooks"], _text(each), _usd(each)) for each in data(FILE)["uses"])
    return {use.key: use for use in listed}


def total() -> float:
    """US dollars for the whole course with all exercises: the sum of the cents that ``uses`` shows."""
    return sum(round(use.usd, 2) for use in uses().values())


def creates() -> list[str]:
    """Every kind of thing that the course creates in an account."""
    return data(FILE)["creates"]


def enhanced_scans() -> Use:
    """What Amazon Inspector adds, in an account that scans every pushed image with it."""
    images = data(FILE)["pushed_images"]
    what = f"enhanced scans of at most {images} images, which this account has turned on"
    return Use("enhanced_scan", "00-15", what, images * prices.usd("enhanced_scan"))


def usd(key: str) -> float:
    """The price of one unit that ``ecr_sandbox.prices`` does not have: ``usd("cost_explorer") == 0.01``."""
    return next(each["usd"] for each in data(FILE)["prices"] if each["key"] == key)


def _text(use: dict[str, Any]) -> str:
    amount = f"{use['gb']} GB of" if "gb" in use else f"about {use['times']}"
    return f"{amount} {use['what']}"


def _usd(use: dict[str, Any]) -> float:
    if use["key"] == "storage":
        return use["gb"] * prices.usd("storage")
    if use["key"] == "internet":
        return prices.internet(use["gb"])
    if "minutes" not in use:
        return use["times"] * usd(use["key"])
    an_hour = use["vcpu"] * usd("vcpu_hour") + use["memory_gb"] * usd("memory_hour") + usd("address_hour")
    return use["times"] * use["minutes"] / 60 * an_hour
