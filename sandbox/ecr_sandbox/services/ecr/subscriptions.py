"""What follows when something happens to images: who listens to which happening, and which job does the work.

Nothing is loaded here that does the work: a job's part is loaded by its first job.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from ecr_sandbox.aws.lazy_services import Services
from ecr_sandbox.registry import events as events
from ecr_sandbox.registry.events import Cached, Deleted, Inspected, Pushed, StorageClassChanged
from ecr_sandbox.services.ecr.pull_through.checks import SCHEMA as CHECKS
from ecr_sandbox.services.ecr.pull_through.secrets import Secrets
from ecr_sandbox.services.ecr.scan.results import ACTIVE, COMPLETE
from ecr_sandbox.services.eventbridge import details
from ecr_sandbox.services.eventbridge import subscriptions as telling

from .backend import Backend
from .lifecycle import previews, schedule
from .replication import backfill_table, status, subscriptions

Handler = Callable[[dict[str, Any]], None]


def install(services: Services) -> None:
    """To be called once, before anything happens; *services* are those that moto has beside ECR."""
    for schema in (status.SCHEMA, backfill_table.SCHEMA, CHECKS):
        Backend.store.add(schema)
    Secrets.services = services
    events.subscribe(Pushed, subscriptions.pushed)
    events.subscribe(Cached, subscriptions.cached)
    events.subscribe(StorageClassChanged, subscriptions.restored)
    events.subscribe(Deleted, subscriptions.deleted)
    events.subscribe(Inspected, _put_on_the_bill)
    for kind in details.TOLD:
        events.subscribe(kind, telling.heard)
    Backend.jobs.on(telling.JOB, partial(_deliver, services))
    Backend.jobs.on("restored", _restored)
    Backend.jobs.on(subscriptions.COPY, _replicate)
    Backend.jobs.on(subscriptions.DELETE, _repeat_deletion)
    Backend.jobs.on(backfill_table.JOB, _backfill)
    Backend.jobs.on(schedule.KIND, _lifecycle)
    Backend.jobs.on(previews.KIND, lambda: partial(previews.work_out, Backend.store))


def _put_on_the_bill(scan: Inspected) -> None:
    """Inspector charges for images that it could scan."""
    if scan.status in (COMPLETE, ACTIVE):
        Backend.meter.scanned(scan.account, scan.region, scan.repository, scan.first)


def _restored() -> Handler:
    from . import archive

    return archive.tell_restored


def _replicate() -> Handler:
    from .replication import copying

    return copying.replicate


def _repeat_deletion() -> Handler:
    from .replication import copying

    return copying.repeat_deletion


def _deliver(services: Services) -> Handler:
    from ecr_sandbox.services.eventbridge import delivery

    def deliver(what: dict[str, Any]) -> None:
        with services.changing(*delivery.SERVICES):
            delivery.deliver(json.loads(what["event"]))

    return deliver


def _backfill() -> Handler:
    from .replication import backfill

    return backfill.run


def _lifecycle() -> Handler:
    from .lifecycle import apply

    return apply.run
