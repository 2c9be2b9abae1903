"""The mirror of Docker's official images, ``public.ecr.aws/docker/library/…``: here, only the base image.

The repository belongs to AWS: anyone can pull, and pushes are refused. The first request for it stores the image of
the OCI layout.
"""

import threading
from contextlib import suppress

from moto.ecr.exceptions import RepositoryAlreadyExistsException

from ecr_sandbox import settings
from ecr_sandbox.registry import oci_layout
from ecr_sandbox.registry.errors import ImageExists

from .repositories import DOCKER, Repositories

NAME = settings.MIRROR_REPOSITORY.removeprefix(f"{DOCKER}/")


class Mirror:
    """The repository with the base image."""

    def __init__(self, repositories: Repositories):
        self._repositories, self._lock, self._filled = repositories, threading.Lock(), False

    def fill(self) -> None:
        """Store the base image, once; without a layout there is none. Raises OSError."""
        with self._lock:
            found = None if self._filled else oci_layout.read(settings.from_environ().base_image_layout)
            if found is None:
                return
            manifest, opened = found
            with suppress(RepositoryAlreadyExistsException):
                self._repositories.create(DOCKER, NAME)
            repository = self._repositories.find(DOCKER, NAME)
            blobs, images = self._repositories.blobs, self._repositories.images(repository)
            oci_layout.add_blobs(blobs, repository.key, manifest, opened)
            with suppress(ImageExists), self._repositories.store.change():
                blobs.require_blobs(images, manifest, repository.name, repository.account)
                images.put(manifest, settings.MIRROR_TAG, False)
            self._filled = True
