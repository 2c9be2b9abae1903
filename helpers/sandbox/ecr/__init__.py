"""ECR's own rules, behind moto's protocol code."""

from ..registry.distribution import Distribution
from ..registry.links import Links
from ..store import Store
from ..token import Tokens


def install(store: Store, blobs: Distribution, tokens: Tokens, links: Links) -> None:
    """Let moto answer by these rules. To be called before moto answers anything."""
    from . import backend, responses

    backend.install(store, blobs, links)
    responses.install(tokens)
