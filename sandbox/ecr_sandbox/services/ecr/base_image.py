"""The mirror repository of the base image, filled from an OCI layout."""

from contextlib import suppress
from pathlib import Path

from ecr_sandbox import settings
from ecr_sandbox.registry import oci_layout
from ecr_sandbox.registry.errors import ImageExists

from .backend import Backend, backend


def seed(folder: Path) -> None:
    """Create the mirror repository and store the image of the layout in *folder*, once; without it there is no mirror.

    Raises OSError.
    """
    found = oci_layout.read(folder)
    if found is None:
        return
    manifest, opened = found
    state = backend(settings.ACCOUNT, settings.REGION)
    with Backend.changing():
        if settings.MIRROR_REPOSITORY not in state.repositories:
            state.create_repository(settings.MIRROR_REPOSITORY, None, {}, None, "MUTABLE", [])
    repository = state.repository(settings.MIRROR_REPOSITORY)
    if repository.images.find(tag=settings.MIRROR_TAG, digest=manifest.digest):
        return
    oci_layout.add_blobs(Backend.blobs, repository.key, manifest, opened)
    with suppress(ImageExists), Backend.store.change():
        Backend.blobs.require_blobs(repository.images, manifest, repository.name, repository.account_id)
        repository.images.put(manifest, settings.MIRROR_TAG, immutable=False)
