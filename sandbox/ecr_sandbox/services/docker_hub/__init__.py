"""A stand-in for Docker Hub: a second registry with the Hub's rules, over the same store and content.

Its port answers for three hosts of the real Hub: ``/v2/`` is registry-1.docker.io, ``/token`` is
auth.docker.io, and ``/hub.docker.com/v2/`` is hub.docker.com/v2/. The first request to the port loads it.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Handler, Request, chain
from ecr_sandbox.registry import routes
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.responses import with_version
from ecr_sandbox.registry.upload_sessions import UploadSessions
from ecr_sandbox.state.store import Store

from . import accounts, limits, official, repositories
from .api import PREFIX, Api
from .auth import TokenServer, bearer
from .registry import HubRegistry, counted
from .tokens import Signer


@dataclass(frozen=True)
class Hub:
    """The state of the stand-in."""

    accounts: accounts.Accounts
    repositories: repositories.Repositories
    pulls: limits.Pulls


def install(store: Store, blobs: ContentStore, secret_path: Path) -> Handler:
    """The handler of the stand-in's port; its signing secret is kept in the file *secret_path*."""
    hub, signer = _open(store, blobs), Signer(secret_path)
    registry_backend = HubRegistry(hub.repositories, hub.pulls, blobs, UploadSessions(store, blobs, smallest_part=0))
    registry = chain(
        [with_version, bearer(hub.accounts, signer), counted(registry_backend)], routes.registry(registry_backend)
    )
    tokens = TokenServer(hub.accounts, hub.repositories, signer)
    api = Api(hub.accounts, hub.repositories, hub.pulls, signer)
    mirror = official.Mirror(hub.repositories, blobs)
    with suppress(OSError):  # the disk is full: everything but the preview works
        official.preview(hub.repositories, blobs)

    def handler(request: Request) -> Response:
        if official.is_requested(request):
            mirror.fill()
        if request.path == "/v2" or request.path.startswith("/v2/"):
            return registry(request)
        if request.path == "/token" and request.method in ("GET", "POST"):
            return tokens.answer(request)
        if request.path.startswith(PREFIX):
            return api.answer(request)
        return Response("404 page not found\n", status=404, content_type="text/plain; charset=utf-8")

    return handler


def _open(store: Store, blobs: ContentStore) -> Hub:
    for schema in (accounts.SCHEMA, repositories.SCHEMA, limits.SCHEMA):
        store.add(schema)
    rows = accounts.Accounts(store)
    return Hub(rows, repositories.Repositories(store, blobs, rows), limits.Pulls(store))
