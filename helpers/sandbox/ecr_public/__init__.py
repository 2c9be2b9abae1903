"""Amazon ECR Public: its API (``ecr-public``) and its registry, which is ``public.ecr.aws`` on AWS.

Everybody may pull, within limits; only the owner pushes. State is rows of the store, bytes are Distribution's.
It is loaded by the first request to its port, or of its API.
"""

from werkzeug.wrappers import Response

from ..doors import Handler, Request, line
from ..registry import wire
from ..registry.answers import with_version
from ..registry.distribution import Distribution
from ..store import Store
from ..token import Tokens
from . import api, limits, official
from .auth import bearer, token_server
from .house import PublicRegistry, limited
from .repositories import opened


def registry(store: Store, blobs: Distribution, tokens: Tokens) -> Handler:
    """The handler of ECR Public's port: ``/v2/`` and the token server."""
    store.add(limits.SCHEMA)
    state = opened(store, blobs)
    house = PublicRegistry(state, official.Shelf(state), limits.Limits(store))
    images = line([with_version, bearer(tokens), limited(house)], wire.registry(house))
    give_token = token_server(tokens)

    def handler(request: Request) -> Response:
        if request.path == "/v2" or request.path.startswith("/v2/"):
            return images(request)
        if request.path in ("/token", "/token/") and request.method == "GET":
            return give_token(request)
        return Response("404 page not found\n", status=404, content_type="text/plain; charset=utf-8")

    return handler


def control(store: Store, blobs: Distribution, tokens: Tokens) -> Handler:
    """The handler of the API, for a request that the other doors have let pass."""
    return api.Api(store, blobs, tokens).answer
