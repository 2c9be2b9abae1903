"""What follows when something happens to images: who listens to which happening, and which job does the work.

Nothing is loaded here that does the work: a job's part is loaded by its first job.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from ..lifecycle import daily, previews
from . import happenings
from .backend import Backend
from .happenings import Deleted, Pushed
from .replication import backfill_table, listening, status

Handler = Callable[[dict[str, Any]], None]


def install() -> None:
    """To be called once, before anything happens."""
    for schema in (status.SCHEMA, backfill_table.SCHEMA):
        Backend.store.add(schema)
    happenings.on(Pushed, listening.pushed)
    happenings.on(Deleted, listening.deleted)
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


def _backfill() -> Handler:
    from .replication import backfill

    return backfill.run


def _lifecycle() -> Handler:
    from ..lifecycle import sweep

    return sweep.run
