"""ECS with Fargate: a task pulls its image by its execution role's permissions and runs in the local Docker engine.

    responses.py    what the API is asked; fargate.py, network.py   what may be asked for
    backend.py      clusters, definitions, and our tasks.py and deployments.py
    life.py         a task's life: roles.py as whom, pulling.py from where (image_name.py), containers.py in
                    engines.py, awslogs.py what it says
    steady.py       keeps the count of services

This package is loaded by the first call of ECS, or at the start when an earlier run left tasks or services.
"""

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import moto.ecs.models
import moto.ecs.urls
from ecr_sandbox.auth.token import Tokens
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.state.store import Store

from . import errors as words
from . import startup
from .backend import Backend
from .responses import Response
from .service_scheduler import Steady
from .task_runner import Lives
from .tasks import STOPPED, Task

if TYPE_CHECKING:
    from ecr_sandbox.aws.lazy_services import Services


class Fargate:
    """What runs in the background for ECS."""

    def __init__(self, services: "Services", store: Store, tokens: Tokens, folder: Path):
        """Put our classes in the place of moto's. To be made before moto answers anything of ECS."""
        store.add(startup.SCHEMA)
        self._steady = Steady(services)
        self._lives = Lives(services, store, tokens, folder, self._steady.nudge)
        Backend.store, Backend.begin, Backend.end = store, self._lives.begin, self._lives.stop
        Backend.nudge = self._steady.nudge
        moto.ecs.models.ecs_backends.backend = Backend
        moto.ecs.urls.url_paths["{0}/$"] = Response.dispatch

    def recover(self) -> None:
        """After a restart: what ran does not run any more, which its tasks say; services start theirs again.

        To be called once the state is there, in a change.
        """
        left = False
        for _, _, backend in moto.ecs.models.ecs_backends.iter_backends():
            for tasks in backend.tasks.values():
                for task in tasks.values():
                    left = left or task.status != STOPPED
                    _lost(backend, task)
        if left or startup.brought(self._lives.store):
            threading.Thread(target=self._sweep, name="ecs sweep", daemon=True).start()
        self._steady.nudge()

    def _sweep(self) -> None:
        with suppress(SandboxError):  # no engine, nothing in it
            self._lives.sweep()

    def end(self) -> None:
        """The sandbox ends: no container stays."""
        self._steady.end()
        self._lives.end()


def _lost(backend: Backend, task: Task) -> None:
    if task.status == STOPPED:
        return
    task.stop(words.HOST_GONE, words.SANDBOX_WAS_STOPPED)
    task.move(STOPPED, "stoppingAt", "executionStoppedAt", "stoppedAt")
    for each in task.containers:
        each.status = STOPPED
    backend.ended(task)
