"""The private registry of one account in one Region: permissions, pull through cache, creation by a push."""

from contextlib import suppress

from moto.ecr.exceptions import RepositoryNotFoundException

from ecr_sandbox.http.middleware import Request
from ecr_sandbox.iam.authorization import Denied, permit
from ecr_sandbox.iam.requests import AuthorizationRequest
from ecr_sandbox.registry.errors import Refused, UpstreamFailure, denied
from ecr_sandbox.registry.pages import Page
from ecr_sandbox.services import lists
from ecr_sandbox.services.image_errors import REGISTRY_ERRORS, repository_unknown

from . import templates
from .authorization import creation_request, repository_request
from .backend import Backend, Repository, backend
from .errors import upstream_failed
from .registry_settings import CACHE_RULES

MANIFEST_PULL = "ecr:BatchGetImage"
FIRST_OF_A_PUSH = ("ecr:InitiateLayerUpload", "ecr:PutImage")  # of an image with layers, and of an index


class PrivateRegistry:
    """ECR's ``RegistryBackend``."""

    errors = REGISTRY_ERRORS

    def __init__(self, account: str, region: str):
        self._account, self._region = account, region
        self.blobs, self.uploads = Backend.blobs, Backend.uploads

    def repository(self, request: Request, name: str, action: str) -> Repository:
        """The repository, if the caller's policies and its own allow *action*; raises Refused.

        IAM decides first, so that a denied caller does not learn which repositories exist (ECR user guide,
        "image-push-iam").
        """
        state = backend(self._account, self._region)
        self._permit(request, repository_request(action, self._account, self._region, name))
        if action == MANIFEST_PULL and state.settings(CACHE_RULES).any():
            self._import_upstream(request, name)
        try:
            with Backend.store.lock:  # moto's backends are not thread-safe
                return state.repository(name)
        except RepositoryNotFoundException:
            pass
        if action in FIRST_OF_A_PUSH and (created := self._created_by_push(request, name)):
            return created
        raise Refused(repository_unknown(name, self._account))

    def catalog(self, request: Request, size: int | None, last: str | None) -> Page:
        """A page of DescribeRepositories, as the API has it: https://github.com/gardener/cc-utils/pull/1722."""
        self._permit(request, repository_request("ecr:DescribeRepositories", self._account, self._region, "*"))
        with Backend.store.lock:
            names = sorted(backend(self._account, self._region).repositories)
        return lists.repositories(f"{self._account} {self._region}", names, size, last)

    def _permit(self, request: Request, asked: AuthorizationRequest) -> None:
        try:
            with Backend.store.lock:  # its policies are moto's
                permit(request, asked, self._region)
        except Denied as no:
            raise Refused(denied(str(no))) from None

    def _import_upstream(self, request: Request, name: str) -> None:
        """Import the image of a pull, if a pull through cache rule covers it; raises Refused."""
        from .pull_through import importing

        def allowed(asked: AuthorizationRequest) -> bool:
            try:
                self._permit(request, asked)
            except Refused:
                return False
            return True

        _, manifests, reference = request.path.rpartition("/manifests/")
        if manifests and not self.errors.reference_refused(reference, False):
            tag, digest = (None, reference) if ":" in reference else (reference, None)
            try:
                importing.ensure(backend(self._account, self._region), name, tag, digest, allowed)
            except UpstreamFailure as no:
                raise Refused(upstream_failed(no.code, no.reason)) from None
            except RepositoryNotFoundException:  # the template cannot be applied
                raise Refused(repository_unknown(name, self._account)) from None

    def _created_by_push(self, request: Request, name: str) -> Repository | None:
        """Create the repository *name* if a creation template covers it; raises Refused."""
        state = backend(self._account, self._region)
        template = templates.of_registry(state, name, templates.PUSH) if templates.is_name(name) else None
        if template is None:
            return None
        self._permit(request, creation_request(self._account, self._region, name, template.get("resourceTags")))
        with suppress(RepositoryNotFoundException):  # the template cannot be applied
            return templates.create(state, name, templates.PUSH)
        return None
