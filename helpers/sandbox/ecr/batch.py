"""What ECR and ECR Public do alike with lists: which image an id of a batch means, deleting it, and pages.

Source: API reference, ImageFailure; https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..words import InvalidParameter
from .images import Image, Images


@dataclass
class Missing(Exception):
    """Why one image of a batch is not there: an ImageFailureCode and its sentence."""

    code: str
    reason: str

    def failure(self, wanted: Mapping[str, str]) -> dict[str, Any]:
        """The same as the answer of a batch call says it of the id *wanted*."""
        return {"imageId": wanted, "failureCode": self.code, "failureReason": self.reason}


def one(images: Images, wanted: Mapping[str, str], deleting: bool = False) -> Image:
    """The image that the id *wanted* means; raises Missing, also for one that must not be deleted."""
    tag, digest = wanted.get("imageTag"), wanted.get("imageDigest")
    if not tag and not digest:
        raise Missing("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null")
    if image := images.find(tag, digest):
        if deleting and not tag and (parent := images.index_of(image.digest)):
            raise Missing("ImageReferencedByManifestList", f"Requested image referenced by manifest list: [{parent}]")
        return image
    if tag and digest and images.find(digest=digest):
        raise Missing("ImageTagDoesNotMatchDigest", "Tag does not match digest")
    raise Missing("ImageNotFound", "Requested image not found")


def delete(images: Images, image: Image, tag: str | None) -> list[dict[str, str | None]]:
    """Take *tag* away, or without one delete *image* with all its tags; the ids that are gone."""
    if tag:
        images.untag(tag)
    else:
        images.delete(image.digest)
    gone = (tag,) if tag else image.tags or (None,)
    return [{"imageDigest": image.digest, "imageTag": each} for each in gone]


def page(key: str, items: list[Any], token: str | None, size: int | None) -> dict[str, Any]:
    """One page of *items*; the token is the place of the next one. Raises InvalidParameter."""
    token = token or "0"
    if not token.isdigit():
        raise InvalidParameter("nextToken", "Invalid token")
    start = int(token)
    end = start + int(size or 100)
    return {key: items[start:end], "nextToken": str(end) if end < len(items) else None}
