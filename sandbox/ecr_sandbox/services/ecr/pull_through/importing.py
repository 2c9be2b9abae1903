"""Before a pull: import the image if a rule covers it, unless it is cached and was checked less than a day ago.

A caller without permission to import, or to create the repository, gets the same answer as without a rule.
Sources: user guide, "IAM permissions required to sync an upstream registry with an Amazon ECR private registry" and
"Troubleshooting pull through cache issues".
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

from moto.ecr.exceptions import RepositoryNotFoundException

from ecr_sandbox.aws.errors import NotInSandbox
from ecr_sandbox.http import addresses
from ecr_sandbox.iam import authorization, evaluate, principals
from ecr_sandbox.iam.requests import AuthorizationRequest
from ecr_sandbox.registry import events, oci_layout
from ecr_sandbox.registry.errors import (
    ImageExists,
    LayersMissing,
    ManifestInvalid,
    ReferencedImagesMissing,
    TagImmutable,
    UpstreamFailure,
)
from ecr_sandbox.registry.events import Cached
from ecr_sandbox.registry.image import ACTIVE
from ecr_sandbox.registry.manifest_format import Manifest
from ecr_sandbox.services.ecr import templates
from ecr_sandbox.services.ecr.authorization import creation_request, repository_request
from ecr_sandbox.services.ecr.backend import Backend, Repository, backend
from ecr_sandbox.services.ecr.errors import SecretNotFoundException, UnableToAccessSecretException
from ecr_sandbox.services.ecr.registry_settings import CACHE_RULES
from ecr_sandbox.services.image_errors import api_exception

from . import checks, credentials, rules
from .client import AUTHENTICATION_FAILED, Client
from .credentials import Credentials
from .rules import Rule
from .upstreams import DENIED, ECR, HUB, NOT_FOUND, PUBLIC, UNAVAILABLE, URLS, Upstream

Allowed = Callable[[AuthorizationRequest], bool]  # whether IAM allows it to the caller


def ensure(state: Backend, name: str, tag: str | None, digest: str | None, allowed: Allowed) -> None:
    """Import the image if one of the registry's rules covers the repository *name*; raises UpstreamFailure.

    If upstream fails, the cached image is used.
    """
    rule = rules.chosen(state.settings(CACHE_RULES).all(), name)
    if rule is None:
        return
    with Backend.store.lock:
        repository: Repository | None = state.repositories.get(name)
        existing = repository.images.find(tag, digest) if repository else None
        if existing and not checks.is_due(state, name, tag):
            return
        if not _import_allowed(state, name, repository is None, allowed):
            return
    try:
        _Import(state, name, rule, of_rule(rule)).run(tag, digest)
    except UpstreamFailure as no:
        _publish(state, name, rule, "", tag, (no.code, no.reason))
        if existing is None:
            raise


def _publish(
    state: Backend, name: str, rule: Rule, digest: str, tag: str | None, failure: tuple[str, str] | None
) -> None:
    with Backend.store.change():
        where = (state.account_id, state.region_name, name, digest, tag)
        events.publish(Cached(*where, rule["ecrRepositoryPrefix"], rule["upstreamRegistryUrl"], failure))


def of_rule(rule: Rule) -> Upstream:
    """The upstream registry of *rule*, with the rule's secret or role; raises UpstreamFailure."""
    kind = rule["upstreamRegistry"]
    if kind == ECR:
        return _Private(rule)
    if kind not in (HUB, PUBLIC):
        raise UpstreamFailure(UNAVAILABLE, NotInSandbox(f"The registry {rule['upstreamRegistryUrl']}").message)
    if kind == PUBLIC:
        # Signed in, because ECR is not held to the limits of anonymous clients.
        return Client(addresses.current.public_url(), Credentials.ecr_public(rule["registryId"]))
    try:
        held = credentials.of_secret(rule["credentialArn"]) if rule.get("credentialArn") else None
    except (SecretNotFoundException, UnableToAccessSecretException) as error:
        raise UpstreamFailure(DENIED, error.message) from None
    return Client(addresses.current.hub_url(), held)


