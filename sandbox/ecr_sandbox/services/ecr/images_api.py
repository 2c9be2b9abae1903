"""Operations on the images of a repository."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.iam import authorization
from ecr_sandbox.registry import image_ids
from ecr_sandbox.registry.conversion import convert
from ecr_sandbox.registry.errors import ImageError, UpstreamFailure
from ecr_sandbox.registry.image import ACTIVATING, ACTIVE, Image
from ecr_sandbox.registry.manifest_format import digest_of
from ecr_sandbox.registry.references import TAG, is_tag
from ecr_sandbox.services.image_errors import api_exception
from moto.core.responses import ActionResult

from . import archive
from .backend import Repository, backend
from .operations import Operations
from .registry_settings import CACHE_RULES
from .scan_api import summary_for

REFERRERS_PAGE = 20  # ListImageReferrers without maxResults


@dataclass(frozen=True)
class Some:
    """Which images a list is to have: with tags or without, and of which status; None: all of them."""

    tagged: bool | None
    status: str | None

    def has(self, image: Image) -> bool:
        return self.tagged in (None, bool(image.tags)) and self.status in (None, image.status)


class ImageOperations(Operations):
    """None of it is moto's."""

    def put_image(self) -> ActionResult:
        tag = self._get_param("imageTag")
        if tag and not is_tag(tag):  # a rule of OCI's; the service model has none
            raise InvalidParameter("imageTag", f"must satisfy regular expression '{TAG.pattern}'")
        text, media_type = self._get_param("imageManifest"), self._get_param("imageManifestMediaType")
        try:
            image = self.ecr_backend.store_image(
                self._get_param("repositoryName"), text, media_type, tag, self._get_param("imageDigest")
            )
        except ImageError as error:
            raise api_exception(error) from None
        return ActionResult({"image": _described(self._repository(), image, tag)})

    def batch_get_image(self) -> ActionResult:
        accepted, upstream = self._get_param("acceptedMediaTypes") or [], self._fetched()
        repository, images, failures = self._repository(), [], []
        for wanted in self._get_param("imageIds"):
            try:
                if failure := upstream.get((wanted.get("imageTag"), wanted.get("imageDigest"))):
                    raise failure
                image = image_ids.to_pull(repository.images, wanted)
            except image_ids.Missing as why:
                failures.append(why.failure(wanted))
                continue
            repository.pulled_by(self._principal(), image, wanted.get("imageTag"))
            if not wanted.get("imageDigest"):
                image = _accepted(image, accepted)
            images.append(_described(repository, image, wanted.get("imageTag")))
        return ActionResult({"images": images, "failures": failures})

    def _fetched(self) -> dict[tuple[str | None, str | None], image_ids.Missing]:
        """What could not be fetched through the cache of the images that the call names by tag and digest, and why."""
        state = backend(self._get_param("registryId") or self.current_account, self.region)
        if not state.settings(CACHE_RULES).any():
            return {}
        from .pull_through import importing

        name, failures = self._get_param("repositoryName"), {}
        may = partial(authorization.may, self._principal(), region=self.region)
        for wanted in self._get_param("imageIds"):
            tag, digest = wanted.get("imageTag"), wanted.get("imageDigest")
            try:
                if tag or digest:
                    importing.ensure(state, name, tag, digest, may)
            except UpstreamFailure as no:
                failures[tag, digest] = image_ids.Missing(no.code, no.reason)
        return failures

    def batch_delete_image(self) -> ActionResult:
        gone, failures = self._repository().delete_images(self._get_param("imageIds"))
        return ActionResult({"imageIds": gone, "failures": failures})

    def list_images(self) -> ActionResult:
        images, some = self._repository().images, self._filter()

        def after(place: Sequence[Any] | None, size: int) -> Sequence[tuple[int, str, str | None]]:
            number, tag = place or (0, "")
            return images.ids((number, tag), size, some.tagged, some.status)

        page, token = self._page(after, lambda row: [row[0], row[2] or ""])
        ids = [{"imageDigest": digest, "imageTag": tag} for _, digest, tag in page]
        return ActionResult({"imageIds": ids, "nextToken": token})

    def describe_images(self) -> ActionResult:
        repository, some = self._repository(), self._filter()
        if wanted := self._get_param("imageIds"):
            self._check_no_page("imageIds")
            if "imageStatus" not in (self._get_param("filter") or {}):
                some = replace(some, status=None)  # an image that is named is shown, archived or not
            chosen = [image for each in wanted if some.has(image := self._image(repository, each))]
            return ActionResult({"imageDetails": [_detail(repository, image) for image in chosen]})

        def after(place: int | None, size: int) -> Sequence[Image]:
            return repository.images.page(place or 0, size, some.tagged, some.status)

        page, token = self._page(after, lambda image: image.id)
        return ActionResult({"imageDetails": [_detail(repository, image) for image in page], "nextToken": token})

    def list_image_referrers(self) -> ActionResult:
        images = self._repository().images
        subject, given = self._get_param("subjectId")["imageDigest"], self._get_param("filter") or {}
        types, status = given.get("artifactTypes") or [], _status(given.get("artifactStatus"))

        def after(place: int | None, size: int) -> Sequence[Image]:
            if not types:
                return images.referrers(subject, place or 0, size, status)
            found = images.referrers(subject, place or 0, None, status)
            return [each for each in found if each.artifact_type in types][:size]

        page, token = self._page(after, lambda image: image.id, REFERRERS_PAGE)
        return ActionResult({"referrers": [_referrer(image) for image in page], "nextToken": token})

    def update_image_storage_class(self) -> ActionResult:
        repository, wanted = self._repository(), self._get_param("imageId")
        image = archive.move(repository, self._image(repository, wanted), self._get_param("targetStorageClass"))
        return ActionResult(
            {
                "registryId": repository.registry_id,
                "repositoryName": repository.name,
                "imageId": {"imageDigest": image.digest, "imageTag": wanted.get("imageTag")},
                "imageStatus": image.status,
            }
        )

    def _filter(self) -> Some:
        given = self._get_param("filter") or {}
        tagged = {"TAGGED": True, "UNTAGGED": False}.get(given.get("tagStatus", "ANY"))
        return Some(tagged, _status(given.get("imageStatus")))


