"""The app: which line of doors leads to which part of the sandbox."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from ecr_sandbox import settings
from ecr_sandbox.auth.basic import basic
from ecr_sandbox.auth.sigv4 import signed
from ecr_sandbox.auth.token import Tokens
from ecr_sandbox.aws import dispatch
from ecr_sandbox.aws.lazy_services import Services
from ecr_sandbox.aws.query_validation import validate_query
from ecr_sandbox.aws.validation import validate
from ecr_sandbox.http import addresses
from ecr_sandbox.http.limits import limits
from ecr_sandbox.http.middleware import Handler, Request, chain
from ecr_sandbox.http.origin import guard
from ecr_sandbox.iam import administrator, sts, users
from ecr_sandbox.iam.authorization import authorize
from ecr_sandbox.registry import garbage_collection, presigned_urls, routes
from ecr_sandbox.registry.distribution import Distribution
from ecr_sandbox.registry.presigned_urls import PresignedUrls
from ecr_sandbox.registry.responses import with_version
from ecr_sandbox.services import ecr
from ecr_sandbox.services.cost_explorer import subscriptions as cost_explorer_subscriptions
from ecr_sandbox.services.ecr import subscriptions as ecr_subscriptions
from ecr_sandbox.services.ecr.image_source import PrivateImages
from ecr_sandbox.services.ecr.registry import PrivateRegistry
from ecr_sandbox.services.ecr.scan import triggers as scans
from ecr_sandbox.services.ecs import startup
from ecr_sandbox.services.eventbridge import subscriptions as eventbridge_subscriptions
from ecr_sandbox.state import clock, persistence
from ecr_sandbox.state.jobs import Jobs
from ecr_sandbox.state.persistence import Kept
from ecr_sandbox.state.store import Store

if TYPE_CHECKING:
    from ecr_sandbox.services.ecs.background import Fargate

# Services that are loaded when they are used (services.py).
BESIDE = ("ec2", "events", "secretsmanager", "sqs")


class App:
    """Everything that answers, over the state in *folder*."""

    def __init__(self, folder: Path, blobs: Distribution):
        self.store = Store(folder / "state.db")
        self._folder, self._blobs = folder, blobs
        self._tokens = Tokens(folder / "secret")
        layer_links = PresignedUrls(folder / "secret")
        clock.install(self.store)
        self.jobs, kept = Jobs(self.store), Kept(self.store)
        ecr.install(self.store, blobs, self._tokens, layer_links, self.jobs, kept)
        sts.install()
        users.install()
        try:
            kept.restore()
        except persistence.Unreadable as error:
            self.store.put_aside(str(error))
            kept.restore()
        administrator.ensure(self.store)
        self.scans = scans.install(self.store, blobs, self.jobs)
        dispatch.serve("ecr-public", _later(self._public_api))
        dispatch.serve("ce", _later(self._costs))
        dispatch.serve("lambda", _later(self._functions))
        own = {"ecs": self._install_ecs, "logs": _install_logs, "monitoring": _metrics}
        self._services = Services(kept, {**dict.fromkeys(BESIDE, _as_it_is), **own}, {"ecs": self._recover_ecs})
        ecr_subscriptions.install(self._services, self._public_credentials)
        cost_explorer_subscriptions.install(ecr.backend.Backend.meter)
        eventbridge_subscriptions.install(self.store, self.jobs, self._services)
        doors = [signed, validate, validate_query, self._services.door(), persistence.durable(self.store, kept)]
        self._control = chain([*doors, authorize(self.store.lock)], dispatch.answer)
        self._registry = self._private(settings.ACCOUNT, settings.REGION)
        self._layers = presigned_urls.layers(layer_links, blobs, ecr.backend.Backend.meter.sent)
        self.main_handler = chain([limits, guard], self._answer)
        self._ecs: Fargate | None = None

    def start(self) -> None:
        """Go on with what an earlier run left."""
        self.jobs.start()
        if startup.has_leftovers(self.store):
            threading.Thread(target=self._services.load, args=("ecs", "logs"), name="ecs", daemon=True).start()

    def stop(self) -> None:
        """Begin nothing more, and let no container stay."""
        self.jobs.stop()
        if self._ecs:
            self._ecs.end()
        self.store.close()

    def handler_for(self, name: str) -> Handler:
        """What answers at the port *name*; what is behind it is loaded when somebody knocks."""
        if name == addresses.HUB:
            return chain([limits, guard], _later(self._hub))
        if name == addresses.PUBLIC:
            return chain([limits, guard], _later(self._public))
        account, _, region = name.partition(" ")
        return chain([limits, guard], self._private(account, region))

    def _answer(self, request: Request) -> Response:
        if request.path == "/v2" or request.path.startswith("/v2/"):
            return self._registry(request)
        if presigned_urls.is_presigned(request.path):
            return self._layers(request)
        if request.path == "/_sandbox/gc" and request.method == "POST":
            return garbage_collection.answer(self.store, self._blobs, request)
        if request.path == clock.PATH:
            return clock.answer(self.store, request)
        if request.path == scans.PATH:
            return self.scans.answer(request)
        if request.path == "/_sandbox":
            return Response((self._folder / "sandbox.json").read_bytes(), content_type="application/json")
        return self._control(request)

    def _install_ecs(self) -> None:
        from ecr_sandbox.services.ecs.background import Fargate
        from ecr_sandbox.services.ecs.image_pull import Registries

        registries = Registries(self.store, self._tokens, PrivateImages())
        self._ecs = Fargate(self._services, self.store, registries, self._folder)

    def _recover_ecs(self) -> None:
        assert self._ecs
        self._ecs.recover()

    def _private(self, account: str, region: str) -> Handler:
        return chain([with_version, basic(self._tokens, region)], routes.registry(PrivateRegistry(account, region)))

    def _hub(self) -> Handler:
        from ecr_sandbox.services import docker_hub

        return docker_hub.install(self.store, self._blobs, self._folder / "hub-secret")

    def _public(self) -> Handler:
        from ecr_sandbox.services import ecr_public

        return ecr_public.registry(self.store, self._blobs, self._tokens)

    def _public_api(self) -> Handler:
        from ecr_sandbox.services import ecr_public

        return ecr_public.control(self.store, self._blobs, self._tokens)

    def _public_credentials(self, account: str) -> tuple[str, str]:
        from ecr_sandbox.services.ecr_public import auth

        return auth.credentials(self._tokens, account)

    def _functions(self) -> Handler:
        from ecr_sandbox.services import lambda_

        return lambda_.control(self.store, PrivateImages())

    def _costs(self) -> Handler:
        from ecr_sandbox.services.cost_explorer import api

        api.install(ecr.backend.Backend.meter)
        return partial(dispatch.by_moto, "ce")


def _install_logs() -> None:
    from ecr_sandbox.services.cloudwatch import logs

    logs.install()


def _as_it_is() -> None:
    """There is nothing in moto's service that has to be put right."""


def _metrics() -> None:
    """Put ECR's metric beside those of moto."""
    from ecr_sandbox.services.cloudwatch import metrics

    metrics.install(ecr.backend.Backend.pulls)


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
