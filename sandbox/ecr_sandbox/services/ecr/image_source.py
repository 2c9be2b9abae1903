"""ECR's images for ECS and Lambda: the implementation of ``registry/image_source.py``."""

from collections.abc import Callable
from contextlib import suppress

from moto.ecr.exceptions import RepositoryNotFoundException

from ecr_sandbox.iam.requests import AuthorizationRequest
from ecr_sandbox.registry.images import Images

from .authorization import repository_request
from .backend import Backend, backend


class PrivateImages:
    """The private registries of every account and Region."""

    def images(self, account: str, region: str, repository: str) -> Images | None:
        found = backend(account, region).repositories.get(repository)
        return found.images if found else None

    def authorization_request(self, action: str, account: str, region: str, repository: str) -> AuthorizationRequest:
        return repository_request(action, account, region, repository)

    def import_upstream(
        self,
        account: str,
        region: str,
        repository: str,
        tag: str | None,
        digest: str | None,
        allowed: Callable[[AuthorizationRequest], bool],
    ) -> None:
        from .pull_through import importing

        with suppress(RepositoryNotFoundException):  # the creation template cannot be applied
            importing.ensure(backend(account, region), repository, tag, digest, allowed)

    def change_policy(self, account: str, region: str, repository: str, change: Callable[[str | None], str]) -> None:
        with Backend.changing():
            found = backend(account, region).repository(repository)
            found.policy = change(found.policy)
