"""What the wire needs to know of a registry: its repositories, its words, its bytes.

Amazon ECR, ECR Public and the Docker Hub stand-in speak the same protocol by different rules.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from ecr_sandbox.http.middleware import Request

from .distribution import Distribution
from .errors import ImageError, Refusal
from .image import Image
from .image_ids import Deleted, Id
from .images import Images
from .upload_sessions import Uploads


class Repository(Protocol):
    """One repository, as the wire uses it."""

    @property
    def name(self) -> str:
        """As the client says it."""

    @property
    def stored_as(self) -> str:
        """Its name in Distribution."""

    @property
    def images(self) -> Images:
        """Its images: rows of the store."""

    def store_image(self, text: str, media_type: str | None, tag: str | None, digest: str | None) -> Image:
        """PutImage; raises ImageError, which ``RegistryErrors.manifest_refused`` turns into an answer, and Refused."""

    def mountable(self, digest: str, source: str, request: Request) -> str | None:
        """The name in Distribution of *source*, if the layer *digest* may be mounted from there."""

    def link(self, digest: str) -> str | None:
        """Where the registry sends those who want the layer *digest*; None when it hands the bytes out itself."""

    def delete_images(self, ids: Iterable[Id]) -> Deleted:
        """BatchDeleteImage: see ``batch.delete``."""

    def pulled(self, image: Image, tag: str | None, request: Request) -> None:
        """The caller of *request* was given the manifest of *image*, which was asked for by *tag* or by digest."""

    def sent(self, n_bytes: int) -> None:
        """So many bytes of a layer went out."""


@dataclass(frozen=True)
class RegistryErrors:
    """How a registry refuses, and what registries do differently."""

    image_unknown: Refusal
    blob_unknown: Refusal
    upload_unknown: Refusal
    digest_mismatch: Refusal
    manifest_too_large: Refusal
    manifest_refused: Callable[[ImageError], Refusal]
    patched: int = 202  # the status after a part of a layer
    first_part_only: bool = False  # the header Range tells the end of the first part, however many there are
    converts: bool = False  # who pulls by tag gets a manifest of a type that was asked for


class RegistryBackend(Protocol):
    """One registry."""

    errors: RegistryErrors
    blobs: Distribution
    uploads: Uploads

    def repository(self, request: Request, name: str, action: str) -> Repository:
        """The repository, if the caller may do *action* (``ecr:PutImage``, say) there; raises Refused."""


@dataclass(frozen=True)
class RegistryRequest:
    """One request to one repository; *part* is the digest, tag or upload that the path names."""

    request: Request
    backend: RegistryBackend
    repository: Repository
    part: str
