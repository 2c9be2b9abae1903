"""The background work of ECS: what runs tasks and keeps services, from the first call to the sandbox's stop."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import moto.ecs.models
import moto.ecs.urls

from ecr_sandbox.errors import SandboxError
from ecr_sandbox.state.store import Store

from . import errors, startup
from .api import Response
from .backend import Backend
from .image_pull import Registries
from .service_scheduler import ServiceScheduler
from .task_runner import TaskRunners
from .tasks import STOPPED, Task

if TYPE_CHECKING:
    from ecr_sandbox.aws.lazy_services import Services


class Fargate:
    """The background work of ECS."""

    def __init__(self, services: "Services", store: Store, registries: Registries, folder: Path):
        """Replace moto's classes by ours; create it before moto's first answer for ECS."""
        store.add(startup.SCHEMA)
        self._scheduler = ServiceScheduler(services)
        self._runners = TaskRunners(services, store, registries, folder, self._scheduler.notify)
        Backend.store, Backend.begin, Backend.end = store, self._runners.begin, self._runners.stop
        Backend.notify = self._scheduler.notify
        moto.ecs.models.ecs_backends.backend = Backend
        moto.ecs.urls.url_paths["{0}/$"] = Response.dispatch

    def recover(self) -> None:
        """After a restart: mark the tasks that ran as stopped; services start new ones.

        Call it once the state is restored, within a change.
        """
        left = False
        for _, _, backend in moto.ecs.models.ecs_backends.iter_backends():
            for tasks in backend.tasks.values():
                for task in tasks.values():
                    left = left or task.status != STOPPED
                    _lost(backend, task)
        if left or startup.pulled_images(self._runners.store):
            threading.Thread(target=self._clean_up, name="ecs clean-up", daemon=True).start()
        self._scheduler.notify()

    def _clean_up(self) -> None:
        with suppress(SandboxError):  # without an engine there are no containers
            self._runners.clean_up()

    def end(self) -> None:
        """Stop every task and remove its containers: the sandbox stops."""
        self._scheduler.end()
        self._runners.end()


def _lost(backend: Backend, task: Task) -> None:
    if task.status == STOPPED:
        return
    task.stop(errors.HOST_GONE, errors.SANDBOX_WAS_STOPPED)
    task.move(STOPPED, "stoppingAt", "executionStoppedAt", "stoppedAt")
    for each in task.containers:
        each.status = STOPPED
    backend.ended(task)
