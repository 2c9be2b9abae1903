"""A push or a deletion adds a job for each destination, in the same change."""

from dataclasses import replace
from typing import Any

from ecr_sandbox.registry.events import Cached, Deleted, ImageEvent, Pushed, StorageClassChanged
from ecr_sandbox.registry.image import STANDARD
from ecr_sandbox.services.ecr.backend import Backend, backend
from ecr_sandbox.services.ecr.registry_settings import REPLICATION

from . import status
from .rules import Destination, destinations

COPY, DELETE = "replicate", "replicate deletion"  # jobs
CONFIGURATION = "configuration"  # the name of the only setting of this kind


def rules(account: str, region: str) -> list[dict[str, Any]]:
    """The replication rules of a registry."""
    found = backend(account, region).settings(REPLICATION).get(CONFIGURATION)
    return found["rules"] if found else []


def cached(image: Cached) -> None:
    """Imported images are replicated, too: AWS's sample event of a replication is about one."""
    if image.failure is None:
        pushed(image)


def restored(image: StorageClassChanged) -> None:
    """A restored image is replicated with each of its tags (user guide, "Considerations")."""
    if image.target != STANDARD or not destinations(rules(image.account, image.region), image.repository):
        return
    held = backend(image.account, image.region).repository(image.repository).images.find(digest=image.digest)
    for tag in (held.tags if held else ()) or (None,):
        pushed(replace(image, tag=tag))


def pushed(image: Pushed | Cached | StorageClassChanged) -> None:
    """Replicate an image."""
    for to in destinations(rules(image.account, image.region), image.repository):
        found = backend(image.account, image.region).repository(image.repository).images.find(digest=image.digest)
        if found:
            status.set_status(Backend.store, found.id, to, status.IN_PROGRESS)
            _add(COPY, image, to)


def deleted(image: Deleted) -> None:
    """Replicate the deletion of an image or a tag."""
    for to in destinations(rules(image.account, image.region), image.repository):
        if to.deletes:
            _add(DELETE, image, to)


def _add(job: str, image: ImageEvent, to: Destination) -> None:
    Backend.jobs.add(
        job,
        account=image.account,
        region=image.region,
        repository=image.repository,
        digest=image.digest,
        tag=image.tag,
        to_account=to.account,
        to_region=to.region,
    )
