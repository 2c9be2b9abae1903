"""The app: builds the sandbox's parts over the state folder, and the chains of middleware that lead to them.

``_main`` shows which path leads where; ``_aws_api`` and ``_private_registry`` show what a request passes on its way.
"""

import threading
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from ecr_sandbox import settings
from ecr_sandbox.auth.basic import authenticate
from ecr_sandbox.auth.scope import scope_of
from ecr_sandbox.auth.sigv4 import AccessKeys, verify_signature
from ecr_sandbox.auth.token import Tokens
from ecr_sandbox.aws import dispatch
from ecr_sandbox.aws.call import read_call
from ecr_sandbox.aws.containment import contain
from ecr_sandbox.aws.lazy_services import Services
from ecr_sandbox.aws.protocols import model_name
from ecr_sandbox.aws.resource_policies import check_resource_policy
from ecr_sandbox.aws.responses import answer_errors
from ecr_sandbox.aws.transaction import in_transaction
from ecr_sandbox.aws.validation import validate
from ecr_sandbox.bad_requests import is_registry_path, refuse_request, refuse_unexpected
from ecr_sandbox.control_api import ControlApi
from ecr_sandbox.http import addresses, aws_names
from ecr_sandbox.http.aws_names import Place
from ecr_sandbox.http.limits import enforce_limits
from ecr_sandbox.http.middleware import Handler, Middleware, Request, chain
from ecr_sandbox.http.origin import check_names, check_origin, is_console_path
from ecr_sandbox.iam import administrator, principals, refusals, requests, sts, users
from ecr_sandbox.iam.authorization import authorize
from ecr_sandbox.iam.requests import AuthorizationRequest, Call
from ecr_sandbox.registry import distribution_layout, presigned_urls, routes
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.presigned_urls import PresignedUrls
from ecr_sandbox.registry.responses import with_version
from ecr_sandbox.services import ecr
from ecr_sandbox.services.cost_explorer import subscriptions as cost_explorer_subscriptions
from ecr_sandbox.services.ecr import subscriptions as ecr_subscriptions
from ecr_sandbox.services.ecr.authentication import refuse_login
from ecr_sandbox.services.ecr.image_source import PrivateImages
from ecr_sandbox.services.ecr.registry import PrivateRegistry
from ecr_sandbox.services.ecr.scan.triggers import Scans
from ecr_sandbox.services.ecr.scan_api import ScanOperations
from ecr_sandbox.services.ecs import startup
from ecr_sandbox.services.eventbridge import recent
from ecr_sandbox.services.eventbridge import subscriptions as eventbridge_subscriptions
from ecr_sandbox.services.sqs.long_polling import poll
from ecr_sandbox.state import clock
from ecr_sandbox.state.jobs import Jobs
from ecr_sandbox.state.persistence import BackendPersistence, Unreadable
from ecr_sandbox.state.store import Store

if TYPE_CHECKING:
    from ecr_sandbox.services.ecs.background import Fargate

# moto's services that are loaded by their first call and need no rules of ours (aws/lazy_services.py).
MOTO_ONLY = ("events", "secretsmanager")
# The folder in services/ whose authorization.py says what a call needs of IAM, by signing name.
AUTHORIZATION = {
    "ce": "cost_explorer",
    "ecr": "ecr",
    "ecs": "ecs",
    "events": "eventbridge",
    "lambda": "lambda_",
    "logs": "cloudwatch",
}


