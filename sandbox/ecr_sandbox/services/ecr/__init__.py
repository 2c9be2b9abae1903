"""Amazon ECR: the sandbox's rules behind moto's protocol code."""

from typing import TYPE_CHECKING

from ecr_sandbox.auth.token import Tokens
from ecr_sandbox.registry.distribution import Distribution
from ecr_sandbox.registry.presigned_urls import PresignedUrls
from ecr_sandbox.state.jobs import Jobs
from ecr_sandbox.state.store import Store

if TYPE_CHECKING:
    from ecr_sandbox.state.persistence import Kept


def install(store: Store, blobs: Distribution, tokens: Tokens, links: PresignedUrls, jobs: Jobs, kept: "Kept") -> None:
    """Let moto answer by these rules. Call it before moto's first answer."""
    from . import backend, responses

    backend.install(store, blobs, links, jobs, kept)
    responses.install(tokens)
