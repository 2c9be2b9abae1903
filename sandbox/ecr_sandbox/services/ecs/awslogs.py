"""The log driver ``awslogs``: the lines that a container writes become events of a CloudWatch log stream.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html. A stream is named
``prefix/container/task id``.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.logs.models import LogsBackend, logs_backends
from moto.sts.models import AssumedRole

from ecr_sandbox import delays
from ecr_sandbox.aws import validation
from ecr_sandbox.aws.arns import log_stream
from ecr_sandbox.aws.lazy_services import Services
from ecr_sandbox.errors import ApiError
from ecr_sandbox.iam.authorization import Denied
from ecr_sandbox.iam.requests import AuthorizationRequest

from . import errors, roles
from .image_pull import NotStarted
from .tasks import Container, Task

PAUSE = 0.3  # seconds between writes, because each write stores the whole log
KEPT = 10_000  # lines of a stream; CloudWatch has no limit
NO_GROUP = "ResourceNotFoundException: The specified log group does not exist."
REQUIRED = ("awslogs-group", "awslogs-region", "awslogs-stream-prefix")


@dataclass(frozen=True)
class Stream:
    """The log stream of one container."""

    account: str
    region: str
    group: str
    name: str


def opened(task: Task, container: Container, made: AssumedRole | None) -> Stream | None:
    """The stream of *container*, created with the execution role's permissions; None if it has none, or is read-only.

    Call it within a change of the services' state. Raises NotStarted.
    """
    options = (container.definition.get("logConfiguration") or {}).get("options")
    if not options:
        return None
    assert made  # RegisterTaskDefinition refuses logs without an execution role
    prefix = options["awslogs-stream-prefix"]
    stream = Stream(
        task.account, options["awslogs-region"], options["awslogs-group"], f"{prefix}/{container.name}/{task.id}"
    )
    _check_names(stream)
    backend = logs_backends[task.account][stream.region]
    try:
        if stream.group not in backend.groups and options.get("awslogs-create-group") == "true":
            _ask(made, "logs:CreateLogGroup", stream)
            backend.create_log_group(stream.group, {})
        _ask(made, "logs:CreateLogStream", stream)
    except Denied as no:
        raise NotStarted(errors.no_log_stream(f"AccessDeniedException: {no}")) from None
    if stream.group not in backend.groups:
        raise NotStarted(errors.no_log_stream(NO_GROUP))
    backend.ensure_log_stream(stream.group, stream.name)
    try:
        _ask(made, "logs:PutLogEvents", stream)
    except Denied:
        return None
    return stream


def check(options: Mapping[str, Any]) -> None:
    """Check that the options of a log configuration are those that Fargate requires; raises ECSException."""
    missing = [name for name in REQUIRED if not options.get(name)]
    if missing:
        raise errors.missing_log_options(missing)


class Shipper:
    """Writes lines to their streams, in batches."""

    def __init__(self, services: Services):
        self._services = services
        self._lines: list[tuple[Stream, int, str]] = []
        self._news = threading.Condition()
        self._writing = threading.Lock()
        self._ended = False
        threading.Thread(target=self._work, name="awslogs", daemon=True).start()

    def add(self, stream: Stream, moment: str, text: str) -> None:
        """Add a line that was written at *moment* (RFC 3339, UTC)."""
        with self._news:
            self._lines.append((stream, _milliseconds(moment), text))
            self._news.notify()

    def flush(self) -> None:
        """Return when every added line can be read."""
        with self._writing, self._news_taken() as lines:
            if lines and not self._ended:
                with self._services.changing("logs"):
                    for stream, moment, text in lines:
                        _put(logs_backends[stream.account][stream.region], stream, moment, text)

    def end(self) -> None:
        """Write what was added, and no more."""
        self._try_to_flush()
        with self._news:
            self._ended = True
            self._news.notify()

    @contextmanager
    def _news_taken(self) -> Iterator[list[tuple[Stream, int, str]]]:
        with self._news:
            lines, self._lines = self._lines, []
        yield lines

    def _work(self) -> None:
        while not self._ended:
            with self._news:
                self._news.wait_for(lambda: self._lines or self._ended)
            threading.Event().wait(PAUSE + delays.current.log_events)
            self._try_to_flush()

    def _try_to_flush(self) -> None:
        try:
            self.flush()
        except Exception as error:  # a full disk: these lines are lost, later ones are tried again
            print(f"Lines of a task's log could not be written: {error}", flush=True)


def _check_names(stream: Stream) -> None:
    """CloudWatch Logs refuses the names when the task starts; raises NotStarted."""
    if stream.region not in logs_backends[stream.account]:
        raise NotStarted(errors.no_log_stream(f"lookup logs.{stream.region}.amazonaws.com: no such host"))
    try:
        validation.check("logs", "CreateLogStream", {"logGroupName": stream.group, "logStreamName": stream.name})
    except ApiError as error:
        raise NotStarted(errors.no_log_stream(f"{error.code}: {error.message}")) from None


def _put(backend: LogsBackend, stream: Stream, moment: int, text: str) -> None:
    group = backend.groups.get(stream.group)
    found = group.streams.get(stream.name) if group else None
    if found is None:  # the stream was deleted
        return
    if text:  # CloudWatch refuses an empty event
        found.put_log_events([{"timestamp": moment, "message": text}])
        found.events = found.events[-KEPT:]


def _ask(made: AssumedRole, action: str, stream: Stream) -> None:
    name = "" if action == "logs:CreateLogGroup" else stream.name
    resource = log_stream(stream.region, stream.account, stream.group, name)
    roles.check(made, AuthorizationRequest(action, resource, stream.account), stream.region)


def _milliseconds(moment: str) -> int:
    whole, _, part = moment.removesuffix("Z").partition(".")
    seconds = datetime.fromisoformat(f"{whole}+00:00").timestamp()
    return int(seconds) * 1000 + int((part + "000")[:3])


def now() -> str:
    """The current time, as the engine writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
