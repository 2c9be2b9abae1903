"""The base image's own repository in the sandbox, filled from the OCI layout that ``make setup`` keeps."""

from contextlib import suppress
from pathlib import Path

from moto.ecr.exceptions import ImageAlreadyExistsException

from .. import settings
from .ecr.backend import Backend, backend
from .registry import layout


def seed(folder: Path) -> None:
    """Create the mirror repository and store the image of the layout in *folder*, once; without it there is no mirror.

    Raises OSError.
    """
    found = layout.read(folder)
    if found is None:
        return
    manifest, opened = found
    state = backend(settings.ACCOUNT, settings.REGION)
    with Backend.store.change():
        if settings.MIRROR_REPOSITORY not in state.repositories:
            state.create_repository(settings.MIRROR_REPOSITORY, None, {}, None, "MUTABLE", [])
    repository = state.repository(settings.MIRROR_REPOSITORY)
    if repository.images.find(tag=settings.MIRROR_TAG, digest=manifest.digest):
        return
    storing = layout.stored(Backend.blobs, repository.stored_as, manifest, opened)
    with storing, suppress(ImageAlreadyExistsException):
        repository.images.put(manifest, settings.MIRROR_TAG, immutable=False)
