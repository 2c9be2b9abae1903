"""IAM's eventual consistency: authorization sees users, keys, roles and policies as they were some seconds ago.

A copy is made before each change, and used until the change is old enough. It is a simple model: on AWS each part of a
change may become visible at another time.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html, "Changes that I make are not always
immediately visible"
"""

import copy
import time
from types import SimpleNamespace
from typing import Any

from moto.iam.models import IAMBackend

from ecr_sandbox import delays

PARTS = ("users", "groups", "roles", "access_keys", "managed_policies", "tagger")

_copies: dict[str, list[tuple[float, Any]]] = {}  # by account: when a change was made, and what there was before


def changing(iam: IAMBackend) -> None:
    """Call it before a change of *iam*, under the lock of moto's backends."""
    now = time.monotonic()
    if delays.current.iam_change:
        before = SimpleNamespace(**copy.deepcopy({part: getattr(iam, part) for part in PARTS}))
        _copies[iam.account_id] = [*_recent(iam.account_id, now), (now, before)]


def seen(iam: IAMBackend) -> Any:
    """*iam*, or a copy of PARTS from before the first of the changes that have no effect yet."""
    recent = _recent(iam.account_id, time.monotonic())
    return recent[0][1] if recent else iam


def _recent(account: str, now: float) -> list[tuple[float, Any]]:
    return [each for each in _copies.get(account, ()) if each[0] > now - delays.current.iam_change]
