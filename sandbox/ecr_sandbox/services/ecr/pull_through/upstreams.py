"""The upstream registries that a rule can name, and the interface of those that the sandbox has.

Source: API reference, CreatePullThroughCacheRule, ``upstreamRegistryUrl``; user guide, "Sync an upstream registry".
"""

import re
from collections.abc import Callable
from typing import BinaryIO, Protocol

ECR, PUBLIC, HUB = "ecr", "ecr-public", "docker-hub"
URLS = {
    ECR: re.compile(r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com"),
    PUBLIC: re.compile(r"public\.ecr\.aws"),
    HUB: re.compile(r"registry-1\.docker\.io"),
    "quay": re.compile(r"quay\.io"),
    "k8s": re.compile(r"registry\.k8s\.io"),
    "github-container-registry": re.compile(r"ghcr\.io"),
    "gitlab-container-registry": re.compile(r"registry\.gitlab\.com"),
    "azure-container-registry": re.compile(r"[a-z0-9]+\.azurecr\.io"),
    "chainguard": re.compile(r"cgr\.dev"),
}
WITH_SECRET = {
    HUB,
    "github-container-registry",
    "gitlab-container-registry",
    "azure-container-registry",
    "chainguard",
}

# Codes of the API reference, ImageFailure.
DENIED, TOO_MANY, UNAVAILABLE = "UpstreamAccessDenied", "UpstreamTooManyRequests", "UpstreamUnavailable"
NOT_FOUND = "ImageNotFound"


class Upstream(Protocol):
    """An upstream registry; every method raises UpstreamFailure."""

    def manifest(self, name: str, reference: str) -> tuple[str, str]:
        """Text and media type of the manifest of a tag or digest."""

    def opened(self, name: str) -> Callable[[str], BinaryIO]:
        """A function that opens a blob of the repository *name* by its digest."""

    def check(self) -> None:
        """Return if the registry is available and accepts the password."""


def kind_of(url: str) -> str | None:
    """The API's name of the kind of registry at *url*; None for one that ECR does not know."""
    return next((kind for kind, pattern in URLS.items() if pattern.fullmatch(url)), None)
