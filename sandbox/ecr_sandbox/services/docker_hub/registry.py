"""Docker Hub's registry as the wire sees it: who may do what, repositories made by a push, the pull limit."""

from collections.abc import Iterable
from functools import partial

from ecr_sandbox.http.middleware import Handler, Middleware, Request
from ecr_sandbox.registry import image_ids
from ecr_sandbox.registry.distribution import Distribution
from ecr_sandbox.registry.errors import Refused
from ecr_sandbox.registry.image import Image
from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import INDEXES, Manifest
from ecr_sandbox.registry.put_image import having_all
from ecr_sandbox.registry.responses import refuse
from ecr_sandbox.registry.upload_sessions import Uploads
from werkzeug.wrappers import Response

from .auth import VISITOR, Visitor
from .errors import REGISTRY, manifest_unknown, too_many_pulls, unauthorized
from .limits import Budget, NoneLeft, Pulls
from .repositories import PULL, PUSH, Repositories

# What a token must grant for each of the wire's actions, by the names these have on ECR. Nothing grants a delete:
# on the Hub that is done on the website or with its API.
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
PULLED = "hub.pulled"  # where the registry_backend notes a pull in the request's environ


class Repository:
    """One repository, for one request."""

    def __init__(self, registry_backend: "HubRegistry", name: str):
        self._registry, self.name = registry_backend, name

    @property
    def stored_as(self) -> str:
        return self._registry.repositories.stored_as(self.name)

    @property
    def images(self) -> Images:
        return self._registry.repositories.images(self.name)

    def store_image(self, text: str, media_type: str | None, tag: str | None, digest: str | None) -> Image:
        """The end of a push; the first one makes the repository."""
        manifest = Manifest.parse(text, media_type)
        blobs, repositories = self._registry.blobs, self._registry.repositories
        where = (self.stored_as, manifest, self.images, self.name, "docker.io")
        with having_all(blobs, *where), repositories.change():
            if repositories.find(self.name) is None:
                repositories.create_by_push(self.name)
            repositories.pushed(self.name)
            return self.images.put(manifest, tag, False, digest)

    def mountable(self, digest: str, source: str, request: Request) -> str | None:
        """The name in Distribution of *source*, if the token lets its holder pull from there and the layer is there."""
        if PULL not in self._registry.granted(request.environ[VISITOR], source):
            return None
        return (
            self._registry.repositories.stored_as(source)
            if self._registry.repositories.images(source).use(digest)
            else None
        )

    def link(self, digest: str) -> str | None:
        """None: the Hub's content network is not stood in for."""
        return None

    def delete_images(self, ids: Iterable[image_ids.Id]) -> image_ids.Deleted:
        return image_ids.delete(self.images, ids)

    def pulled(self, image: Image, tag: str | None, request: Request) -> None:
        """The door below counts it, when it has seen the answer."""

    def sent(self, n_bytes: int) -> None:
        """The Hub does not charge for bytes."""


class HubRegistry:
    """What the wire needs to know of Docker Hub."""

    errors = REGISTRY

    def __init__(self, repositories: Repositories, pulls: Pulls, blobs: Distribution, uploads: Uploads):
        self.repositories, self.pulls, self.blobs, self.uploads = repositories, pulls, blobs, uploads

    def repository(self, request: Request, name: str, action: str) -> Repository:
        """The repository, there or yet to be made, if the token grants *action*; raises Refused.

        What is missing and what is forbidden get the same answer.
        """
        needed = NEEDED[action]
        visitor: Visitor | None = request.environ.get(VISITOR)
        if visitor is None:
            raise Refused(unauthorized(request.host, name, needed))
        if not needed <= self.granted(visitor, name):
            raise Refused(unauthorized(request.host, name, needed, "insufficient_scope"))
        if action == "ecr:BatchGetImage" and request.method == "GET" and "/manifests/" in request.path:
            self._take(request, visitor)
        return Repository(self, name)

    def granted(self, visitor: Visitor, name: str) -> frozenset[str]:
        """What the token grants on the repository *name*, as far as it is still allowed."""
        return self.repositories.allowed(visitor.who, name, visitor.bearer.access.get(name, ()))

    def budget(self, request: Request) -> Budget | None:
        """Whose pulls this request would count for; None when nobody counts."""
        visitor: Visitor = request.environ[VISITOR]
        return self.pulls.budget(visitor.who.account if visitor.who else None, request.remote_addr or "127.0.0.1")

    def headers(self, budget: Budget) -> dict[str, str]:
        """What the Hub says about the limit; https://docs.docker.com/docker-hub/usage/pulls/"""
        return {
            "ratelimit-limit": f"{budget.limit};w={budget.window}",
            "ratelimit-remaining": f"{self.pulls.left(budget)};w={budget.window}",
            "docker-ratelimit-source": budget.source,
        }

    def _take(self, request: Request, visitor: Visitor) -> None:
        budget = self.budget(request)
        if budget is None:
            return
        try:
            request.environ[PULLED] = self.pulls.take(budget)
        except NoneLeft:
            raise Refused(too_many_pulls(visitor.bearer.username, visitor.bearer.id, self.headers(budget))) from None


def counted(registry_backend: HubRegistry) -> Middleware:
    """The door that settles the pull limit when the answer is known, and says in the headers what is left."""
    return partial(_counted, registry_backend)


def _counted(registry_backend: HubRegistry, request: Request, call_next: Handler) -> Response:
    response = call_next(request)
    name, manifests, reference = request.path.removeprefix("/v2/").partition("/manifests/")
    if not manifests or request.method not in ("GET", "HEAD") or VISITOR not in request.environ:
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
