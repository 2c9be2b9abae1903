"""Whether a tag can be moved, decided from the repository's settings.

Source: ECR user guide, "Preventing image tags from being overwritten"; API reference, PutImageTagMutability.
"""

import re
from collections.abc import Iterable


def immutable(tag: str, mode: str, filters: Iterable[str] = ()) -> bool:
    """Whether *tag* is immutable under the repository's *mode* (``IMMUTABLE_WITH_EXCLUSION``, …) and *filters*."""
    excluded = any(_matches(tag, pattern) for pattern in filters)
    return {
        "MUTABLE": False,
        "IMMUTABLE": True,
        "MUTABLE_WITH_EXCLUSION": excluded,
        "IMMUTABLE_WITH_EXCLUSION": not excluded,
    }[mode]


def _matches(tag: str, pattern: str) -> bool:
    """``*`` matches any number of characters; every other character matches itself."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), tag, re.DOTALL) is not None
