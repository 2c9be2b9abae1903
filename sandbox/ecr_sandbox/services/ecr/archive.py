"""The archive storage class: archiving and restoring images.

An image is archived when the call returns. A restore takes at most 20 minutes (user guide, "Restoring an image"), about
nine for a small image, as a public lab of March 2026 measured. Referrers of an image, for example its signatures, are
archived and restored with it (user guide, "Event for a referrer restore action").
Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive-image.html
"""

from typing import Any

from ecr_sandbox.registry import events
from ecr_sandbox.registry.events import StorageClassChanged
from ecr_sandbox.registry.image import ACTIVE, ARCHIVE, ARCHIVED, STANDARD, Image
from ecr_sandbox.state import clock

from .backend import Backend, Repository, backend
from .errors import ImageStorageClassUpdateNotSupportedException

RESTORING = 10 * 60  # seconds, by the sandbox's clock
JOB = "restored"


def move(repository: Repository, image: Image, storage_class: str) -> Image:
    """UpdateImageStorageClass, also by a lifecycle rule; returns the changed image.

    Raises ImageStorageClassUpdateNotSupportedException.
    """
    with Backend.store.change():
        image = repository.images.find(digest=image.digest) or image
        listed = repository.images.index_of(image.digest, active=True)
        if reason := why_not(image.status, storage_class, listed):
            raise ImageStorageClassUpdateNotSupportedException(image.digest, storage_class, reason)
        step = _archive if storage_class == ARCHIVE else _restore
        for each in [image, *_referrers(repository, image, ACTIVE if storage_class == ARCHIVE else ARCHIVED)]:
            step(repository, each)
        moved = repository.images.find(digest=image.digest)
    assert moved
    return moved


def why_not(status: str, storage_class: str, listed_by: str | None) -> str | None:
    """Why an image with this *status* cannot move to *storage_class*; None if it can.

    *listed_by* is an index that is not archived: its images cannot be archived (user guide, "Lifecycle policies").
    """
    if storage_class == STANDARD:
        return None if status == ARCHIVED else f"its status is {status}"
    if status != ACTIVE:
        return f"its status is {status}"
    return f"it is referenced by manifest list: [{listed_by}]" if listed_by else None


def _archive(repository: Repository, image: Image) -> None:
    repository.images.archive(image)
    events.publish(_changed(repository, image, ARCHIVE, None))


def _restore(repository: Repository, image: Image) -> None:
    ready = int(clock.now()) + RESTORING
    repository.images.restore(image, ready)
    about = {"account": repository.account_id, "region": repository.region_name, "repository": repository.name}
    Backend.jobs.add(JOB, due=ready, **about, digest=image.digest, ready=ready)


def publish_restored(job: dict[str, Any]) -> None:
    """The job at the end of a restore: publish the event."""
    with Backend.store.change():
        repository = backend(job["account"], job["region"]).repositories.get(job["repository"])
        image = repository.images.find(digest=job["digest"]) if repository else None
        if image and image.activated_at == job["ready"]:  # otherwise it was deleted, or archived again
            events.publish(_changed(repository, image, STANDARD, image.activated_at))


def _referrers(repository: Repository, subject: Image, status: str) -> list[Image]:
    return repository.images.referrers(subject.digest, status=status)


def _changed(repository: Repository, image: Image, target: str, at: int | None) -> StorageClassChanged:
    where = (repository.account_id, repository.region_name, repository.name, image.digest, None)
    return StorageClassChanged(*where, target, image.media_type, image.artifact_type, at, image.subject is not None)
