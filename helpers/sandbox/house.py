"""The house: which line of doors leads to which part of the sandbox."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from .. import settings
from . import administrator, aws, clock, durable, ecr, ecs_alive, gc, present, sts, users
from .authorize import authorize
from .doors import Handler, Request, line
from .durable import Kept
from .ecr import consequences
from .ecr.house import PrivateRegistry
from .guard import guard
from .identity import basic
from .jobs import Jobs
from .limits import limits
from .registry import links, wire
from .registry.answers import with_version
from .registry.distribution import Distribution
from .registry.links import Links
from .scan import begin as scans
from .services import Services
from .signature import signed
from .store import Store
from .token import Tokens
from .validate import validate
from .validate_query import validate_query

if TYPE_CHECKING:
    from .ecs import Fargate

# Services that are loaded when they are used (services.py).
BESIDE = ("ec2", "events", "secretsmanager", "sqs")


class House:
    """Everything that answers, over the state in *folder*."""

    def __init__(self, folder: Path, blobs: Distribution):
        self.store = Store(folder / "state.db")
        self._folder, self._blobs = folder, blobs
        self._tokens = Tokens(folder / "secret")
        layer_links = Links(folder / "secret")
        clock.install(self.store)
        self.jobs, kept = Jobs(self.store), Kept(self.store)
        ecr.install(self.store, blobs, self._tokens, layer_links, self.jobs, kept)
        sts.install()
        users.install()
        try:
            kept.restore()
        except durable.Unreadable as error:
            self.store.put_aside(str(error))
            kept.restore()
        administrator.ensure(self.store)
        self.scans = scans.install(self.store, blobs, self.jobs)
        aws.serve("ecr-public", _later(self._public_api))
        aws.serve("ce", _later(self._costs))
        aws.serve("lambda", _later(partial(self._functions, partial(kept.changing, "ecr"))))
        own = {"ecs": self._install_ecs, "logs": _install_logs, "monitoring": _metrics}
        self._services = Services(kept, {**dict.fromkeys(BESIDE, _as_it_is), **own}, {"ecs": self._recover_ecs})
        consequences.install(self._services)
        doors = [signed, validate, validate_query, self._services.door(), durable.durable(self.store, kept)]
        self._control = line([*doors, authorize(self.store.lock)], aws.answer)
        self._registry = self._private(settings.ACCOUNT, settings.REGION)
        self._layers = links.layers(layer_links, blobs, ecr.backend.Backend.meter.sent)
        self.front_door = line([limits, guard], self._answer)
        self._ecs: Fargate | None = None

    def start(self) -> None:
        """Go on with what an earlier run left."""
        self.jobs.start()
        if ecs_alive.is_there(self.store):
            threading.Thread(target=self._services.load, args=("ecs", "logs"), name="ecs", daemon=True).start()

    def stop(self) -> None:
        """Begin nothing more, and let no container stay."""
        self.jobs.stop()
        if self._ecs:
            self._ecs.end()
        self.store.close()

    def side_door(self, name: str) -> Handler:
        """What answers at the port *name*; what is behind it is loaded when somebody knocks."""
        if name == present.HUB:
            return line([limits, guard], _later(self._hub))
        if name == present.PUBLIC:
            return line([limits, guard], _later(self._public))
        account, _, region = name.partition(" ")
        return line([limits, guard], self._private(account, region))

    def _answer(self, request: Request) -> Response:
        if request.path == "/v2" or request.path.startswith("/v2/"):
            return self._registry(request)
        if links.is_link(request.path):
            return self._layers(request)
        if request.path == "/_sandbox/gc" and request.method == "POST":
            return gc.answer(self.store, self._blobs, request)
        if request.path == clock.PATH:
            return clock.answer(self.store, request)
        if request.path == scans.PATH:
            return self.scans.answer(request)
        if request.path == "/_sandbox":
            return Response((self._folder / "sandbox.json").read_bytes(), content_type="application/json")
        return self._control(request)

    def _install_ecs(self) -> None:
        from .ecs import Fargate

        self._ecs = Fargate(self._services, self.store, self._tokens, self._folder)

    def _recover_ecs(self) -> None:
        assert self._ecs
        self._ecs.recover()

    def _private(self, account: str, region: str) -> Handler:
        return line([with_version, basic(self._tokens, region)], wire.registry(PrivateRegistry(account, region)))

    def _hub(self) -> Handler:
        from . import hub

        return hub.install(self.store, self._blobs, self._folder / "hub-secret")

    def _public(self) -> Handler:
        from . import ecr_public

        return ecr_public.registry(self.store, self._blobs, self._tokens)

    def _public_api(self) -> Handler:
        from . import ecr_public

        return ecr_public.control(self.store, self._blobs, self._tokens)

    def _functions(self, setting: Callable[[], Any]) -> Handler:
        from . import functions

        return functions.control(self.store, setting)

    def _costs(self) -> Handler:
        from .bill import cost_explorer

        cost_explorer.install(ecr.backend.Backend.meter)
        return partial(aws.by_moto, "ce")


def _install_logs() -> None:
    from . import logs

    logs.install()


def _as_it_is() -> None:
    """There is nothing in moto's service that has to be put right."""


def _metrics() -> None:
    """Put ECR's metric beside those of moto."""
    from . import cloudwatch

    cloudwatch.install(ecr.backend.Backend.pulls)


def _later(make: Callable[[], Handler]) -> Handler:
    """A handler that is made by its first request."""
    lock = threading.Lock()
    made: list[Handler] = []

    def handler(request: Request) -> Response:
        with lock:
            if not made:
                made.append(make())
        return made[0](request)

    return handler
