"""Every image event adds a job that delivers it, in the same change, unless EventBridge was never used."""

import json
import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ecr_sandbox.registry import events
from ecr_sandbox.registry.events import ImageEvent
from ecr_sandbox.state import clock
from ecr_sandbox.state.jobs import Jobs
from ecr_sandbox.state.store import Store

from . import details

if TYPE_CHECKING:
    from ecr_sandbox.aws.lazy_services import Services

JOB = "event"


def install(store: Store, jobs: Jobs, services: "Services") -> None:
    """Subscribe to image events; call it once, before the first event. *services* loads what delivers them."""
    for kind in details.KINDS:
        events.subscribe(kind, partial(_add_job, store, jobs))
    jobs.on(JOB, partial(_deliver, services))


def _add_job(store: Store, jobs: Jobs, image_event: ImageEvent) -> None:
    if _may_have_rules(store, image_event.account, image_event.region):
        event = details.event(image_event, str(uuid.uuid4()), clock.now())
        jobs.add(JOB, event=json.dumps(event))  # as a text, its fields keep AWS's order


def _may_have_rules(store: Store, account: str, region: str) -> bool:
    """Whether EventBridge was used there. Its state is then in the store, so this does not load moto's EventBridge."""
    query = "SELECT 1 FROM backends WHERE service = 'events' AND account = ? AND region = ?"
    return store.read().execute(query, (account, region)).fetchone() is not None


def _deliver(services: "Services") -> Callable[[dict[str, Any]], None]:
    from . import delivery  # loaded by the first event

    def deliver(job: dict[str, Any]) -> None:
        with services.changing(*delivery.SERVICES):
            delivery.deliver(json.loads(job["event"]))

    return deliver
