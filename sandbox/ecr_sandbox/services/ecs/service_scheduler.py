"""Keeps the desired count of every service: one thread, which looks when a task has come up or ended.

What does not come up is tried again, but ever more seldom. Source:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html
"""

import sys
import threading
import time

from ecr_sandbox.aws.lazy_services import Services
from moto.ecs.exceptions import ECSException
from moto.ecs.models import ecs_backends

from . import errors, startup
from .backend import Backend
from .deployments import Part, Service, plan
from .tasks import RUNNING, STOPPED

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds; on AWS up to 27 minutes


class Steady:
    """Looks after the services."""

    def __init__(self, services: Services):
        self._services = services
        self._news = threading.Condition()
        self._pending = self._ended = False
        self._not_before: dict[str, float] = {}  # by the ARN of a service: when it may start tasks again
        threading.Thread(target=self._work, name="ecs services", daemon=True).start()

    def nudge(self) -> None:
        """Something has changed."""
        with self._news:
            self._pending = True
            self._news.notify()

    def end(self) -> None:
        """Look after nothing any more."""
        with self._news:
            self._ended = True
            self._news.notify()

    def _work(self) -> None:
        while not self._ended:
            with self._news:
                self._news.wait_for(lambda: self._pending or self._ended, self._pause())
                self._pending = False
            if self._ended:
                return
            try:
                with self._services.changing("ecs"):
                    self._look()
            except Exception as error:  # a full disk: it is tried again with the next news
                print(f"The services of ECS could not be looked after: {error}", file=sys.stderr)

    def _pause(self) -> float | None:
        """Seconds until a service may try again, or None."""
        now = time.monotonic()
        return min((max(moment - now, 0) for moment in self._not_before.values() if moment > now), default=None)

    def _look(self) -> None:
        for _, _, backend in ecs_backends.iter_backends():
            for service in backend.services.values():
                if service.status != "INACTIVE":
                    self._look_after(backend, service)

    def _look_after(self, backend: Backend, service: Service) -> None:
        self._count_failures(backend, service)
        tasks = [each for each in backend.tasks_of(service) if each.desired == RUNNING]
        newest = service.newest.id
        parts = [Part(each.arn, each.deployment == newest, each.status == RUNNING) for each in tasks]
        todo = plan(service.desired, service.lowest, service.highest, parts)
        self._start(backend, service, todo.start)
        for arn in todo.stop:
            task = backend.find_task(arn)
            assert task
            backend.stop(task, errors.BY_SCHEDULER, errors.scaling(task.deployment))
            service.tell(f"has stopped 1 running tasks: (task {task.id}).")
        left = {each.deployment for each in backend.tasks_of(service)}
        service.deployments = [each for each in service.deployments if each.id in left or each.id == newest]
        self._settle(backend, service, bool(left))

    def _start(self, backend: Backend, service: Service, count: int) -> None:
        if not count or self._not_before.get(service.arn, 0) > time.monotonic():
            return
        try:
            definition = backend.describe_task_definition(service.newest.definition)
            cluster = backend.clusters[service.cluster_name]
            for _ in range(count):
                newest = service.newest
                task = backend.add_task(
                    cluster, definition, service.group, newest.id, newest.network, {}, [], deployment=newest.id
                )
                service.tell(f"has started 1 tasks: (task {task.id}).")
        except ECSException as no:
            service.tell(f"failed to launch a task with (error {no.message}).")
            self._put_off(service)

    def _count_failures(self, backend: Backend, service: Service) -> None:
        """What a service's tasks came to that ended by themselves."""
        for task in backend.tasks.get(service.cluster_name, {}).values():
            if task.group != service.group or task.status != STOPPED or task.counted:
                continue
            task.counted = True
            if task.stop_code in (errors.FAILED_TO_START, errors.ESSENTIAL_EXITED):
                service.newest.failed += task.deployment == service.newest.id
                service.steady = False
                self._put_off(service)

    def _put_off(self, service: Service) -> None:
        pause = min(FIRST_PAUSE * 2 ** min(service.newest.failed, 10), LONGEST_PAUSE)
        self._not_before[service.arn] = time.monotonic() + pause

    def _settle(self, backend: Backend, service: Service, has_tasks: bool) -> None:
        """Say so when everything is as it should be."""
        if service.status == "DRAINING":
            if not has_tasks:
                service.status = "INACTIVE"
                startup.mark(backend.store, service.arn, alive=False)
            return
        running = [each for each in backend.tasks_of(service) if each.status == each.desired == RUNNING]
        there = len(running) == service.desired and len(service.deployments) == 1
        if there and not service.steady:
            service.tell("has reached a steady state.")
            service.newest.failed = 0
        service.steady = there
