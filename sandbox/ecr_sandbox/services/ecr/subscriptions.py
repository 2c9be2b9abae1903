"""Which image events ECR itself subscribes to, and which function runs each kind of job.

The first job of a kind loads the module that runs it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from ecr_sandbox.aws.lazy_services import Services
from ecr_sandbox.registry import events
from ecr_sandbox.registry.events import Cached, Deleted, Pushed, StorageClassChanged
from ecr_sandbox.services.ecr.pull_through.checks import SCHEMA as CHECKS
from ecr_sandbox.services.ecr.pull_through.credentials import Credentials

from .backend import Backend
from .lifecycle import previews, schedule
from .replication import backfill_table, status, subscriptions

Handler = Callable[[dict[str, Any]], None]


def install(services: Services, public_credentials: Callable[[str], tuple[str, str]]) -> None:
    """Subscribe; call it once, before the first event.

    *services* are moto's services besides ECR; *public_credentials* gives an account's user and password of ECR Public.
    """
    for schema in (status.SCHEMA, backfill_table.SCHEMA, CHECKS):
        Backend.store.add(schema)
    Credentials.services, Credentials.ecr_public = services, public_credentials
    events.subscribe(Pushed, subscriptions.pushed)
    events.subscribe(Cached, subscriptions.cached)
    events.subscribe(StorageClassChanged, subscriptions.restored)
    events.subscribe(Deleted, subscriptions.deleted)
    Backend.jobs.on("restored", _restored)
    Backend.jobs.on(subscriptions.COPY, _replicate, _give_up_replication)
    Backend.jobs.on(subscriptions.DELETE, _repeat_deletion)
    Backend.jobs.on(backfill_table.JOB, _backfill, _give_up_backfill)
    Backend.jobs.on(schedule.KIND, _lifecycle, _skip_lifecycle)
    Backend.jobs.on(previews.KIND, lambda: partial(previews.run, Backend.store))


def _restored() -> Handler:
    from . import archive

    return archive.publish_restored


def _replicate() -> Handler:
    from .replication import copying

    return copying.replicate


def _give_up_replication() -> Handler:
    from .replication import copying

    return copying.give_up


def _repeat_deletion() -> Handler:
    from .replication import copying

    return copying.repeat_deletion


def _backfill() -> Handler:
    from .replication import backfill

    return backfill.run


def _give_up_backfill() -> Handler:
    from .replication import backfill

    return backfill.give_up


def _lifecycle() -> Handler:
    from . import lifecycle_apply

    return lifecycle_apply.run


def _skip_lifecycle() -> Handler:
    from . import lifecycle_apply

    return lifecycle_apply.skip
