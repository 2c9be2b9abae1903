"""Every happening becomes a job that delivers its event, written with it; where EventBridge was never used, none."""

import json
import uuid

from ecr_sandbox.registry.events import ImageEvent
from ecr_sandbox.services.ecr.backend import Backend
from ecr_sandbox.state import clock

from . import details

JOB = "event"


def heard(happening: ImageEvent) -> None:
    """Something happened to an image."""
    if _may_have_rules(happening.account, happening.region):
        event = details.event(happening, str(uuid.uuid4()), clock.now())
        Backend.jobs.add(JOB, event=json.dumps(event))  # as a text its fields keep AWS's order


def _may_have_rules(account: str, region: str) -> bool:
    """Whether EventBridge was used there: then moto's is in the store. It need not be loaded to know that."""
    sought = "SELECT 1 FROM backends WHERE service = 'events' AND account = ? AND region = ?"
    return Backend.store.read().execute(sought, (account, region)).fetchone() is not None
