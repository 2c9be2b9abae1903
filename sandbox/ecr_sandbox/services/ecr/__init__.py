"""Amazon ECR: the sandbox's rules behind moto's protocol code."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the process of a scan starts without them
    from ecr_sandbox.auth.token import Tokens
    from ecr_sandbox.registry.content_store import ContentStore
    from ecr_sandbox.registry.presigned_urls import PresignedUrls
    from ecr_sandbox.state.jobs import Jobs
    from ecr_sandbox.state.persistence import BackendPersistence
    from ecr_sandbox.state.store import Store


def install(
    store: "Store",
    blobs: "ContentStore",
    tokens: "Tokens",
    presigned_urls: "PresignedUrls",
    jobs: "Jobs",
    persistence: "BackendPersistence",
) -> None:
    """Let moto answer by these rules. Call it before moto's first answer."""
    from . import backend, responses

    backend.install(store, blobs, presigned_urls, jobs, persistence)
    responses.install(tokens)
