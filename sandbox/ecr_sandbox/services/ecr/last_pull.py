"""The last recorded pull time of an image, which ECR updates about once a day.

Source: API reference, ImageDetail, ``lastRecordedPullTime``: refreshed at least once every 24 hours.
"""

REFRESHED = 24 * 60 * 60  # seconds


def is_due(last: int | None, now: float) -> bool:
    """Whether to record a pull *now*, given the Unix time of the *last* recorded one."""
    return last is None or now - last >= REFRESHED
