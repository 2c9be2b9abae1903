"""What follows when something happens to images: who listens to which happening, and which job does the work.

Nothing is loaded here that does the work: a job's part is loaded by its first job.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from ..lifecycle import daily, previews
from ..services import Services
from . import happenings
from .backend import Backend
from .events import details
from .events import listening as telling
from .happenings import Cached, Deleted, Pushed, StorageClassChanged
from .pull_through.checks import SCHEMA as CHECKS
from .pull_through.secrets import Secrets
from .replication import backfill_table, listening, status

Handler = Callable[[dict[str, Any]], None]


def install(services: Services) -> None:
    """To be called once, before anything happens; *services* are those that moto has beside ECR."""
    for schema in (status.SCHEMA, backfill_table.SCHEMA, CHECKS):
        Backend.store.add(schema)
    Secrets.services = services
    happenings.on(Pushed, listening.pushed)
    happenings.on(Cached, listening.cached)
    happenings.on(StorageClassChanged, listening.restored)
    happenings.on(Deleted, listening.deleted)
    for kind in details.TOLD:
        happenings.on(kind, telling.heard)
    Backend.jobs.on(telling.JOB, partial(_deliver, services))
    Backend.jobs.on("restored", _restored)
    Backend.jobs.on(listening.COPY, _replicate)
    Backend.jobs.on(listening.DELETE, _repeat_deletion)
    Backend.jobs.on(backfill_table.JOB, _backfill)
    Backend.jobs.on(daily.KIND, _lifecycle)
    Backend.jobs.on(previews.KIND, lambda: partial(previews.work_out, Backend.store))


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
    from .events import delivery

    def deliver(what: dict[str, Any]) -> None:
        with services.changing(*delivery.SERVICES):
            delivery.deliver(json.loads(what["event"]))

    return deliver


def _backfill() -> Handler:
    from .replication import backfill

    return backfill.run


def _lifecycle() -> Handler:
    from ..lifecycle import sweep

    return sweep.run
