"""ECR Public's registry under ``/v2/``: anyone can pull, within limits; the owner's policies say who can push."""

from functools import partial

from moto.ecr.exceptions import RepositoryNotFoundException
from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Handler, Middleware, Request
from ecr_sandbox.iam.authorization import Denied, permit
from ecr_sandbox.registry.backend import Repository
from ecr_sandbox.registry.errors import Refused, denied
from ecr_sandbox.registry.image import Image
from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.pages import Page
from ecr_sandbox.registry.references import Key
from ecr_sandbox.registry.responses import refuse
from ecr_sandbox.registry.upload_sessions import UploadSessions
from ecr_sandbox.services import lists
from ecr_sandbox.services.image_errors import REGISTRY_ERRORS, repository_unknown

from . import repositories
from .auth import REGION
from .authorization import repository_request
from .errors import ALIAS, ALIAS_INVALID, NO_CATALOG, TOO_MANY_PULLS, TOO_MUCH_DATA, not_authorized
from .limits import Limits
from .official import Mirror
from .repositories import Repositories

# Allowed to everyone, whatever the policy: user guide, "Public repository policies". A HEAD of a layer is not:
# https://github.com/aws/containers-roadmap/issues/2671
FOR_EVERYONE = {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:ListImages"}


class PublicRepository(Repository):
    """One repository, for one request; *name* is ``alias/repository``. The middleware below counts its pulls."""

    def __init__(
        self, registry_backend: "PublicRegistry", repository: repositories.Repository, name: str, request: Request
    ):
        self.name = name
        self._registry, self._repository, self._request = registry_backend, repository, request

    @property
    def images(self) -> Images:
        return self._registry.repositories.images(self._repository)

    def tags(self, size: int | None, last: str | None) -> Page:
        """A page, as ECR's: https://github.com/aws/karpenter-provider-aws/issues/7482."""
        return lists.tags(self.images, size, last)

    def store_image(self, text: str, media_type: str | None, tag: str | None, digest: str | None) -> Image:
        """The end of a push; raises ImageError, and Refused if the repository is gone."""
        repository = self._repository
        try:
            return self._registry.repositories.store_image(repository, text, media_type, tag, digest)
        except RepositoryNotFoundException:
            raise Refused(repository_unknown(repository.name, repository.account)) from None

    def mountable(self, digest: str, source: str, request: Request) -> Key | None:
        """None: AWS describes mounting for private registries only."""
        return None

    def sent(self, n_bytes: int) -> None:
        """Anonymous clients have a limit."""
        if self._request.principal is None:
            self._registry.limits.sent(_address(self._request), n_bytes)


class PublicRegistry:
    """ECR Public's ``RegistryBackend``."""

    errors = REGISTRY_ERRORS

    def __init__(self, repositories: Repositories, uploads: UploadSessions, mirror: Mirror, limits: Limits):
        self.repositories, self.limits, self.blobs = repositories, limits, repositories.blobs
        self.uploads = uploads
        self._mirror = mirror

    def repository(self, request: Request, name: str, action: str) -> PublicRepository:
        """The repository, if everyone may do *action*, or policies allow it to the caller; raises Refused."""
        alias, _, rest = name.partition("/")
        account = repositories.account_of(alias)
        if not ALIAS.fullmatch(alias):
            raise Refused(ALIAS_INVALID)
        if account == repositories.DOCKER:
            self._mirror.fill()
        try:
            if action not in FOR_EVERYONE:
                self._permit(request, action.replace("ecr:", "ecr-public:"), account, rest)
            return PublicRepository(self, self.repositories.find(account or "", rest), name, request)
        except RepositoryNotFoundException:
            # The alias in place of the account: https://github.com/aws-samples/amazon-eks-cdk-blue-green-cicd/issues/24
            raise Refused(repository_unknown(rest, alias)) from None

    def catalog(self, request: Request, size: int | None, last: str | None) -> Page:
        """The API has no list of every account's repositories either."""
        raise Refused(NO_CATALOG)

    def _permit(self, request: Request, action: str, account: str | None, name: str) -> None:
        if request.principal is None:
            raise Refused(not_authorized(request.own_url))
        if account is None:
            raise RepositoryNotFoundException(name, "")
        with self.repositories.store.lock:  # moto's IAM is not thread-safe
            try:
                permit(request, repository_request(self.repositories, action, account, name), REGION)
            except Denied as no:
                raise Refused(denied(str(no))) from None


def limited(registry_backend: PublicRegistry) -> Middleware:
    """Middleware that refuses pulls above the quota; ``limits.py`` says what counts as a pull."""
    return partial(_limited, registry_backend.limits)


def _limited(limits: Limits, request: Request, call_next: Handler) -> Response:
    repository, manifests, reference = request.path.partition("/manifests/")
    if not manifests or request.method not in ("HEAD", "GET"):
        return call_next(request)
    address, account = _address(request), request.principal.account if request.principal else None
    if request.method == "GET" and account is None and not limits.has_data_left(address):
        return refuse(TOO_MUCH_DATA)
    response = call_next(request)
    if response.status_code == 200 and not limits.may_pull(address, account, repository, reference):
        return refuse(TOO_MANY_PULLS)
    return response


def _address(request: Request) -> str:
    return request.remote_addr or "127.0.0.1"
