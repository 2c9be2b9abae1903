"""Docker Hub's registry under ``/v2/``: permissions, repositories created by a push, the pull limit."""

from functools import partial

from werkzeug.wrappers import Response

from ecr_sandbox.http.middleware import Handler, Middleware, Request
from ecr_sandbox.registry import tags
from ecr_sandbox.registry.backend import Repository
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.errors import Refused
from ecr_sandbox.registry.image import Image
from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import INDEXES, Manifest
from ecr_sandbox.registry.pages import Page
from ecr_sandbox.registry.references import Key
from ecr_sandbox.registry.responses import refuse
from ecr_sandbox.registry.upload_sessions import UploadSessions

from .auth import CALLER, Caller
from .errors import REGISTRY, manifest_unknown, too_many_pulls, unauthorized
from .limits import Budget, LimitReached, Pulls
from .repositories import PULL, PUSH, Repositories

# What a token must grant for each action of the registry, by its name on ECR. No token grants a delete: the Hub's
# website and API do that.
NEEDED = {
    "ecr:BatchCheckLayerAvailability": {PULL},
    "ecr:GetDownloadUrlForLayer": {PULL},
    "ecr:BatchGetImage": {PULL},
    "ecr:ListImages": {PULL},
    "ecr:InitiateLayerUpload": {PULL, PUSH},
    "ecr:UploadLayerPart": {PULL, PUSH},
    "ecr:CompleteLayerUpload": {PULL, PUSH},
    "ecr:PutImage": {PULL, PUSH},
    "ecr:BatchDeleteImage": {"delete"},
}
PULLED = "hub.pulled"  # the key of the counted pull in the request's environ


class HubRepository(Repository):
    """One repository, for one request. The middleware below counts its pulls, once it knows the answer."""

    def __init__(self, registry_backend: "HubRegistry", name: str):
        self._registry, self.name = registry_backend, name

    @property
    def images(self) -> Images:
        return self._registry.repositories.images(self.name)

    def tags(self, size: int | None, last: str | None) -> Page:
        return tags.by_name(self.images, size, last)

    def store_image(self, text: str, media_type: str | None, tag: str | None, digest: str | None) -> Image:
        """The end of a push; the first one creates the repository."""
        manifest = Manifest.parse(text, media_type, as_ecr=False)
        blobs, repositories = self._registry.blobs, self._registry.repositories
        with repositories.change():
            blobs.require_blobs(self.images, manifest, self.name, "docker.io")
            if repositories.find(self.name) is None:
                repositories.create_by_push(self.name)
            repositories.pushed(self.name)
            return self.images.put(manifest, tag, False, digest)

    def mountable(self, digest: str, source: str, request: Request) -> Key | None:
        """The key of *source*, if the token grants a pull from there and an image there uses the layer."""
        if PULL not in self._registry.granted(request.environ[CALLER], source):
            return None
        images = self._registry.repositories.images(source)
        return images.key if images.use(digest) else None


class HubRegistry:
    """Docker Hub's ``RegistryBackend``."""

    errors = REGISTRY

    def __init__(self, repositories: Repositories, pulls: Pulls, blobs: ContentStore, uploads: UploadSessions):
        self.repositories, self.pulls, self.blobs, self.uploads = repositories, pulls, blobs, uploads

    def repository(self, request: Request, name: str, action: str) -> HubRepository:
        """The repository, which need not exist yet, if the token grants *action*; raises Refused.

        The answer is the same for a missing and a forbidden repository.
        """
        needed = NEEDED[action]
        caller: Caller | None = request.environ.get(CALLER)
        if caller is None:
            raise Refused(unauthorized(request.host, name, needed))
        if not needed <= self.granted(caller, name):
            raise Refused(unauthorized(request.host, name, needed, "insufficient_scope"))
        if action == "ecr:BatchGetImage" and request.method == "GET" and "/manifests/" in request.path:
            self._take(request, caller)
        return HubRepository(self, name)

    def catalog(self, request: Request, size: int | None, last: str | None) -> Page:
        """No token grants the list: https://github.com/docker/hub-feedback/issues/2094."""
        error = "insufficient_scope" if CALLER in request.environ else ""
        raise Refused(unauthorized(request.host, "catalog", "*", error, kind="registry"))

    def granted(self, caller: Caller, name: str) -> frozenset[str]:
        """The token's actions on the repository *name* that are still allowed."""
        return self.repositories.allowed(caller.who, name, caller.bearer.access.get(name, ()))

    def budget(self, request: Request) -> Budget | None:
        """The budget that this request counts for, or None."""
        caller: Caller = request.environ[CALLER]
        return self.pulls.budget(caller.who.account if caller.who else None, request.remote_addr or "127.0.0.1")

    def headers(self, budget: Budget) -> dict[str, str]:
        """The Hub's headers about the limit; https://docs.docker.com/docker-hub/usage/pulls/"""
        return {
            "ratelimit-limit": f"{budget.limit};w={budget.window}",
            "ratelimit-remaining": f"{self.pulls.left(budget)};w={budget.window}",
            "docker-ratelimit-source": budget.source,
        }

    def _take(self, request: Request, caller: Caller) -> None:
        budget = self.budget(request)
        if budget is None:
            return
        try:
            request.environ[PULLED] = self.pulls.take(budget)
        except LimitReached:
            raise Refused(too_many_pulls(caller.bearer.username, caller.bearer.id, self.headers(budget))) from None


def counted(registry_backend: HubRegistry) -> Middleware:
    """Middleware that counts a pull once the answer is known, and adds the limit's headers."""
    return partial(_counted, registry_backend)


def _counted(registry_backend: HubRegistry, request: Request, call_next: Handler) -> Response:
    response = call_next(request)
    name, manifests, reference = request.path.removeprefix("/v2/").partition("/manifests/")
    if not manifests or request.method not in ("GET", "HEAD") or CALLER not in request.environ:
        return response
    if response.status_code == 404:
        response = refuse(manifest_unknown(reference))
    got_image = response.status_code == 200 and response.mimetype not in INDEXES
    if request.method == "GET" and got_image:
        registry_backend.repositories.pulled(name)
    elif pull := request.environ.get(PULLED):
        registry_backend.pulls.give_back(pull)
    if response.status_code == 200 and (budget := registry_backend.budget(request)):
        response.headers.update(registry_backend.headers(budget))
    return response