class _Import:
    """Imports one image of *upstream* into the repository *name*, and creates it if it does not exist."""

    def __init__(self, state: Backend, name: str, rule: Rule, upstream: Upstream):
        self._state, self._name, self._rule, self._upstream = state, name, rule, upstream
        self._upstream_name = rules.upstream_name(rule, name)

    def run(self, tag: str | None, digest: str | None, listed: bool = False) -> None:
        """Import the image, and all images that an index lists; raises UpstreamFailure, OSError.

        *listed*: an index lists it, so it has no event of its own.
        """
        text, media_type = self._upstream.manifest(self._upstream_name, digest or tag or "")
        try:
            manifest = Manifest.parse(text, media_type)
        except ManifestInvalid as error:
            raise UpstreamFailure(UNAVAILABLE, api_exception(error).message) from None
        if digest and manifest.digest != digest:
            raise UpstreamFailure(UNAVAILABLE, "The upstream registry sent another image")
        repository = self._repository()
        for child in manifest.children:
            if not repository.images.find(digest=child):
                self.run(None, child, listed=True)
        oci_layout.add_blobs(Backend.blobs, repository.key, manifest, self._upstream.opened(self._upstream_name))
        # The repository may have been deleted, or also created again: the pull then does not find the image.
        with suppress(RepositoryNotFoundException, LayersMissing, ReferencedImagesMissing):
            self._store(manifest, tag, listed)

    def _repository(self) -> Repository:
        try:
            with Backend.store.lock:
                return self._state.repository(self._name)
        except RepositoryNotFoundException:
            return templates.create(self._state, self._name, templates.CACHE)

    def _store(self, manifest: Manifest, tag: str | None, listed: bool) -> None:
        with Backend.store.change():
            repository = self._state.repository(self._name)
            Backend.blobs.require_blobs(repository.images, manifest, repository.name, repository.account_id)
            # An immutable tag keeps its image.
            with suppress(ImageExists, TagImmutable):
                repository.images.put(manifest, tag, repository.locks(tag))
            if tag:
                checks.done(self._state, self._name, tag)
            if not listed and repository.images.find(digest=manifest.digest):
                _publish(self._state, self._name, self._rule, manifest.digest, tag, None)


class _Private:
    """A private registry of the sandbox, with the permissions of the rule's role, or of ECR in the rule's account."""

    def __init__(self, rule: Rule):
        found = URLS[ECR].fullmatch(rule["upstreamRegistryUrl"])
        assert found  # the API has checked it
        self._account, self._region = found["account"], found["region"]
        self._principal = _role_of(rule)

    def manifest(self, name: str, reference: str) -> tuple[str, str]:
        wanted = {"digest" if ":" in reference else "tag": reference}
        image = self._repository(name).images.find(**wanted)
        if image is None or image.status != ACTIVE:
            raise UpstreamFailure(NOT_FOUND, "Requested image not found")
        return image.manifest, image.media_type

    def opened(self, name: str) -> Callable[[str], BinaryIO]:
        return partial(Backend.blobs.open, self._repository(name).key)

    def check(self) -> None:
        """Nothing to check: it needs no password."""

    def _repository(self, name: str) -> Repository:
        known = self._account in principals.ADMINISTRATORS.values()
        with Backend.store.lock:
            for action in ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
                question = repository_request(action, self._account, self._region, name)
                if not known or not authorization.may(self._principal, question, self._region):
                    raise UpstreamFailure(DENIED, AUTHENTICATION_FAILED)
            try:
                return backend(self._account, self._region).repository(name)
            except RepositoryNotFoundException:
                raise UpstreamFailure(NOT_FOUND, "Requested image not found") from None


def _role_of(rule: Rule) -> evaluate.Principal:
    if role := rule.get("customRoleArn"):
        if (who := principals.of_role(role)) is None:
            raise UpstreamFailure(DENIED, AUTHENTICATION_FAILED)
        return who
    return principals.root(rule["registryId"])


def _import_allowed(state: Backend, name: str, missing: bool, allowed: Allowed) -> bool:
    where = (state.account_id, state.region_name, name)
    if not allowed(repository_request("ecr:BatchImportUpstreamImage", *where)):
        return False
    if not missing:
        return True
    template: Mapping[str, Any] = templates.of_registry(state, name, templates.CACHE) or {}
    return templates.is_name(name) and allowed(creation_request(*where, template.get("resourceTags")))