def _status(asked: str | None) -> str | None:
    """Of which status (None: any) a list is to be; if it is not said, only what is active is in it (API reference)."""
    return None if asked == "ANY" else asked or ACTIVE


def _accepted(image: Image, media_types: Collection[str]) -> Image:
    """*image* as a client gets it that asked by tag: in a form that it understands, if there is one."""
    if (converted := convert(image.manifest, image.media_type, media_types)) is None:
        return image
    text, media_type = converted
    return replace(image, manifest=text, media_type=media_type, digest=digest_of(text.encode()))


def _described(repository: Repository, image: Image, tag: str | None) -> dict[str, Any]:
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": {"imageDigest": image.digest, "imageTag": tag},
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    }


def _detail(repository: Repository, image: Image) -> dict[str, Any]:
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageDigest": image.digest,
        "imageTags": list(image.tags) or None,
        "imageSizeInBytes": image.size,
        "imagePushedAt": image.pushed_at,
        "imageManifestMediaType": image.media_type,
        "artifactMediaType": image.artifact_type,
        "subjectManifestDigest": image.subject,
        "lastRecordedPullTime": image.last_pulled,
        "imageStatus": image.status,
        "lastArchivedAt": image.archived_at,
        "lastActivatedAt": None if image.status == ACTIVATING else image.activated_at,
        **summary_for(repository, image),
    }


def _referrer(image: Image) -> dict[str, Any]:
    """A descriptor of OCI's, so *size* is the manifest's; the model's "size of the artifact" leaves it open."""
    annotations = json.loads(image.manifest).get("annotations")
    return {
        "digest": image.digest,
        "mediaType": image.media_type,
        "artifactType": image.artifact_type,
        "size": len(image.manifest.encode()),
        "annotations": annotations if isinstance(annotations, dict) else None,
        "artifactStatus": image.status,
    }