class App:
    """Everything that answers requests, over the state in *folder*; *as_aws*: with AWS's defaults."""

    def __init__(self, folder: Path, as_aws: bool = False):
        self.store = Store(folder / "state.db")
        self._folder, self._blobs = folder, ContentStore(folder, self.store)
        distribution_layout.take_over(folder, self.store, self._blobs)
        self._tokens = Tokens(folder / "secret")
        self._ecs: Fargate | None = None
        clock.install(self.store)
        self.jobs = Jobs(self.store)
        self._persistence = BackendPersistence(self.store, dispatch.SERVICES, model_name)
        layer_urls = PresignedUrls(folder / "secret")
        ecr.install(self.store, self._blobs, self._tokens, layer_urls, self.jobs, self._persistence)
        ecr.backend.Backend.blob_mounting = "DISABLED" if as_aws else "ENABLED"
        sts.install()
        users.install()
        self._restore()
        administrator.ensure(self.store)
        self._persistence.save()
        scans = ScanOperations.scans = Scans(self.store, self._blobs, self.jobs)
        self._services = self._lazy_services()
        ecr_subscriptions.install(self._services, self._public_credentials)
        cost_explorer_subscriptions.install(ecr.backend.Backend.meter)
        eventbridge_subscriptions.install(self.store, self.jobs, self._services)
        self._recent_events = recent.install(self.store)
        for service, package in AUTHORIZATION.items():
            requests.register(service, partial(_authorization_requests, package))
        requests.register("ecr-public", self._public_authorization_requests)
        self._control_api = ControlApi(self.store, self._blobs, scans, folder)
        self._named_registry = lru_cache(64)(self._private_registry)  # a client may name any account
        self._default_registry = self._private_registry(settings.ACCOUNT, settings.REGION)
        self._layers = presigned_urls.layers(layer_urls, self._blobs, ecr.backend.Backend.meter.sent)
        self._api = self._aws_api()
        self._console = _later(self._make_console)
        self._public = _later(self._public_registry)
        self.main_handler = self._guarded(self._main)

    def start(self) -> None:
        """Continue what an earlier run left: jobs, tasks, services."""
        self.jobs.start()
        if startup.has_leftovers(self.store):
            threading.Thread(target=self._services.load, args=("ecs", "logs"), name="ecs", daemon=True).start()

    def stop(self) -> None:
        """Start nothing more, and stop every container."""
        self.jobs.stop()
        if self._ecs:
            self._ecs.end()
        self.store.close()

    def handler_for(self, name: str) -> Handler:
        """The handler of the port *name*, loaded by its first request."""
        if name == addresses.HUB:
            return self._guarded(_later(self._hub))
        if name == addresses.PUBLIC:
            return self._guarded(self._public)
        account, _, region = name.partition(" ")
        return self._guarded(self._private_registry(account, region))

    def names_handler(self, address: str) -> Handler:
        """The handler of the listener at *address*, which serves AWS's host names."""
        return self._guarded(self._by_name, check_names(address))

    def _guarded(self, handler: Handler, check: Middleware = check_origin) -> Handler:
        contained = contain(partial(refuse_unexpected, self._folder))
        return chain([enforce_limits(refuse_request), contained, check], handler)

    def _by_name(self, request: Request) -> Response:
        match aws_names.place_of(request.host):
            case aws_names.Registry(account, region):
                return self._named_registry(account, region)(request)
            case Place.PUBLIC:
                return self._public(request)
            case Place.LAYERS:
                return self._layers(request)
            case Place.API:
                return self._api(request)
        return self._main(request)  # the address itself

    def _main(self, request: Request) -> Response:
        if is_registry_path(request.path) and not scope_of(request):  # SES and others have paths like the registry's
            return self._default_registry(request)
        if presigned_urls.is_presigned(request.path):
            return self._layers(request)
        if is_console_path(request.path):
            return self._console(request)
        return self._control_api.answer(request) or self._api(request)

    def _aws_api(self) -> Handler:
        keys = AccessKeys(principals.secret_of, principals.of)
        middleware = [
            answer_errors,
            verify_signature(dispatch.check_scope, keys),
            validate,
            self._services.load_first,
            read_call,
            poll,
            in_transaction(self.store, self._persistence),
            answer_errors,  # inside the transaction: a call that is refused has changed nothing
            authorize(self.store.lock),
            check_resource_policy,
        ]
        return chain(middleware, dispatch.answer)

    def _private_registry(self, account: str, region: str) -> Handler:
        middleware = [with_version, authenticate(self._tokens, region, principals.of, refuse_login)]
        return chain(middleware, routes.registry(PrivateRegistry(account, region)))

    def _restore(self) -> None:
        try:
            self._persistence.restore()
        except Unreadable as error:
            self.store.put_aside(str(error))
            self._persistence.restore()

    def _lazy_services(self) -> Services:
        dispatch.serve("ecr-public", _later(self._public_api))
        dispatch.serve("ce", _later(_cost_explorer))
        dispatch.serve("lambda", _later(self._lambda))
        installs = {"ecs": self._install_ecs, "logs": _install_logs, "monitoring": _install_metrics}
        installs |= {"ec2": _install_ec2, "sqs": _install_sqs}
        recover = {"ecs": self._recover_ecs}
        return Services(self._persistence, {**dict.fromkeys(MOTO_ONLY, _install_nothing), **installs}, recover)

    def _install_ecs(self) -> None:
        from ecr_sandbox.services.ecs.background import Fargate
        from ecr_sandbox.services.ecs.image_pull import Registries

        registries = Registries(self.store, self._tokens, PrivateImages())
        self._ecs = Fargate(self._services, self.store, registries, self._folder)

    def _recover_ecs(self) -> None:
        assert self._ecs
        self._ecs.recover()

    def _hub(self) -> Handler:
        from ecr_sandbox.services import docker_hub

        return docker_hub.install(self.store, self._blobs, self._folder / "hub-secret")

    def _public_registry(self) -> Handler:
        from ecr_sandbox.services import ecr_public

        return ecr_public.registry(self.store, self._blobs, self._tokens)

    def _public_api(self) -> Handler:
        from ecr_sandbox.services import ecr_public

        return ecr_public.control(self.store, self._blobs, self._tokens)

    def _public_authorization_requests(self, call: Call) -> Iterable[AuthorizationRequest]:
        from ecr_sandbox.services.ecr_public import authorization, repositories

        return authorization.authorization_requests(repositories.opened(self.store, self._blobs), call)

    def _public_credentials(self, account: str) -> tuple[str, str]:
        from ecr_sandbox.services.ecr_public import auth

        return auth.credentials(self._tokens, account)

    def _make_console(self) -> Handler:
        from ecr_sandbox import console

        sandbox = console.Sandbox(
            principals.console_key, self.store.wait_for_change, refusals.last, self._recent_events, clock.now
        )
        return console.pages(sandbox)

    def _lambda(self) -> Handler:
        from ecr_sandbox.services import lambda_

        return lambda_.control(self.store, PrivateImages())


def _authorization_requests(package: str, call: Call) -> Iterable[AuthorizationRequest]:
    return import_module(f"ecr_sandbox.services.{package}.authorization").authorization_requests(call)


def _cost_explorer() -> Handler:
    from ecr_sandbox.services.cost_explorer import api

    api.install(ecr.backend.Backend.meter)
    return partial(dispatch.by_moto, "ce")


def _install_ec2() -> None:
    from ecr_sandbox.services.ec2 import networks

    networks.install()


def _install_sqs() -> None:
    from ecr_sandbox.services.sqs import queues

    queues.install()


def _install_logs() -> None:
    from ecr_sandbox.services.cloudwatch import logs

    logs.install()


def _install_metrics() -> None:
    from ecr_sandbox.services.cloudwatch import metrics

    metrics.install(ecr.backend.Backend.pulls)


def _install_nothing() -> None:
    """moto's service is used as it is."""


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
