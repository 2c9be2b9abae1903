"""ECR's state: repositories are moto's, images are ours (``images.py``), bytes are Distribution's."""

import hashlib
from typing import Any, ClassVar

import moto.ecr.models as moto_ecr
import moto.ecr.urls

from .. import present
from ..registry.distribution import Distribution
from ..store import Store
from ..words import LayersNotFoundException
from .images import Image, Images, Manifest
from .mutability import immutable


class Repository(moto_ecr.Repository):
    """A repository whose address works here and whose images are rows of the store."""

    @property
    def uri(self) -> str:
        return f"{present.registry_host(self.account_id, self.region_name)}/{self.name}"

    @uri.setter
    def uri(self, value: str) -> None:
        """moto sets AWS's address; it is computed, because the port may change between runs."""

    @property
    def images(self) -> Images:
        return Images(Backend.store, self.account_id, self.region_name, self.name)

    @images.setter
    def images(self, value: list[Any]) -> None:
        """moto sets an empty list; the rows are the store's."""

    @property
    def stored_as(self) -> str:
        """This repository's name in Distribution: accounts and regions are apart, and any ECR name fits."""
        return stored_as(self.account_id, self.region_name, self.name)

    def locks(self, tag: str | None) -> bool:
        """Whether *tag*, if it names an image, must go on naming it."""
        mode = str(getattr(self.image_tag_mutability, "value", self.image_tag_mutability))
        filters = [each["filter"] for each in self.image_tag_mutability_exclusion_filters or []]
        return bool(tag) and immutable(str(tag), mode, filters)


class Backend(moto_ecr.ECRBackend):
    """moto's ECR with ECR's image model."""

    store: ClassVar[Store]
    blobs: ClassVar[Distribution]

    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        # Off on AWS until switched on; on here, so that a push of the sample app sends only what is new.
        self.account_settings = {"BASIC_SCAN_TYPE_VERSION": "AWS_NATIVE", "BLOB_MOUNTING": "ENABLED"}

    @property
    def _url_module(self) -> Any:
        return moto.ecr.urls  # moto would look for it beside this class

    def repository(self, name: str, registry_id: str | None = None) -> Repository:
        """The repository; raises RepositoryNotFoundException."""
        return self._get_repository(name, registry_id)

    def store_image(
        self, name: str, text: str, media_type: str | None, tag: str | None, claimed_digest: str | None = None
    ) -> Image:
        """PutImage, for the API and the wire alike: check, store the bytes, then the facts.

        Raises what ``Images.put`` raises, LayersNotFoundException, InvalidParameter, RepositoryNotFoundException.
        """
        repository = self.repository(name)
        manifest = Manifest.parse(text, media_type)
        missing = [digest for digest, _ in manifest.blobs if not has_blob(self.blobs, repository.stored_as, digest)]
        if missing:
            raise LayersNotFoundException(missing, name, self.account_id)
        put_manifest(self.blobs, repository.stored_as, manifest)
        with self.store.change():
            repository = self.repository(name)  # it may have gone meanwhile
            return repository.images.put(manifest, tag, repository.locks(tag), claimed_digest)

    def delete_repository(
        self, repository_name: str, registry_id: str | None = None, force: bool = False
    ) -> Repository:
        """moto's, and then the images and the links to their layers go too."""
        repository: Repository = super().delete_repository(repository_name, registry_id, force)
        with self.store.change():
            repository.images.delete()
            self.store.afterwards(lambda: self.blobs.forget(repository.stored_as))
        return repository


def stored_as(account: str, region: str, name: str) -> str:
    """Distribution takes names up to 255 characters; ECR's, with account and region before them, may be longer."""
    full = f"{account}/{region}/{name}"
    if len(full) <= 255:
        return full
    return f"{account}/{region}/{name[:100].rstrip('._-/')}/{hashlib.sha256(name.encode()).hexdigest()}"


def has_blob(blobs: Distribution, repository: str, digest: str) -> bool:
    """Whether *repository* (as Distribution names it) links to the blob *digest*."""
    answer = blobs.request("HEAD", f"/v2/{repository}/blobs/{digest}")
    answer.read()
    return answer.status == 200


def put_manifest(blobs: Distribution, repository: str, manifest: Manifest) -> None:
    """Let Distribution keep the manifest too, so that its garbage collection knows which blobs are in use."""
    path = f"/v2/{repository}/manifests/{manifest.digest}"
    answer = blobs.request("PUT", path, {"Content-Type": manifest.media_type}, manifest.text.encode())
    reason = answer.read().decode(errors="replace")
    if answer.status >= 500:
        raise OSError(f"the registry could not store the manifest: {reason}")


def install(store: Store, blobs: Distribution) -> None:
    """Put these classes in the place of moto's. To be called before moto answers anything."""
    Backend.store, Backend.blobs = store, blobs
    moto_ecr.Repository = Repository
    moto_ecr.ecr_backends.backend = Backend
    moto_ecr.ECR_REPOSITORY_NAME_PATTERN = ".*"  # older than the service model's, which the validate door applies


def backend(account: str, region: str) -> Backend:
    """The state of one account's ECR in one region."""
    return moto_ecr.ecr_backends[account][region]
