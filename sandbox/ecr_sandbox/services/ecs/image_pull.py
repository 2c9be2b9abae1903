"""How a task comes to its images: by the execution role's permissions, from the registry, into the local engine.

What the role may do and whether the image is there is asked first, because the engine need not fetch what it has
already. Then the engine pulls for real, with the role's own password, and the registry asks IAM again.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecr_sandbox.auth.token import USER, Tokens
from ecr_sandbox.aws.errors import NotInSandbox
from ecr_sandbox.http import addresses
from ecr_sandbox.iam.authorization import Denied
from ecr_sandbox.iam.requests import AuthorizationRequest, repository_request
from ecr_sandbox.registry import image_name
from ecr_sandbox.registry.images import ACTIVE, Image
from ecr_sandbox.services.ecr.backend import Backend, backend
from moto.ecr.exceptions import RepositoryNotFoundException
from moto.sts.models import AssumedRole

from . import errors as words
from . import roles

if TYPE_CHECKING:
    import docker

BY_TAG, BY_LAYER = "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"


class NotStarted(Exception):
    """The task comes to its end before it runs; the message is ECS's ``stoppedReason``."""


@dataclass(frozen=True)
class Found:
    """An image to be run: *digest* is that of its name, *name* what the engine calls it, for *auth* if any."""

    name: str
    digest: str
    auth: dict[str, str] | None


def authorize(made: AssumedRole, region: str) -> None:
    """The role asks for a password; raises NotStarted."""
    try:
        with Backend.store.lock:
            roles.check(made, AuthorizationRequest("ecr:GetAuthorizationToken", "*", made.account_id), region)
    except Denied as no:
        raise NotStarted(words.no_registry_auth(str(no))) from None


def find(image: str, platform: str, made: AssumedRole | None, tokens: Tokens) -> Found:
    """Where the engine gets *image* for *platform*; raises NotStarted, in ECS's words."""
    home = image_name.registry_account(image)
    if home is None:
        name = image_name.elsewhere(image)
        if name is None:
            raise NotStarted(words.pull_failed(NotInSandbox(f"The registry of {image}").message))
        return Found(name, "", None)
    assert made  # or the definition would have been refused
    account, region = home
    _through_cache(image, account, region, made)
    with Backend.store.lock:
        found = _in_ecr(image, account, region, made)
        digest = _of_platform(found, platform)
    auth = {"username": USER, "password": roles.password(tokens, made, region)}
    path = image_name.parse(image).path
    return Found(f"{addresses.registry_host(account, region)}/{path}@{digest}", found.digest, auth)


def pull(engine: "docker.DockerClient", found: Found, platform: str) -> tuple[str, bool]:
    """Bring the image to the *engine*: its id there, and whether it had to be brought. Raises NotStarted."""
    import docker.errors

    with suppress(docker.errors.ImageNotFound):
        known = engine.images.get(found.name)
        if not found.auth:
            return str(known.id), False
        # Asked for all the same, as the role: the registry counts it as a pull.
        _pull(engine, found, None)
        return str(known.id), False
    _pull(engine, found, None if found.auth else platform)
    return str(engine.images.get(found.name).id), True


def _pull(engine: "docker.DockerClient", found: Found, platform: str | None) -> None:
    import docker.errors

    try:
        for said in engine.api.pull(
            found.name, platform=platform, auth_config=found.auth or {}, stream=True, decode=True
        ):
            if "error" in said:
                raise NotStarted(_worded(str(said["error"]), found.name, platform))
    except docker.errors.APIError as error:
        raise NotStarted(_worded(str(error.explanation or error), found.name, platform)) from None


def _worded(said: str, name: str, platform: str | None) -> str:
    low = said.lower()
    if "no matching manifest" in low and platform:
        return words.no_such_platform(platform)
    if "not found" in low or "manifest unknown" in low:
        return words.image_not_found(name)
    return words.pull_failed(said)


def _through_cache(image: str, account: str, region: str, made: AssumedRole) -> None:
    """Let ECR fetch the image, if there is a rule for it; what the role may not have comes out afterwards."""
    from ecr_sandbox.services.ecr.pull_through import importing
    from ecr_sandbox.services.ecr.pull_through.upstreams import UpstreamFailure

    def may(question: AuthorizationRequest) -> bool:
        try:
            with Backend.store.lock:
                roles.check(made, question, region)
        except Denied:
            return False
        return True

    name = image_name.parse(image)
    with suppress(RepositoryNotFoundException):
        try:
            importing.ensure(backend(account, region), name.path, name.tag, name.digest, may)
        except UpstreamFailure as no:
            raise NotStarted(words.pull_failed(str(no.reason))) from None


def _in_ecr(image: str, account: str, region: str, made: AssumedRole) -> Image:
    name = image_name.parse(image)
    try:
        roles.check(made, repository_request(BY_TAG, account, region, name.path), region)
    except Denied:
        raise NotStarted(words.manifest_forbidden(image, name.host, name.reference)) from None
    try:
        repository = backend(account, region).repository(name.path)
    except RepositoryNotFoundException:
        raise NotStarted(words.image_not_found(image)) from None
    found = repository.images.find(tag=None if name.digest else name.tag, digest=name.digest)
    if found is None or found.status != ACTIVE:  # in the archive
        raise NotStarted(words.image_not_found(image))
    try:
        roles.check(made, repository_request(BY_LAYER, account, region, name.path), region)
    except Denied:
        url = f"https://{name.host}/v2/{name.path}/blobs/{_a_layer(found)}"
        raise NotStarted(words.layer_forbidden(url)) from None
    return found


def _of_platform(image: Image, platform: str) -> str:
    """The digest of what is to be run: of an index, the image for *platform*; raises NotStarted.

    A single image says nothing of its platform here: that it is for another processor is seen when it starts.
    """
    listed = json.loads(image.manifest).get("manifests")
    if listed is None:
        return image.digest
    for each in listed:
        of = each.get("platform") or {}
        if f"{of.get('os')}/{of.get('architecture')}" == platform:
            return str(each["digest"])
    raise NotStarted(words.no_such_platform(platform))


def _a_layer(image: Image) -> str:
    content = json.loads(image.manifest)
    layers = content.get("layers") or content.get("manifests") or [content.get("config", {})]
    return str(layers[0].get("digest", ""))
