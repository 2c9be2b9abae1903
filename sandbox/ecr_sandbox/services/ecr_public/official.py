"""The mirror of Docker's official images, ``public.ecr.aws/docker/library/…``: here, the course's base image.

It is AWS's: everybody pulls it, nobody pushes. It is filled from the OCI layout that ``make setup`` keeps, when
somebody first asks for it.
"""

import threading
from contextlib import suppress

from ecr_sandbox import settings
from ecr_sandbox.registry import oci_layout
from ecr_sandbox.registry.errors import ImageExists
from moto.ecr.exceptions import RepositoryAlreadyExistsException

from .repositories import DOCKER, Repositories

NAME = settings.MIRROR_REPOSITORY.removeprefix(f"{DOCKER}/")


class Shelf:
    """Where the official images stand."""

    def __init__(self, repositories: Repositories):
        self._repositories, self._lock, self._full = repositories, threading.Lock(), False

    def fill(self) -> None:
        """Put the base image in place, once; without a layout there is none. Raises OSError."""
        with self._lock:
            found = None if self._full else oci_layout.read(settings.base_image_layout())
            if found is None:
                return
            manifest, opened = found
            with suppress(RepositoryAlreadyExistsException):
                self._repositories.create(DOCKER, NAME)
            repository = self._repositories.find(DOCKER, NAME)
            storing = oci_layout.stored(self._repositories.blobs, repository.stored_as, manifest, opened)
            with storing, suppress(ImageExists):
                self._repositories.images(repository).put(manifest, settings.MIRROR_TAG, False)
            self._full = True
