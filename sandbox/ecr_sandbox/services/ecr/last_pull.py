"""When was an image last pulled? ECR notes it about once a day.

Source: API reference, ImageDetail, ``lastRecordedPullTime``: refreshed at least once every 24 hours.
"""

REFRESHED = 24 * 60 * 60  # seconds


def is_due(last: int | None, now: float) -> bool:
    """Whether a pull *now* is to be noted, when the *last* one noted was at that Unix time."""
    return last is None or now - last >= REFRESHED
