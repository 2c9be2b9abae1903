"""The life of tasks: one thread each, from PROVISIONING to STOPPED; the state in the store follows the container's.

Source of the order of states: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecr_sandbox.auth.token import Tokens
from ecr_sandbox.aws.lazy_services import Services
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.registry import image_name
from ecr_sandbox.state.store import Store
from moto.ecs.models import ecs_backends
from moto.sts.models import AssumedRole

from . import awslogs, containers, fargate, image_pull, roles, startup
from . import errors as words
from .containers import Limits
from .engine import Engines
from .image_pull import NotStarted
from .tasks import ACTIVATING, DEACTIVATING, DEPROVISIONING, PENDING, RUNNING, STOPPED, STOPPING, Container, Task

if TYPE_CHECKING:
    from docker.models.containers import Container as Running

AT_THE_END = 3.0  # seconds that the end of the sandbox waits for that of a task
Key = tuple[str, str, str]  # account, Region, ARN


class Ended(Exception):
    """The sandbox is being stopped, or the task is not known any more: nothing is to be written."""


class Lives:
    """The tasks that are alive; *nudge* is called when one has come up or ended."""

    def __init__(self, services: Services, store: Store, tokens: Tokens, folder: Path, nudge: Callable[[], None]):
        self.services, self.store, self.tokens, self.folder, self.nudge = services, store, tokens, folder, nudge
        self.engines, self.shipper = Engines(folder), awslogs.Shipper(services)
        self.ended = False
        self._lives: dict[Key, Life] = {}

    def begin(self, key: Key) -> None:
        """Let this task, which is in the store, live."""
        life = self._lives[key] = Life(self, key)
        life.thread.start()

    def stop(self, key: Key) -> None:
        """Let this task end: the store says already why."""
        if life := self._lives.get(key):
            life.ask_to_end()

    def end(self) -> None:
        """The sandbox ends, and with it every container."""
        self.ended = True
        self.shipper.end()
        ending = list(self._lives.values())
        for life in ending:
            life.ask_to_end()
        for life in ending:
            life.thread.join(AT_THE_END)  # one that pulls an image does not hear
        if self.engines.used:
            self.sweep()

    def sweep(self) -> None:
        """Let nothing stay in the engine of what this sandbox had there."""
        self.engines.sweep()
        self.forget_images(startup.brought(self.store))

    def forget_images(self, names: Iterable[str]) -> None:
        """Remove those of the images that were brought for tasks and that no container uses any more."""
        for name in startup.brought(self.store) & set(names):
            if containers.forget_image(self.engines.one(), name):
                startup.note_image(self.store, name, there=False)

    def forget(self, key: Key) -> None:
        """This task has come to its end."""
        self._lives.pop(key, None)


class Life:
    """One task, while it lives."""

    def __init__(self, lives: Lives, key: Key):
        self._lives, self._key = lives, key
        self.thread = threading.Thread(target=self.run, name=f"task {key[2]}", daemon=True)
        self._news = threading.Condition()
        self._asked = False
        self._running: dict[str, Running] = {}
        self._codes: dict[str, int | None] = {}  # of containers that have ended
        self._streams: dict[str, awslogs.Stream | None] = {}
        self._watchers: list[threading.Thread] = []
        self._images: dict[str, str] = {}
        self._names: list[str] = []  # what the engine calls them

    def ask_to_end(self) -> None:
        with self._news:
            self._asked = True
            self._news.notify_all()

    def run(self) -> None:
        """The whole life; whatever goes wrong, the task ends and says so."""
        try:
            self._run()
        except Ended:
            pass
        except Exception as error:
            if not self._lives.ended:
                print(f"A task broke down: {type(error).__name__}: {error}", file=sys.stderr)
            with suppress(Ended):
                self._end(words.FAILED_TO_START, words.no_engine(" ".join(str(error).split())))
        finally:
            if self._lives.ended:
                self._remove_containers()
            self._lives.forget(self._key)

    def _run(self) -> None:
        try:
            self._bring_up()
            self._wait(self._has_to_end)
        except NotStarted as no:
            self._end(words.FAILED_TO_START, str(no))
            return
        self._end(words.ESSENTIAL_EXITED, words.ESSENTIAL_CONTAINER_EXITED)

    def _bring_up(self) -> None:
        with self._changing() as task:
            task.move(PENDING, "connectivityAt", "pullStartedAt")
        with self._as_execution_role(task) as made:
            self._pull(task, made)
            with self._changing("ecs", "logs") as task:
                task.move(ACTIVATING, "pullStoppedAt")
                for each in task.containers:
                    self._streams[each.name] = awslogs.opened(task, each, made)
        self._start(task)
        with self._changing() as task:
            if not self._asked:
                task.move(RUNNING, "startedAt")
        self._lives.nudge()

    def _pull(self, task: Task, made: AssumedRole | None) -> None:
        if made and any(image_name.registry_account(each.image) for each in task.containers):
            image_pull.authorize(made, task.region)
        try:
            engine = self._lives.engines.one()
        except SandboxError as none:
            raise NotStarted(words.no_engine(str(none))) from None
        for each in task.containers:
            try:
                found = image_pull.find(each.image, task.platform, made, self._lives.tokens)
                self._images[each.name], new = image_pull.pull(engine, found, task.platform)
            except NotStarted as no:
                self._note(each.name, reason=str(no))
                raise
            self._names.append(found.name)
            if new:
                startup.note_image(self._lives.store, found.name, there=True)
            self._note(each.name, image_digest=found.digest)

    def _start(self, task: Task) -> None:
        """Start the containers, each when those that it depends on are as far as it wants them."""
        cpu, memory = task.size
        order = fargate.in_order([each.definition for each in task.containers])
        parts = dict(zip((each["name"] for each in order), fargate.shares(cpu, memory, order), strict=True))
        home = next(each["name"] for each in order if each.get("essential", True))  # whose network is the task's
        for definition in order:
            if not self._is_ready(definition):
                return
            each = task.container(definition["name"])
            at_home = self._running[home].id if home in self._running else ""
            self._start_one(task, each, Limits(*parts[each.name]), at_home, each.name == home)

    def _start_one(self, task: Task, each: Container, limits: Limits, beside: Any, opens: bool) -> None:
        import docker.errors

        engine, image = self._lives.engines.one(), self._images[each.name]
        ports = containers.published(task.containers) if opens else {}
        try:
            running = containers.create(engine, task, each, image, limits, beside, ports, self._lives.folder)
            self._running[each.name] = running
            if not containers.runs_here(engine, image, task.platform):
                self._refused_by_the_kernel(each, running)
                return
            running.start()
        except docker.errors.APIError as error:
            reason = words.cannot_start(str(error.explanation or error))
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
        """As on Fargate, whose machines have one kind of processor: it starts, and ends at once with code 1."""
        if stream := self._streams.get(each.name):
            self._lives.shipper.add(stream, awslogs.now(), words.exec_format(containers.program(running)))
        self._has_ended(each.name, 1, "")

    def _is_ready(self, definition: Any) -> bool:
        """Wait until what the container depends on is as it wants it; False if the task has to end before."""
        for dependency in definition.get("dependsOn") or []:
            name, condition = dependency["containerName"], dependency["condition"]
            if condition == "START":
                continue  # it was started before this one
            self._wait(lambda name=name: name in self._codes or self._has_to_end())  # type: ignore[misc]
            if condition == "SUCCESS" and self._codes.get(name, 0) != 0:
                raise NotStarted(words.dependency_failed(name, self._codes[name]))
        return not self._has_to_end()

    def _has_to_end(self) -> bool:
        essential = {each.name for each in self._task().containers if each.essential}
        return self._asked or bool(essential & set(self._codes))

    def _wait(self, until: Callable[[], bool]) -> None:
        with self._news:
            self._news.wait_for(until)
        if self._lives.ended:
            raise Ended

    def _watch(self, name: str, running: "Running") -> None:
        """Send its lines on as they come, and note its end."""
        watcher = threading.Thread(target=self._watch_to_the_end, args=(name, running), daemon=True)
        self._watchers.append(watcher)
        watcher.start()

    def _watch_to_the_end(self, name: str, running: "Running") -> None:
        code, reason = None, ""
        try:
            for moment, text in containers.lines(running):
                if stream := self._streams.get(name):
                    self._lives.shipper.add(stream, moment, text)
            code, out_of_memory = containers.end(running)
            reason = words.OUT_OF_MEMORY if out_of_memory else ""
        except Exception as error:  # somebody removed it, or the engine is gone
            reason = "" if self._lives.ended else words.no_engine(" ".join(str(error).split()))
        with suppress(Ended):
            self._has_ended(name, code, reason)

    def _has_ended(self, name: str, code: int | None, reason: str) -> None:
        try:
            self._lives.shipper.flush()
            self._note(name, status=STOPPED, exit_code=code, reason=reason)
        finally:
            with self._news:
                self._codes[name] = code
                self._news.notify_all()

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
        self._lives.nudge()

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
        self._lives.forget_images(self._names)

    @contextmanager
    def _as_execution_role(self, task: Task) -> Iterator[AssumedRole | None]:
        role = task.execution_role
        if not role:
            yield None
            return
        with self._lives.store.lock:
            trusted = roles.trusts(role, task.region)
        if not trusted:
            raise NotStarted(words.cannot_assume_sentence(role))
        with roles.session(self._lives.services, role, task.id, task.region) as made:
            yield made

    def _note(self, name: str, **what: Any) -> None:
        with self._changing() as task:
            for field, value in what.items():
                setattr(task.container(name), field, value)

    def _task(self) -> Task:
        found = backend_of(self._key).find_task(self._key[2])
        if found is None:
            raise Ended
        return found

    @contextmanager
    def _changing(self, *services: str) -> Iterator[Task]:
        """The task, to be changed; it is in the store when this ends."""
        if self._lives.ended:
            raise Ended
        with self._lives.services.changing(*(services or ("ecs",))):
            yield self._task()


def backend_of(key: Key) -> Any:
    """ECS's state in the account and Region of a task."""
    return ecs_backends[key[0]][key[1]]
