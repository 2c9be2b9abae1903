"""What the registry protocol needs to know of a registry: its repositories, its errors, its blobs.

Amazon ECR, ECR Public and the Docker Hub stand-in speak the same protocol with different rules.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from ecr_sandbox.http.middleware import Request

from . import references
from .content_store import ContentStore
from .errors import ImageError, Refusal
from .image import Image
from .image_ids import Deleted, Id, delete
from .images import Images
from .pages import Page
from .references import Key
from .upload_sessions import UploadSessions


class Repository(Protocol):
    """One repository, as the registry protocol uses it. What has a body is the default of a class that inherits it."""

    name: str  # as the client has it

    @property
    def key(self) -> Key:
        """The key of its rows in the store."""
        return self.images.key

    @property
    def images(self) -> Images:
        """Its images."""

    def tags(self, size: int | None, last: str | None) -> Page:
        """Up to *size* tags of images that can be pulled, after *last*; raises Refused."""

    def store_image(self, text: str, media_type: str | None, tag: str | None, digest: str | None) -> Image:
        """PutImage; raises ImageError, which ``RegistryErrors.manifest_refused`` turns into an answer, and Refused."""

    def mountable(self, digest: str, source: str, request: Request) -> Key | None:
        """The key of the repository *source*, if the blob *digest* may be mounted from it."""

    def presigned_url(self, digest: str, asked: str) -> str | None:
        """Where a client that *asked* this Host fetches the blob *digest*; None when the registry itself sends it."""
        return None

    def delete_images(self, ids: Iterable[Id]) -> Deleted:
        """BatchDeleteImage: see ``image_ids.delete``."""
        return delete(self.images, ids)

    def pulled(self, image: Image, tag: str | None, request: Request) -> None:
        """The caller of *request* got the manifest of *image*, by *tag* or by digest."""
        return

    def sent(self, n_bytes: int) -> None:
        """So many bytes of a blob were sent."""
        return


@dataclass(frozen=True)
class RegistryErrors:
    """How a registry refuses requests, and where registries differ."""

    image_unknown: Refusal
    blob_unknown: Refusal
    upload_unknown: Refusal
    digest_mismatch: Refusal
    manifest_too_large: Refusal
    manifest_refused: Callable[[ImageError], Refusal]
    patched: int = 202  # the status after a part of a blob
    first_part_only: bool = False  # the header Range stays at the end of the first part
    reference_refused: Callable[[str, bool], Refusal | None] = references.refused  # when it cannot be a tag or digest
    welcome: str = "{}"  # the body of the answer to /v2/
    names_uploads: bool = True  # with the header Docker-Upload-UUID
    digest_by_head_only: bool = False  # GET of a manifest has no header Docker-Content-Digest
    lists: str = "application/json"  # the media type of a list of tags or repositories
    converts: bool = False  # a pull by tag gets a manifest of a type that the client accepts


class RegistryBackend(Protocol):
    """One registry."""

    errors: RegistryErrors
    blobs: ContentStore
    uploads: UploadSessions

    def repository(self, request: Request, name: str, action: str) -> Repository:
        """The repository, if the caller may do *action* (``ecr:PutImage``, say) there; raises Refused."""

    def catalog(self, request: Request, size: int | None, last: str | None) -> Page:
        """Up to *size* names of repositories that the caller may list, after *last*; raises Refused."""


@dataclass(frozen=True)
class RegistryRequest:
    """One HTTP request to one repository; *part* is the digest, tag or upload in the path."""

    http: Request
    backend: RegistryBackend
    repository: Repository
    part: str

    def permit(self, *actions: str) -> None:
        """Return if the caller may do all *actions* too, which this request includes; raises Refused."""
        for action in actions:
            self.backend.repository(self.http, self.repository.name, action)
