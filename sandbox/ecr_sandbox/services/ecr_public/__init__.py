"""Amazon ECR Public: its API (``ecr-public``) and its registry, which is ``public.ecr.aws`` on AWS.

Anyone can pull, within limits; only the owner can push. Repositories are rows of the store.
The first request to its port or API loads it.
"""

from werkzeug.wrappers import Response

from ecr_sandbox.auth.token import Tokens
from ecr_sandbox.http.middleware import Handler, Request, chain
from ecr_sandbox.registry import routes
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.responses import with_version
from ecr_sandbox.registry.upload_sessions import UploadSessions
from ecr_sandbox.state.store import Store

from . import api, limits, official
from .auth import bearer, token_server
from .registry import PublicRegistry, limited
from .repositories import opened


def registry(store: Store, blobs: ContentStore, tokens: Tokens) -> Handler:
    """The handler of ECR Public's port: ``/v2/`` and the token server."""
    store.add(limits.SCHEMA)
    repositories = opened(store, blobs)
    registry_backend = PublicRegistry(
        repositories, UploadSessions(store, blobs), official.Mirror(repositories), limits.Limits(store)
    )
    images = chain([with_version, bearer(tokens), limited(registry_backend)], routes.registry(registry_backend))
    give_token = token_server(tokens)

    def handler(request: Request) -> Response:
        if request.path == "/v2" or request.path.startswith("/v2/"):
            return images(request)
        if request.path in ("/token", "/token/") and request.method == "GET":
            return give_token(request)
        return Response("404 page not found\n", status=404, content_type="text/plain; charset=utf-8")

    return handler


def control(store: Store, blobs: ContentStore, tokens: Tokens) -> Handler:
    """The handler of the API, behind the middleware."""
    return api.Api(store, blobs, tokens).answer
