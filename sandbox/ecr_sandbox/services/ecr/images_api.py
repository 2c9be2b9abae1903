"""Operations on the images of a repository."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from moto.core.responses import ActionResult

from ecr_sandbox.iam import authorization
from ecr_sandbox.registry import image_ids
from ecr_sandbox.registry.conversion import convert
from ecr_sandbox.registry.errors import ImageError, UpstreamFailure
from ecr_sandbox.registry.image import ACTIVATING, ACTIVE, Image
from ecr_sandbox.registry.manifest_format import digest_of
from ecr_sandbox.services.image_errors import api_exception, check_image_id

from . import archive
from .backend import Repository, backend
from .operations import Operations
from .registry_settings import CACHE_RULES
from .scan_api import summaries

REFERRERS_PAGE = 20  # ListImageReferrers without maxResults


@dataclass(frozen=True)
class Filter:
    """The filter of a list: with tags or without, and the status; None selects all."""

    tagged: bool | None
    status: str | None

    def selects(self, image: Image) -> bool:
        return self.tagged in (None, bool(image.tags)) and self.status in (None, image.status)


class ImageOperations(Operations):
    """None of these operations is moto's."""

    def put_image(self) -> ActionResult:
        tag = self._get_param("imageTag")
        check_image_id({"imageTag": tag, "imageDigest": self._get_param("imageDigest")})
        text, media_type = self._get_param("imageManifest"), self._get_param("imageManifestMediaType")
        try:
            image = self.ecr_backend.store_image(
                self._get_param("repositoryName"), text, media_type, tag, self._get_param("imageDigest")
            )
        except ImageError as error:
            raise api_exception(error) from None
        return ActionResult({"image": _described(self._repository(), image, tag)})

    def batch_get_image(self) -> ActionResult:
        accepted, upstream = self._get_param("acceptedMediaTypes") or [], self._import_failures()
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

    def _import_failures(self) -> dict[tuple[str | None, str | None], image_ids.Missing]:
        """The failures of the pull through cache for the call's images, by tag and digest."""
        state = backend(self._get_param("registryId") or self.current_account, self.region)
        if not state.settings(CACHE_RULES).any():
            return {}
        from .pull_through import importing

        name, failures = self._get_param("repositoryName"), {}
        may = partial(authorization.may, self._principal(), region=self.region)
        for wanted in self._get_param("imageIds"):
            tag, digest = wanted.get("imageTag"), wanted.get("imageDigest")
            try:
                if (tag or digest) and not image_ids.malformed(wanted):
                    importing.ensure(state, name, tag, digest, may)
            except UpstreamFailure as no:
                failures[tag, digest] = image_ids.Missing(no.code, no.reason)
        return failures

    def batch_delete_image(self) -> ActionResult:
        deleted, failures = self._repository().delete_images(self._get_param("imageIds"))
        return ActionResult({"imageIds": deleted, "failures": failures})

    def list_images(self) -> ActionResult:
        images, wanted_images = self._repository().images, self._filter()

        def after(place: Sequence[Any] | None, size: int) -> Sequence[tuple[int, str, str | None]]:
            number, tag = place or (0, "")
            return images.ids((number, tag), size, wanted_images.tagged, wanted_images.status)

        page, token = self._page(after, lambda row: [row[0], row[2] or ""])
        ids = [{"imageDigest": digest, "imageTag": tag} for _, digest, tag in page]
        return ActionResult({"imageIds": ids, "nextToken": token})

    def describe_images(self) -> ActionResult:
        repository, wanted_images = self._repository(), self._filter()
        if wanted := self._get_param("imageIds"):
            self._check_no_page("imageIds")
            if "imageStatus" not in (self._get_param("filter") or {}):
                wanted_images = replace(wanted_images, status=None)  # named images need not be active
            chosen = [image for each in wanted if wanted_images.selects(image := self._image(repository, each))]
            return ActionResult({"imageDetails": _details(repository, chosen)})

        def after(place: int | None, size: int) -> Sequence[Image]:
            return repository.images.page(place or 0, size, wanted_images.tagged, wanted_images.status)

        page, token = self._page(after, lambda image: image.id)
        return ActionResult({"imageDetails": _details(repository, page), "nextToken": token})

    def list_image_referrers(self) -> ActionResult:
        images = self._repository().images
        subject, given = self._get_param("subjectId")["imageDigest"], self._get_param("filter") or {}
        check_image_id({"imageDigest": subject})
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

    def _filter(self) -> Filter:
        given = self._get_param("filter") or {}
        tagged = {"TAGGED": True, "UNTAGGED": False}.get(given.get("tagStatus", "ANY"))
        return Filter(tagged, _status(given.get("imageStatus")))


def _status(asked: str | None) -> str | None:
    """The status that a list is filtered by, None for any; only active images by default (API reference)."""
    return None if asked == "ANY" else asked or ACTIVE


def _accepted(image: Image, media_types: Collection[str]) -> Image:
    """*image* for a client that requested it by tag: converted to an accepted media type if possible."""
    if (converted := convert(image.manifest, image.media_type, media_types)) is None:
        return image
    text, media_type = converted
    return image._replace(stored=text, media_type=media_type, digest=digest_of(text.encode()))


def _described(repository: Repository, image: Image, tag: str | None) -> dict[str, Any]:
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": {"imageDigest": image.digest, "imageTag": tag},
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    }


def _details(repository: Repository, images: Sequence[Image]) -> list[dict[str, Any]]:
    about, summary = {"registryId": repository.registry_id, "repositoryName": repository.name}, summaries(repository)
    return [{**about, **_detail(image), **summary(image)} for image in images]


def _detail(image: Image) -> dict[str, Any]:
    return {
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
    }


def _referrer(image: Image) -> dict[str, Any]:
    """An OCI descriptor, so *size* is that of the manifest; the model's "size of the artifact" is ambiguous."""
    annotations = json.loads(image.manifest).get("annotations")
    return {
        "digest": image.digest,
        "mediaType": image.media_type,
        "artifactType": image.artifact_type,
        "size": len(image.manifest.encode()),
        "annotations": annotations if isinstance(annotations, dict) else None,
        "artifactStatus": image.status,
    }
