"""ECR's own rules, behind moto's protocol code."""

from typing import TYPE_CHECKING

from ..jobs import Jobs
from ..registry.distribution import Distribution
from ..registry.links import Links
from ..store import Store
from ..token import Tokens

if TYPE_CHECKING:
    from ..durable import Kept


def install(store: Store, blobs: Distribution, tokens: Tokens, links: Links, jobs: Jobs, kept: "Kept") -> None:
    """Let moto answer by these rules. To be called before moto answers anything."""
    from . import backend, responses

    backend.install(store, blobs, links, jobs, kept)
    responses.install(tokens)
