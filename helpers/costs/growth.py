"""How much is stored month by month when nobody deletes anything, and when a lifecycle rule does."""

from math import inf

from ecr_sandbox import prices


def gb_months(added_gb: float, month: int = 1, kept_gb: float = inf) -> float:
    """The GB-months of the *month*-th month if storage grows evenly by *added_gb* a month, starting from nothing.

    A lifecycle rule keeps at most *kept_gb*. A ramp from 0 to 60 GB is 30 GB-months in its month:
    ``gb_months(60) == 30``, and ``gb_months(60, 2) == 90``. ValueError for a negative amount or a month before 1.
    """
    if added_gb < 0 or kept_gb < 0 or month < 1:
        raise ValueError(f"no growth: {added_gb} GB a month, {kept_gb} GB kept, month {month}")
    return _stored_until(added_gb, month, kept_gb) - _stored_until(added_gb, month - 1, kept_gb)


def usd_of_month(added_gb: float, month: int = 1, kept_gb: float = inf) -> float:
    """The price of storage in the *month*-th month, as in ``gb_months``."""
    return gb_months(added_gb, month, kept_gb) * prices.usd("storage")


def _stored_until(added_gb: float, months: int, kept_gb: float) -> float:
    """The GB-months of the first *months* months: a ramp, then level."""
    ramp = min(months, kept_gb / added_gb) if added_gb else months
    return added_gb * ramp**2 / 2 + (months - ramp) * (kept_gb if ramp < months else 0)
