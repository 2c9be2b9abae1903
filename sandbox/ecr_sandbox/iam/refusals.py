"""The last requests that were refused, for the console's page *Access denied*. They are not kept on disk.

On AWS they are in CloudTrail, without the statement that decided.
"""

import time
from collections import deque
from dataclasses import dataclass

MOST = 100


@dataclass(frozen=True)
class Refusal:
    """One refused request; *decided_by* names the statement that denied it, and is empty if no policy allowed it."""

    at: float
    account: str
    user: str
    action: str
    resource: str
    sentence: str
    decided_by: str


_last: deque[Refusal] = deque(maxlen=MOST)


def note(account: str, user: str, action: str, resource: str, sentence: str, decided_by: str) -> None:
    """Keep a refusal."""
    _last.append(Refusal(time.time(), account, user, action, resource, sentence, decided_by))


def last(account: str) -> list[Refusal]:
    """The refusals of the *account*'s users and roles, the newest first."""
    return [each for each in reversed(list(_last)) if each.account == account]
