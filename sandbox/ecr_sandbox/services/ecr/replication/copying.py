"""The copy itself: the other registry gets the repository, links to the bytes, and the same manifest and tag.

The bytes are not sent anywhere: Distribution keeps them once and links them. A copy that was interrupted is made again
from its beginning, which does no harm.
"""

from contextlib import suppress
from typing import Any

from ecr_sandbox.iam import principals
from ecr_sandbox.iam.authorization import Denied, permit_service
from ecr_sandbox.iam.requests import creation_request, repository_request
from ecr_sandbox.registry import events
from ecr_sandbox.registry.errors import ImageExists, TagImmutable
from ecr_sandbox.registry.events import Replicated
from ecr_sandbox.registry.image import ACTIVE, Image
from ecr_sandbox.registry.manifest_format import Manifest
from ecr_sandbox.registry.put_image import having_all
from ecr_sandbox.services.ecr import templates
from ecr_sandbox.services.ecr.backend import Backend, Repository, backend
from moto.ecr.exceptions import RepositoryNotFoundException

from . import status
from .rules import Destination

# What failed; AWS does not publish its codes.
ACCESS_DENIED, ARCHIVED, FAULT = "AccessDenied", "ImageArchived", "ServerError"


class CannotReplicate(Exception):
    """It will not work the next time either; *code* says why."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def replicate(what: dict[str, Any]) -> None:
    """The job after a push; raises OSError, and is then tried again."""
    source = _repository(what["account"], what["region"], what["repository"])
    image = source.images.find(digest=what["digest"]) if source else None
    to = Destination(what["to_account"], what["to_region"])
    if source is None or image is None:
        return  # it was deleted meanwhile
    try:
        copy(source, image, what["tag"], to)
    except CannotReplicate as no:
        fail(source, image, what["tag"], to, no.code)
    except Exception:
        status.note(Backend.store, image.id, to, status.FAILED, FAULT)  # until the next try
        raise


def copy(source: Repository, image: Image, tag: str | None, to: Destination) -> None:
    """Let the registry *to* have *image*, under *tag* if that still is its tag; raises CannotReplicate, OSError."""
    if image.status != ACTIVE:
        raise CannotReplicate(ARCHIVED)
    target, manifest = _target(source, to), Manifest.parse(image.manifest, image.media_type)
    for digest in manifest.children:
        if (child := source.images.find(digest=digest)) and not target.images.find(digest=digest):
            copy(source, child, None, to)
    for digest, _ in manifest.blobs:
        if Backend.blobs.size(target.stored_as, digest) is None:
            _link(target, digest, source)
    with having_all(Backend.blobs, target.stored_as, manifest, target.images, target.name, to.account):
        _store(source, image, tag, to, target, manifest)


def _link(target: Repository, digest: str, source: Repository) -> None:
    if not Backend.uploads.mount(target.stored_as, digest, source.stored_as):
        raise OSError(f"{source.stored_as} has no layer {digest}")


def fail(source: Repository, image: Image, tag: str | None, to: Destination, code: str) -> None:
    """It did not work, and why."""
    with Backend.store.change():
        status.note(Backend.store, image.id, to, status.FAILED, code)
        _tell(source, image, tag, to, complete=False)


def repeat_deletion(what: dict[str, Any]) -> None:
    """The job after a deletion: what is gone here goes there."""
    source = _repository(what["account"], what["region"], what["repository"])
    target = _repository(what["to_account"], what["to_region"], what["repository"])
    if target is None or not _may(what["account"], Destination(what["to_account"], what["to_region"]), target.name):
        return
    if source is None or source.images.find(digest=what["digest"]) is None:
        target.delete_images([{"imageDigest": what["digest"]}])
    elif what["tag"] and source.images.find(tag=what["tag"]) is None:
        target.delete_images([{"imageDigest": what["digest"], "imageTag": what["tag"]}])


def _store(
    source: Repository, image: Image, tag: str | None, to: Destination, target: Repository, manifest: Manifest
) -> None:
    with Backend.store.change():
        still = tag if tag and source.images.find(tag=tag, digest=image.digest) else None
        more = sum(size for digest, size in manifest.blobs if not target.images.use(digest))
        with suppress(ImageExists):
            try:
                target.images.put(manifest, still, target.locks(still))
            except TagImmutable:  # user guide, "Considerations": then without the tag
                target.images.put(manifest, None, immutable=True)
        Backend.meter.replicated(source.account_id, source.region_name, source.name, more, to.region)
        status.note(Backend.store, image.id, to, status.COMPLETE)
        _tell(source, image, tag, to, complete=True)


def _target(source: Repository, to: Destination) -> Repository:
    """The repository to copy to, made by a template for replication if it is missing; raises CannotReplicate."""
    if to.account not in principals.ADMINISTRATORS.values() or not _may(source.account_id, to, source.name):
        raise CannotReplicate(ACCESS_DENIED)
    state = backend(to.account, to.region)
    try:
        with Backend.store.lock:
            return state.repository(source.name)
    except RepositoryNotFoundException:
        if not _may(source.account_id, to, source.name, creating=True):
            raise CannotReplicate(ACCESS_DENIED) from None
    try:
        return templates.create(state, source.name, templates.REPLICATION)
    except RepositoryNotFoundException:  # the template does not work
        raise CannotReplicate(ACCESS_DENIED) from None


def _may(account: str, to: Destination, name: str, creating: bool = False) -> bool:
    """Whether *account* may replicate into the registry *to*: into another account, if its registry policy says so.

    Source: user guide, "Registry policy examples", for ``ecr:ReplicateImage`` and ``ecr:CreateRepository``.
    """
    with Backend.store.lock:
        where = (to.account, to.region, name)
        question = creation_request(*where) if creating else repository_request("ecr:ReplicateImage", *where)
        try:
            permit_service(account, question, to.region)
        except Denied:
            return False
        return True


def _repository(account: str, region: str, name: str) -> Repository | None:
    with Backend.store.lock:
        return backend(account, region).repositories.get(name)


def _tell(source: Repository, image: Image, tag: str | None, to: Destination, complete: bool) -> None:
    there = (to.account, to.region, source.name, image.digest, tag)
    events.publish(Replicated(*there, source.account_id, source.region_name, complete))
