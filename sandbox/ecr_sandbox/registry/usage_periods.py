"""Hours, days and months of UTC, the time that AWS bills by."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

HOUR = 3600
UNITS = ("hour", "day", "month")


def begin(at: float, unit: str) -> int:
    """The Unix time at which the hour, day or month of *at* began."""
    hour = datetime.fromtimestamp(at, UTC).replace(minute=0, second=0, microsecond=0)
    day = hour if unit == "hour" else hour.replace(hour=0)
    return int((day.replace(day=1) if unit == "month" else day).timestamp())


def after(at: float, unit: str) -> int:
    """The Unix time at which the next hour, day or month begins."""
    first = datetime.fromtimestamp(begin(at, unit), UTC)
    if unit == "month":
        return int((first + timedelta(days=32)).replace(day=1).timestamp())
    return int((first + (timedelta(hours=1) if unit == "hour" else timedelta(days=1))).timestamp())


def months_before(at: float, count: int) -> int:
    """The beginning of the day *count* months before *at*; a day that this month lacks is its first."""
    day = datetime.fromtimestamp(begin(at, "day"), UTC)
    year, month = divmod(day.year * 12 + day.month - 1 - count, 12)
    try:
        return int(day.replace(year=year, month=month + 1).timestamp())
    except ValueError:
        return int(day.replace(year=year, month=month + 1, day=1).timestamp())


def pieces(start: int, end: int, unit: str) -> Iterator[tuple[int, int]]:
    """The time from *start* to *end*, cut where an hour, day or month ends."""
    while start < end:
        until = min(end, after(start, unit))
        yield start, until
        start = until


def seconds_in_month(at: float) -> int:
    """How long the month of *at* is."""
    return after(at, "month") - begin(at, "month")
