"""Keeps the desired count of every service: one thread, which checks when a task has started or stopped.

A task that fails to start is tried again, with growing pauses. Source:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html
"""

import sys
import threading
import time

from moto.ecs.exceptions import ECSException
from moto.ecs.models import ecs_backends

from ecr_sandbox.aws.lazy_services import Services

from . import errors, startup
from .backend import Backend
from .deployments import Part, Service, plan
from .tasks import RUNNING, STOPPED

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds; on AWS up to 27 minutes


class ServiceScheduler:
    """Starts and stops the tasks of services."""

    def __init__(self, services: Services):
        self._services = services
        self._changed = threading.Condition()
        self._pending = self._ended = False
        self._not_before: dict[str, float] = {}  # ARN of a service: when it may start tasks again
        threading.Thread(target=self._work, name="ecs services", daemon=True).start()

    def notify(self) -> None:
        """Check the services again: a task or a service has changed."""
        with self._changed:
            self._pending = True
            self._changed.notify()

    def end(self) -> None:
        """Stop checking."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _work(self) -> None:
        while not self._ended:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._ended, self._pause())
                self._pending = False
            if self._ended:
                return
            try:
                with self._services.changing("ecs"):
                    self._reconcile_all()
            except Exception as error:  # a full disk: it is tried again at the next change
                print(f"The services of ECS could not be looked after: {error}", file=sys.stderr)

    def _pause(self) -> float | None:
        """Seconds until a service may try again, or None."""
        now = time.monotonic()
        return min((max(moment - now, 0) for moment in self._not_before.values() if moment > now), default=None)

    def _reconcile_all(self) -> None:
        for _, _, backend in ecs_backends.iter_backends():
            for service in backend.services.values():
                if service.status != "INACTIVE":
                    self._reconcile(backend, service)

    def _reconcile(self, backend: Backend, service: Service) -> None:
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
            service.add_event(f"has stopped 1 running tasks: (task {task.id}).")
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
                service.add_event(f"has started 1 tasks: (task {task.id}).")
        except ECSException as no:
            service.add_event(f"failed to launch a task with (error {no.message}).")
            self._delay(service)

    def _count_failures(self, backend: Backend, service: Service) -> None:
        """Count the tasks of a service that failed or exited."""
        for task in backend.tasks.get(service.cluster_name, {}).values():
            if task.group != service.group or task.status != STOPPED or task.counted:
                continue
            task.counted = True
            if task.stop_code in (errors.FAILED_TO_START, errors.ESSENTIAL_EXITED):
                service.newest.failed += task.deployment == service.newest.id
                service.steady = False
                self._delay(service)

    def _delay(self, service: Service) -> None:
        pause = min(FIRST_PAUSE * 2 ** min(service.newest.failed, 10), LONGEST_PAUSE)
        self._not_before[service.arn] = time.monotonic() + pause

    def _settle(self, backend: Backend, service: Service, has_tasks: bool) -> None:
        """Add the event of a steady state, or end the draining, when the service is there."""
        if service.status == "DRAINING":
            if not has_tasks:
                service.status = "INACTIVE"
                startup.mark(backend.store, service.arn, alive=False)
            return
        running = [each for each in backend.tasks_of(service) if each.status == each.desired == RUNNING]
        there = len(running) == service.desired and len(service.deployments) == 1
        if there and not service.steady:
            service.add_event("has reached a steady state.")
            service.newest.failed = 0
        service.steady = there
