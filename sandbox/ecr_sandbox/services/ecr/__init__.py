"""ECR's own rules, behind moto's protocol code."""

from ecr_sandbox.auth.token import Tokens
from ecr_sandbox.registry.distribution import Distribution
from ecr_sandbox.registry.presigned_urls import PresignedUrls
from ecr_sandbox.state.jobs import Jobs
from ecr_sandbox.state.persistence import BackendPersistence
from ecr_sandbox.state.store import Store


def install(
    store: Store,
    blobs: Distribution,
    tokens: Tokens,
    links: PresignedUrls,
    jobs: Jobs,
    persistence: BackendPersistence,
) -> None:
    """Let moto answer by these rules. To be called before moto answers anything."""
    from . import backend, responses

    backend.install(store, blobs, links, jobs, persistence)
    responses.install(tokens)
