"""Copies an image: the other registry gets the repository, rows for the blobs, and the same manifest and tag.

The content store has each blob once, so only rows are copied. An interrupted copy starts again.
"""

from contextlib import suppress
from typing import Any

from moto.ecr.exceptions import RepositoryNotFoundException

from ecr_sandbox.iam import principals
from ecr_sandbox.iam.authorization import Denied, permit_service
from ecr_sandbox.registry import events
from ecr_sandbox.registry.errors import ImageExists, TagImmutable
from ecr_sandbox.registry.events import Replicated
from ecr_sandbox.registry.image import ACTIVE, Image
from ecr_sandbox.registry.manifest_format import Manifest
from ecr_sandbox.services.ecr import templates
from ecr_sandbox.services.ecr.authorization import creation_request, repository_request
from ecr_sandbox.services.ecr.backend import Backend, Repository, backend

from . import status
from .rules import Destination

# Failure codes; AWS does not publish its own.
ACCESS_DENIED, ARCHIVED, SERVER_ERROR = "AccessDenied", "ImageArchived", "ServerError"


class CannotReplicate(Exception):
    """The copy fails, also if it is tried again; *code* says why."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


class Gone(Exception):
    """The image or its repository was deleted during the copy, so nothing is copied."""


def replicate(job: dict[str, Any]) -> None:
    """The job after a push; it is tried again if it raises OSError."""
    source = _repository(job["account"], job["region"], job["repository"])
    image = source.images.find(digest=job["digest"]) if source else None
    to = Destination(job["to_account"], job["to_region"])
    if source is None or image is None:
        return  # it has been deleted
    try:
        copy(source, image, job["tag"], to)
    except Gone:
        return
    except CannotReplicate as no:
        fail(source, image, job["tag"], to, no.code)
    except Exception:
        if not _is_there(source, image):
            return
        status.set_status(Backend.store, image.id, to, status.FAILED, SERVER_ERROR)  # until the next attempt
        raise


def give_up(job: dict[str, Any]) -> None:
    """End a job that failed or was interrupted too often."""
    source = _repository(job["account"], job["region"], job["repository"])
    image = source.images.find(digest=job["digest"]) if source else None
    if source and image:
        fail(source, image, job["tag"], Destination(job["to_account"], job["to_region"]), SERVER_ERROR)


def copy(source: Repository, image: Image, tag: str | None, to: Destination) -> None:
    """Copy *image* to the registry *to*, under *tag* if that is still its tag.

    Raises CannotReplicate, Gone and, if another attempt may succeed, OSError.
    """
    if image.status != ACTIVE:
        raise CannotReplicate(ARCHIVED)
    target, manifest = _target(source, to), Manifest.parse(image.manifest, image.media_type, as_ecr=False)
    for digest in manifest.children:
        if (child := source.images.find(digest=digest)) and not target.images.find(digest=digest):
            copy(source, child, None, to)
    with Backend.store.change():
        if not _is_there(source, image):
            raise Gone
        if there := _repository(*target.key):
            _store(source, image, tag, to, there, manifest)
            return
    copy(source, image, tag, to)  # the other repository was deleted during the copy


def fail(source: Repository, image: Image, tag: str | None, to: Destination, code: str) -> None:
    """Record that the copy failed, and publish the event, unless the image has been deleted."""
    with Backend.store.change():
        if not _is_there(source, image):
            return
        status.set_status(Backend.store, image.id, to, status.FAILED, code)
        _publish(source, image, tag, to, complete=False)


def repeat_deletion(job: dict[str, Any]) -> None:
    """The job after a deletion: delete the same image or tag at the destination."""
    source = _repository(job["account"], job["region"], job["repository"])
    target = _repository(job["to_account"], job["to_region"], job["repository"])
    if target is None or not _is_allowed(job["account"], Destination(job["to_account"], job["to_region"]), target.name):
        return
    if source is None or source.images.find(digest=job["digest"]) is None:
        target.delete_images([{"imageDigest": job["digest"]}])
    elif job["tag"] and source.images.find(tag=job["tag"]) is None:
        target.delete_images([{"imageDigest": job["digest"], "imageTag": job["tag"]}])


def _store(
    source: Repository, image: Image, tag: str | None, to: Destination, target: Repository, manifest: Manifest
) -> None:
    with Backend.store.change():
        for digest, _ in manifest.blobs:
            if not Backend.blobs.mount(target.key, digest, source.key):
                raise OSError(f"{source.arn} has no layer {digest}")
        Backend.blobs.require_blobs(target.images, manifest, target.name, to.account)
        still = tag if tag and source.images.find(tag=tag, digest=image.digest) else None
        more = sum(size for digest, size in manifest.blobs if not target.images.use(digest))
        with suppress(ImageExists):
            try:
                target.images.put(manifest, still, target.locks(still))
            except TagImmutable:  # user guide, "Considerations": the image is copied without the tag
                target.images.put(manifest, None, immutable=True)
        Backend.meter.replicated(source.account_id, source.region_name, source.name, more, to.region)
        status.set_status(Backend.store, image.id, to, status.COMPLETE)
        _publish(source, image, tag, to, complete=True)


def _target(source: Repository, to: Destination) -> Repository:
    """The destination's repository; a creation template creates a missing one. Raises CannotReplicate."""
    if to.account not in principals.ADMINISTRATORS.values() or not _is_allowed(source.account_id, to, source.name):
        raise CannotReplicate(ACCESS_DENIED)
    state = backend(to.account, to.region)
    try:
        with Backend.store.lock:
            return state.repository(source.name)
    except RepositoryNotFoundException:
        if not _is_allowed(source.account_id, to, source.name, creating=True):
            raise CannotReplicate(ACCESS_DENIED) from None
    try:
        return templates.create(state, source.name, templates.REPLICATION)
    except RepositoryNotFoundException:  # the template cannot be applied
        raise CannotReplicate(ACCESS_DENIED) from None


def _is_allowed(account: str, to: Destination, name: str, creating: bool = False) -> bool:
    """Whether *account* may replicate to the registry *to*; another account's registry policy must allow it.

    Source: user guide, "Registry policy examples", for ``ecr:ReplicateImage`` and ``ecr:CreateRepository``.
    """
    with Backend.store.lock:
        where = (to.account, to.region, name)
        request = creation_request(*where) if creating else repository_request("ecr:ReplicateImage", *where)
        try:
            permit_service(account, request, to.region)
        except Denied:
            return False
        return True


def _repository(account: str, region: str, name: str) -> Repository | None:
    with Backend.store.lock:
        return backend(account, region).repositories.get(name)


def _is_there(source: Repository, image: Image) -> bool:
    """Whether *image* still exists: it was not deleted, alone or with its repository."""
    found = source.images.find(digest=image.digest)
    return found is not None and found.id == image.id


def _publish(source: Repository, image: Image, tag: str | None, to: Destination, complete: bool) -> None:
    there = (to.account, to.region, source.name, image.digest, tag)
    events.publish(Replicated(*there, source.account_id, source.region_name, complete))
