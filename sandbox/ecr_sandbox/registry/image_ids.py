"""Image ids of ECR's and ECR Public's batch operations: finding and deleting the images.

Source: API reference, ImageFailure; https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .image import ACTIVE, Image
from .images import Images
from .references import DIGEST

TAG = re.compile(r"[a-zA-Z0-9-_.]+")  # in ECR's messages: https://github.com/google/go-containerregistry/issues/704
SHOULD_SATISFY = "Invalid request parameters: image {} should satisfy the regex '{}'"
Id = Mapping[str, str]
Deleted = tuple[list[dict[str, str]], list[dict[str, Any]]]  # the deleted ids, and the failures


@dataclass
class Missing(Exception):
    """Why an image of a batch was not found or not deleted: an ImageFailureCode and its sentence."""

    code: str
    reason: str

    def failure(self, wanted: Id) -> dict[str, Any]:
        """The failure of the id *wanted* in the answer of a batch operation."""
        asked = {name: wanted[name] for name in ("imageDigest", "imageTag") if wanted.get(name)}
        return {"imageId": asked, "failureCode": self.code, "failureReason": self.reason}


def malformed(wanted: Mapping[str, str | None]) -> tuple[str, str] | None:
    """The field of the id *wanted* that no image can have, and the pattern that it must match; None if there is none.

    An empty field is one that is not given.
    """
    for field, pattern in (("imageDigest", DIGEST), ("imageTag", TAG)):
        if (value := wanted.get(field)) and not pattern.fullmatch(value):
            return field, pattern.pattern
    return None


def one(images: Images, wanted: Id) -> Image:
    """The image of the id *wanted*; raises Missing."""
    tag, digest = wanted.get("imageTag"), wanted.get("imageDigest")
    if not tag and not digest:
        raise Missing("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null")
    match malformed(wanted):
        case "imageDigest", pattern:
            raise Missing("InvalidImageDigest", SHOULD_SATISFY.format("digest", pattern))
        case "imageTag", pattern:  # the sentence follows that of a digest
            raise Missing("InvalidImageTag", SHOULD_SATISFY.format("tag", pattern))
    if image := images.find(tag, digest):
        return image
    if tag and digest and images.find(digest=digest):
        raise Missing("ImageTagDoesNotMatchDigest", "Tag does not match digest")
    raise Missing("ImageNotFound", "Requested image not found")


def to_pull(images: Images, wanted: Id) -> Image:
    """The image of the id *wanted*, if it can be pulled; raises Missing.

    The code for an archived image is the closest in the model; the sentence is ours.
    """
    image = one(images, wanted)
    if image.status != ACTIVE:
        raise Missing("ImageInaccessible", f"Requested image is not accessible: its status is {image.status}")
    return image


def delete(images: Images, ids: Iterable[Id]) -> Deleted:
    """BatchDeleteImage: the deleted ids, and the failures.

    The ids are processed in order, so an index may precede its images. AWS's order is not known.
    """
    deleted: list[dict[str, str]] = []
    failures: list[dict[str, Any]] = []
    for wanted in ids:
        try:
            deleted += _delete(images, one(images, wanted), wanted.get("imageTag"))
        except Missing as why:
            failures.append(why.failure(wanted))
    return deleted, failures


def _delete(images: Images, image: Image, tag: str | None) -> list[dict[str, str]]:
    """Remove *tag*, or without one delete *image* with all its tags; removing the last tag deletes the image.

    An image that an index lists cannot be deleted, nor can its last tag: raises Missing.
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
