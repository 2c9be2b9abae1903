"""What the wire needs to know of a registry: its repositories, its words, its bytes.

Amazon ECR, ECR Public and the Docker Hub stand-in speak the same protocol by different rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from moto.core.exceptions import ServiceException

from ..doors import Request
from ..ecr.images import Image, Images
from ..words import Refusal
from .distribution import Distribution


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
        """PutImage; raises the ServiceException that ``Words.manifest_refused`` puts into words."""

    def mountable(self, digest: str, source: str, request: Request) -> str | None:
        """The name in Distribution of *source*, if the layer *digest* may be mounted from there."""

    def pulled(self) -> None:
        """Somebody was given a manifest."""

    def sent(self, n_bytes: int) -> None:
        """So many bytes of a layer went out."""


@dataclass(frozen=True)
class Words:
    """How a registry refuses, and the one status in which registries differ."""

    image_unknown: Refusal
    blob_unknown: Refusal
    upload_unknown: Refusal
    digest_mismatch: Refusal
    manifest_too_large: Refusal
    manifest_refused: Callable[[ServiceException], Refusal]
    patched: int = 202


class House(Protocol):
    """One registry."""

    words: Words
    blobs: Distribution

    def repository(self, request: Request, name: str, action: str) -> Repository:
        """The repository, if the caller may do *action* (``ecr:PutImage``, say) there; raises Refused."""
