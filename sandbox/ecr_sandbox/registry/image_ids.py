"""What ECR and ECR Public do alike with lists of image ids: which image an id means, and deleting them.

Source: API reference, ImageFailure; https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .image import ACTIVE, Image
from .images import Images

DIGEST = re.compile(r"[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+")
Id = Mapping[str, str]
Deleted = tuple[list[dict[str, str]], list[dict[str, Any]]]  # the ids of what is gone, and the failures


@dataclass
class Missing(Exception):
    """Why one image of a batch is not there: an ImageFailureCode and its sentence."""

    code: str
    reason: str

    def failure(self, wanted: Id) -> dict[str, Any]:
        """The same as the answer of a batch call says it of the id *wanted*."""
        asked = {name: wanted[name] for name in ("imageDigest", "imageTag") if wanted.get(name)}
        return {"imageId": asked, "failureCode": self.code, "failureReason": self.reason}


def one(images: Images, wanted: Id) -> Image:
    """The image that the id *wanted* means; raises Missing."""
    tag, digest = wanted.get("imageTag"), wanted.get("imageDigest")
    if not tag and not digest:
        raise Missing("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null")
    if digest and not DIGEST.fullmatch(digest):
        raise Missing(
            "InvalidImageDigest",
            f"Invalid request parameters: image digest should satisfy the regex '{DIGEST.pattern}'",
        )
    if image := images.find(tag, digest):
        return image
    if tag and digest and images.find(digest=digest):
        raise Missing("ImageTagDoesNotMatchDigest", "Tag does not match digest")
    raise Missing("ImageNotFound", "Requested image not found")


def to_pull(images: Images, wanted: Id) -> Image:
    """The same, if it can be pulled; raises Missing.

    The code is the one in the model that fits an archived image best; the sentence is ours.
    """
    image = one(images, wanted)
    if image.status != ACTIVE:
        raise Missing("ImageInaccessible", f"Requested image is not accessible: its status is {image.status}")
    return image


def delete(images: Images, ids: Iterable[Id]) -> Deleted:
    """BatchDeleteImage: what is gone, and the failures.

    One id after the other, so an index may stand before its images; that AWS goes in this order too is not known.
    """
    gone: list[dict[str, str]] = []
    failures: list[dict[str, Any]] = []
    for wanted in ids:
        try:
            gone += _delete(images, one(images, wanted), wanted.get("imageTag"))
        except Missing as why:
            failures.append(why.failure(wanted))
    return gone, failures


def _delete(images: Images, image: Image, tag: str | None) -> list[dict[str, str]]:
    """Take *tag* away, or without one delete *image* with all its tags; without a tag left, it is deleted too.

    An image that an index lists stays, also when only its last tag was to go: raises Missing.
    """
    last = tag is None or image.tags == (tag,)
    if last and (parent := images.index_of(image.digest)):
        raise Missing("ImageReferencedByManifestList", f"Requested image referenced by manifest list: [{parent}]")
    if tag:
        images.untag(tag)
        return [{"imageDigest": image.digest, "imageTag": tag}]
    images.delete(image.digest)
    tags = [{"imageDigest": image.digest, "imageTag": each} for each in image.tags]
    return tags or [{"imageDigest": image.digest}]
