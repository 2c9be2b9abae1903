"""The last events, as EventBridge would get them, for the console's page *Events*. They are not kept on disk."""

import uuid
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from ecr_sandbox.registry import events
from ecr_sandbox.registry.events import ImageEvent
from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store

from . import details

MOST = 200


def install(store: Store) -> Callable[[str, str], list[dict[str, Any]]]:
    """Keep events from now on. The result gives those of an account and a Region, the newest first."""
    kept: deque[dict[str, Any]] = deque(maxlen=MOST)

    def keep(image_event: ImageEvent) -> None:
        event = details.event(image_event, str(uuid.uuid4()), clock.now())
        store.once_committed(partial(kept.append, event))

    for kind in details.KINDS:
        events.subscribe(kind, keep)
    return lambda account, region: [
        each for each in reversed(list(kept)) if (each["account"], each["region"]) == (account, region)
    ]
