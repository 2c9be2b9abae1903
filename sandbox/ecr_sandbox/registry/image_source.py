"""What services that run images (ECS, Lambda) need of the private registries; ``app.py`` fills it in."""

from collections.abc import Callable
from typing import Protocol

from ecr_sandbox.iam.requests import AuthorizationRequest

from .images import Images


class ImageSource(Protocol):
    """The private registries of every account and Region.

    Repositories and policies are moto's: hold the store's lock while you read them.
    """

    def images(self, account: str, region: str, repository: str) -> Images | None:
        """The images of *repository*, or None if it does not exist."""

    def authorization_request(self, action: str, account: str, region: str, repository: str) -> AuthorizationRequest:
        """What IAM decides about *action* on *repository*, with the repository's policy and tags."""

    def import_upstream(
        self,
        account: str,
        region: str,
        repository: str,
        tag: str | None,
        digest: str | None,
        allowed: Callable[[AuthorizationRequest], bool],
    ) -> None:
        """Import the image from its upstream registry if a pull through cache rule covers *repository*.

        *allowed* says whether the one who pulls may do that. Raises UpstreamFailure.
        """

    def change_policy(self, account: str, region: str, repository: str, change: Callable[[str | None], str]) -> None:
        """Replace the policy of *repository* by what *change* makes of it; it is on disk when this returns."""
