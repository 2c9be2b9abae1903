"""How a task gets its images: with the execution role's permissions, from the registry, into the local engine.

First the role's permissions and the image are checked, because the engine does not fetch what it already has. Then the
engine pulls with the role's own password, and the registry evaluates the permissions again.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moto.sts.models import AssumedRole

from ecr_sandbox.auth.token import USER, Tokens
from ecr_sandbox.aws.errors import NotInSandbox
from ecr_sandbox.http import addresses
from ecr_sandbox.iam.authorization import Denied
from ecr_sandbox.iam.requests import AuthorizationRequest
from ecr_sandbox.registry import image_name
from ecr_sandbox.registry.errors import UpstreamFailure
from ecr_sandbox.registry.image import ACTIVE, Image
from ecr_sandbox.registry.image_source import ImageSource
from ecr_sandbox.state.store import Store

from . import errors, roles

if TYPE_CHECKING:
    import docker

BY_TAG, BY_LAYER = "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"


class NotStarted(Exception):
    """The task stops before it runs; the message is ECS's ``stoppedReason``."""


@dataclass(frozen=True)
class Found:
    """An image to run: *digest* is that of its name, *name* is the engine's name for it, *auth* its credentials."""

    name: str
    digest: str
    auth: dict[str, str] | None


@dataclass(frozen=True)
class Registries:
    """Where tasks get images: *source* are the private registries; *tokens* makes passwords for them."""

    store: Store
    tokens: Tokens
    source: ImageSource

    def authorize(self, made: AssumedRole, region: str) -> None:
        """Check that the role may get a password; raises NotStarted."""
        try:
            with self.store.lock:
                roles.check(made, AuthorizationRequest("ecr:GetAuthorizationToken", "*", made.account_id), region)
        except Denied as no:
            raise NotStarted(errors.no_registry_auth(str(no))) from None

    def find(self, image: str, platform: str, made: AssumedRole | None) -> Found:
        """Where the engine gets *image* for *platform*; raises NotStarted."""
        home = image_name.registry_account(image)
        if home is None:
            name = image_name.elsewhere(image)
            if name is None:
                raise NotStarted(errors.pull_failed(NotInSandbox(f"The registry of {image}").message))
            return Found(name, "", None)
        assert made  # RegisterTaskDefinition refuses an ECR image without an execution role
        account, region = home
        self._import_upstream(image, account, region, made)
        with self.store.lock:
            found = self._in_ecr(image, account, region, made)
            digest = _of_platform(found, platform)
        auth = {"username": USER, "password": roles.password(self.tokens, made, region)}
        path = image_name.parse(image).path
        return Found(f"{addresses.current.registry_host(account, region)}/{path}@{digest}", found.digest, auth)

    def _import_upstream(self, image: str, account: str, region: str, made: AssumedRole) -> None:
        """Apply a pull through cache rule, if there is one; the checks that follow show what the role may not do."""

        def allowed(request: AuthorizationRequest) -> bool:
            try:
                with self.store.lock:
                    roles.check(made, request, region)
            except Denied:
                return False
            return True

        name = image_name.parse(image)
        try:
            self.source.import_upstream(account, region, name.path, name.tag, name.digest, allowed)
        except UpstreamFailure as no:
            raise NotStarted(errors.pull_failed(str(no.reason))) from None

    def _in_ecr(self, image: str, account: str, region: str, made: AssumedRole) -> Image:
        name = image_name.parse(image)
        try:
            roles.check(made, self.source.authorization_request(BY_TAG, account, region, name.path), region)
        except Denied:
            raise NotStarted(errors.manifest_forbidden(image, name.host, name.reference)) from None
        images = self.source.images(account, region, name.path)
        found = images.find(tag=None if name.digest else name.tag, digest=name.digest) if images is not None else None
        if found is None or found.status != ACTIVE:  # archived
            raise NotStarted(errors.image_not_found(image))
        try:
            roles.check(made, self.source.authorization_request(BY_LAYER, account, region, name.path), region)
        except Denied:
            url = f"https://{name.host}/v2/{name.path}/blobs/{_a_layer(found)}"
            raise NotStarted(errors.layer_forbidden(url)) from None
        return found


def pull(engine: "docker.DockerClient", found: Found, platform: str) -> tuple[str, bool]:
    """Bring the image to the *engine*: its id there, and whether the engine lacked it. Raises NotStarted."""
    import docker.errors

    with suppress(docker.errors.ImageNotFound):
        known = engine.images.get(found.name)
        if not found.auth:
            return str(known.id), False
        # Pull it again with the role's password, so that the registry counts the pull.
        _pull(engine, found, None)
        return str(known.id), False
    _pull(engine, found, None if found.auth else platform)
    return str(engine.images.get(found.name).id), True


def _pull(engine: "docker.DockerClient", found: Found, platform: str | None) -> None:
    import docker.errors

    def messages() -> Iterator[dict[str, object]]:
        return engine.api.pull(found.name, platform=platform, auth_config=found.auth or {}, stream=True, decode=True)

    try:
        for message in messages():
            if "error" in message:
                raise NotStarted(_stopped_reason(str(message["error"]), found.name, platform))
    except docker.errors.APIError as error:
        raise NotStarted(_stopped_reason(str(error.explanation or error), found.name, platform)) from None


def _stopped_reason(engine_error: str, name: str, platform: str | None) -> str:
    low = engine_error.lower()
    if "no matching manifest" in low and platform:
        return errors.no_such_platform(platform)
    if "not found" in low or "manifest unknown" in low:
        return errors.image_not_found(name)
    return errors.pull_failed(engine_error)


def _of_platform(image: Image, platform: str) -> str:
    """The digest of the image to run: of an index, the image for *platform*; raises NotStarted.

    The platform of a single image is not checked here: a wrong one shows when the container starts.
    """
    listed = json.loads(image.manifest).get("manifests")
    if listed is None:
        return image.digest
    for each in listed:
        of = each.get("platform") or {}
        if f"{of.get('os')}/{of.get('architecture')}" == platform:
            return str(each["digest"])
    raise NotStarted(errors.no_such_platform(platform))


def _a_layer(image: Image) -> str:
    content = json.loads(image.manifest)
    layers = content.get("layers") or content.get("manifests") or [content.get("config", {})]
    return str(layers[0].get("digest", ""))
