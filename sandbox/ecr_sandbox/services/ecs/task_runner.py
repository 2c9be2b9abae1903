"""Runs tasks: one thread each, from PROVISIONING to STOPPED; the state in the store follows the container's.

Source of the order of states: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.ecs.models import ecs_backends
from moto.sts.models import AssumedRole

from ecr_sandbox import delays
from ecr_sandbox.aws.lazy_services import Services
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.registry import image_name
from ecr_sandbox.state.store import Store

from . import awslogs, containers, errors, fargate, image_pull, roles, startup
from .containers import Limits
from .engine import Engines
from .image_pull import NotStarted, Registries
from .tasks import ACTIVATING, DEACTIVATING, DEPROVISIONING, PENDING, RUNNING, STOPPED, STOPPING, Container, Task

if TYPE_CHECKING:
    from docker.models.containers import Container as Running

AT_THE_END = 3.0  # seconds that the sandbox's stop waits for a task
Key = tuple[str, str, str]  # account, Region, ARN


class Cancelled(Exception):
    """The sandbox is stopping, or the task no longer exists: do not write its state."""


class TaskRunners:
    """The running tasks; *notify* is called when one has started or stopped."""

    def __init__(
        self, services: Services, store: Store, registries: Registries, folder: Path, notify: Callable[[], None]
    ):
        self.services, self.store, self.registries, self.folder, self.notify = (
            services,
            store,
            registries,
            folder,
            notify,
        )
        self.engines, self.shipper = Engines(folder), awslogs.Shipper(services)
        self.ended = False
        self._by_key: dict[Key, TaskRunner] = {}

    def begin(self, key: Key) -> None:
        """Run this task, which is in the store."""
        runner = self._by_key[key] = TaskRunner(self, key)
        runner.thread.start()

    def stop(self, key: Key) -> None:
        """Stop this task; the reason is already in the store."""
        if runner := self._by_key.get(key):
            runner.request_stop()

    def end(self) -> None:
        """Stop every task, remove its containers, and write the lines that they printed: the sandbox stops."""
        self.ended = True
        ending = list(self._by_key.values())
        for runner in ending:
            runner.request_stop()
        for runner in ending:
            runner.thread.join(AT_THE_END)  # one that pulls an image does not notice
        if self.engines.used:
            self.clean_up()
        self.shipper.end()

    def clean_up(self) -> None:
        """Remove the containers and images of this sandbox from the engine."""
        self.engines.remove_containers()
        self.remove_images(startup.pulled_images(self.store))

    def remove_images(self, names: Iterable[str]) -> None:
        """Remove those of the images that were pulled for tasks and that no container uses."""
        for name in startup.pulled_images(self.store) & set(names):
            if containers.remove_image(self.engines.one(), name):
                startup.record_image(self.store, name, there=False)

    def drop(self, key: Key) -> None:
        """Drop a task that has stopped."""
        self._by_key.pop(key, None)


class TaskRunner:
    """Runs one task."""

    def __init__(self, runners: TaskRunners, key: Key):
        self._runners, self._key = runners, key
        self.thread = threading.Thread(target=self.run, name=f"task {key[2]}", daemon=True)
        self._changed = threading.Condition()
        self._stop_requested = False
        self._running: dict[str, Running] = {}
        self._codes: dict[str, int | None] = {}  # exit codes of containers
        self._streams: dict[str, awslogs.Stream | None] = {}
        self._watchers: list[threading.Thread] = []
        self._images: dict[str, str] = {}
        self._names: list[str] = []  # of images, in the engine

    def request_stop(self) -> None:
        with self._changed:
            self._stop_requested = True
            self._changed.notify_all()

    def run(self) -> None:
        """Run the task to its end; on any error it stops with a reason."""
        try:
            self._run()
        except Cancelled:
            pass
        except Exception as error:
            if not self._runners.ended:
                print(f"A task broke down: {type(error).__name__}: {error}", file=sys.stderr)
            with suppress(Cancelled):
                self._end(errors.FAILED_TO_START, errors.no_engine(" ".join(str(error).split())))
        finally:
            if self._runners.ended:
                self._remove_containers()
            self._runners.drop(self._key)

    def _run(self) -> None:
        try:
            self._start_up()
            self._wait(self._must_stop)
        except NotStarted as no:
            self._end(errors.FAILED_TO_START, str(no))
            return
        self._end(errors.ESSENTIAL_EXITED, errors.ESSENTIAL_CONTAINER_EXITED)

    def _start_up(self) -> None:
        with self._changing() as task:
            task.move(PENDING, "connectivityAt", "pullStartedAt")
        self._wait(lambda: self._stop_requested, delays.current.fargate_start)
        with self._as_execution_role(task) as made:
            self._pull(task, made)
            with self._changing("ecs", "logs") as task:
                task.move(ACTIVATING, "pullStoppedAt")
                for each in task.containers:
                    self._streams[each.name] = awslogs.opened(task, each, made)
        self._start(task)
        with self._changing() as task:
            if not self._stop_requested:
                task.move(RUNNING, "startedAt")
        self._runners.notify()

    def _pull(self, task: Task, made: AssumedRole | None) -> None:
        if made and any(image_name.registry_account(each.image) for each in task.containers):
            self._runners.registries.authorize(made, task.region)
        try:
            engine = self._runners.engines.one()
        except SandboxError as none:
            raise NotStarted(errors.no_engine(str(none))) from None
        for each in task.containers:
            try:
                found = self._runners.registries.find(each.image, task.platform, made)
                self._images[each.name], new = image_pull.pull(engine, found, task.platform)
            except NotStarted as no:
                self._note(each.name, reason=str(no))
                raise
            self._names.append(found.name)
            if new:
                startup.record_image(self._runners.store, found.name, there=True)
            self._note(each.name, image_digest=found.digest)

    def _start(self, task: Task) -> None:
        """Start the containers, each when its dependencies meet their conditions."""
        cpu, memory = task.size
        order = fargate.in_order([each.definition for each in task.containers])
        parts = dict(zip((each["name"] for each in order), fargate.shares(cpu, memory, order), strict=True))
        home = next(each["name"] for each in order if each.get("essential", True))  # its network is the task's
        for definition in order:
            if not self._is_ready(definition):
                return
            each = task.container(definition["name"])
            at_home = self._running[home].id if home in self._running else ""
            self._start_one(task, each, Limits(*parts[each.name]), at_home, each.name == home)

    def _start_one(self, task: Task, each: Container, limits: Limits, network_of: Any, opens: bool) -> None:
        import docker.errors

        engine, image = self._runners.engines.one(), self._images[each.name]
        ports = containers.published(task.containers) if opens else {}
        try:
            running = containers.create(engine, task, each, image, limits, network_of, ports, self._runners.folder)
            self._running[each.name] = running
            if not containers.runs_here(engine, image, task.platform):
                self._refused_by_the_kernel(each, running)
                return
            running.start()
        except docker.errors.APIError as error:
            reason = errors.cannot_start(str(error.explanation or error))
            self._note(each.name, reason=reason)
            raise NotStarted(reason) from None
        self._watch(each.name, running)
        if opens:
            found = containers.reachable(running)
            with self._changing() as now:
                now.address, now.mac = found.address, found.mac
                for one in now.containers:
                    one.bindings = found.bindings(one)
        self._note(each.name, status=RUNNING, runtime_id=f"{task.id}-{str(running.id)[:10]}")

    def _refused_by_the_kernel(self, each: Container, running: "Running") -> None:
        """As on Fargate, whose hosts have one kind of processor: the container exits immediately with code 1."""
        if stream := self._streams.get(each.name):
            self._runners.shipper.add(stream, awslogs.now(), errors.exec_format(containers.program(running)))
        self._has_ended(each.name, 1, "")

    def _is_ready(self, definition: Any) -> bool:
        """Wait until the container's dependencies meet their conditions; False if the task must stop before."""
        for dependency in definition.get("dependsOn") or []:
            name, condition = dependency["containerName"], dependency["condition"]
            if condition == "START":
                continue  # started before this one
            self._wait(lambda name=name: name in self._codes or self._must_stop())  # type: ignore[misc]
            if condition == "SUCCESS" and self._codes.get(name, 0) != 0:
                raise NotStarted(errors.dependency_failed(name, self._codes[name]))
        return not self._must_stop()

    def _must_stop(self) -> bool:
        essential = {each.name for each in self._task().containers if each.essential}
        return self._stop_requested or bool(essential & set(self._codes))

    def _wait(self, until: Callable[[], bool], limit: float | None = None) -> None:
        with self._changed:
            self._changed.wait_for(until, limit)
        if self._runners.ended:
            raise Cancelled

    def _watch(self, name: str, running: "Running") -> None:
        """Write its lines to the log as they come, and record its exit."""
        watcher = threading.Thread(target=self._watch_to_the_end, args=(name, running), daemon=True)
        self._watchers.append(watcher)
        watcher.start()

    def _watch_to_the_end(self, name: str, running: "Running") -> None:
        code, reason = None, ""
        try:
            for moment, text in containers.lines(running):
                if stream := self._streams.get(name):
                    self._runners.shipper.add(stream, moment, text)
            code, out_of_memory = containers.end(running)
            reason = errors.OUT_OF_MEMORY if out_of_memory else ""
        except Exception as error:  # it was removed, or the engine is gone
            reason = "" if self._runners.ended else errors.no_engine(" ".join(str(error).split()))
        with suppress(Cancelled):
            self._has_ended(name, code, reason)

    def _has_ended(self, name: str, code: int | None, reason: str) -> None:
        try:
            if not delays.current.log_events:
                self._runners.shipper.flush()
            self._note(name, status=STOPPED, exit_code=code, reason=reason)
        finally:
            with self._changed:
                self._codes[name] = code
                self._changed.notify_all()

    def _end(self, code: str, reason: str) -> None:
        with self._changing() as task:
            task.stop(code, reason)
            came_up = "startedAt" in task.times
            if came_up:
                task.move(DEACTIVATING, "stoppingAt")
        if came_up:
            with self._changing() as task:
                task.move(STOPPING)
        self._stop_containers(task)
        with self._changing() as task:
            task.move(DEPROVISIONING, "stoppingAt", "executionStoppedAt")
        self._remove_containers()
        with self._changing() as task:
            task.move(STOPPED, "stoppedAt")
            for each in task.containers:
                each.status = STOPPED
            backend_of(self._key).ended(task)
        self._runners.notify()

    def _stop_containers(self, task: Task) -> None:
        seconds = {each.name: each.definition.get("stopTimeout", containers.DEFAULT_STOP) for each in task.containers}
        alive = [name for name in self._running if name not in self._codes]
        stopping = [
            threading.Thread(target=containers.stop, args=(self._running[name], seconds[name]), daemon=True)
            for name in alive
        ]
        for each in stopping:
            each.start()
        for each in [*stopping, *self._watchers]:
            each.join()

    def _remove_containers(self) -> None:
        for running in reversed(self._running.values()):
            containers.remove(running)
        self._runners.remove_images(self._names)

    @contextmanager
    def _as_execution_role(self, task: Task) -> Iterator[AssumedRole | None]:
        role = task.execution_role
        if not role:
            yield None
            return
        with self._runners.store.lock:
            trusted = roles.trusts(role, task.region)
        if not trusted:
            raise NotStarted(errors.cannot_assume_sentence(role))
        with roles.session(self._runners.services, role, task.id, task.region) as made:
            yield made

    def _note(self, name: str, **what: Any) -> None:
        with self._changing() as task:
            for field, value in what.items():
                setattr(task.container(name), field, value)

    def _task(self) -> Task:
        found = backend_of(self._key).find_task(self._key[2])
        if found is None:
            raise Cancelled
        return found

    @contextmanager
    def _changing(self, *services: str) -> Iterator[Task]:
        """A change of the task; it is stored when this context ends."""
        if self._runners.ended:
            raise Cancelled
        with self._runners.services.changing(*(services or ("ecs",))):
            yield self._task()


def backend_of(key: Key) -> Any:
    """ECS's state in the account and Region of a task."""
    return ecs_backends[key[0]][key[1]]
