"""ECR's operations: moto reads the request and writes the answer, this file says what is in it.

Each method is one operation of the API reference (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/).
"""

from collections.abc import Iterable
from typing import Any, ClassVar

import moto.ecr.urls
from moto.core.responses import ActionResult
from moto.ecr.exceptions import ImageNotFoundException
from moto.ecr.responses import ECRResponse

from .. import present
from ..token import Caller, Tokens, authorization
from ..words import NotInSandbox
from . import batch
from .backend import Backend, Repository, backend, has_blob
from .images import Image

# moto would keep the bytes of these nowhere and call it done.
NOT_HERE = ("InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "GetDownloadUrlForLayer")


class Response(ECRResponse):
    """The control API of ECR."""

    tokens: ClassVar[Tokens]

    def __init__(self) -> None:
        super().__init__()
        # Without it moto reads a JSON body as a form too, and a policy text could name another repository.
        self.automated_parameter_parsing = True

    @property
    def ecr_backend(self) -> Backend:
        return backend(self.current_account, self.region)

    def _get_action(self) -> str:
        return self.headers.get("X-Amz-Target", "").rpartition(".")[2]

    def call_action(self) -> Any:
        if self._get_action() in NOT_HERE:
            return self.serialized(ActionResult(NotInSandbox(self._get_action())))
        try:
            return super().call_action()
        except NotImplementedError:
            return self.serialized(ActionResult(NotInSandbox(self._get_action())))

    def get_authorization_token(self) -> ActionResult:
        """A password for docker, good for 12 hours, that stands for the caller."""
        password, expires = self.tokens.mint(Caller(self.access_key, self.current_account, self.region))
        data = {"authorizationToken": authorization(password), "expiresAt": expires}
        registries = self._get_param("registryIds") or [self.current_account]
        endpoints = [present.registry_url(registry, self.region) for registry in registries]
        return ActionResult({"authorizationData": [{**data, "proxyEndpoint": each} for each in endpoints]})

    def describe_repositories(self) -> ActionResult:
        found = list(super().describe_repositories().result["repositories"])
        return ActionResult(self._page("repositories", sorted(found, key=lambda each: each.name)))

    def put_image(self) -> ActionResult:
        image = self.ecr_backend.store_image(
            self._get_param("repositoryName"),
            self._get_param("imageManifest"),
            self._get_param("imageManifestMediaType"),
            self._get_param("imageTag"),
            self._get_param("imageDigest"),
        )
        return ActionResult({"image": _described(self._repository(), image, self._get_param("imageTag"))})

    def batch_get_image(self) -> ActionResult:
        found, failures = self._each_image()
        repository = self._repository()
        images = [_described(repository, image, wanted.get("imageTag")) for wanted, image in found]
        return ActionResult({"images": images, "failures": failures})

    def batch_delete_image(self) -> ActionResult:
        images = self._repository().images
        deleted: list[dict[str, str | None]] = []
        found, failures = self._each_image(deleting=True)
        for wanted, image in found:
            deleted += batch.delete(images, image, wanted.get("imageTag"))
        return ActionResult({"imageIds": deleted, "failures": failures})

    def list_images(self) -> ActionResult:
        ids = [
            {"imageDigest": image.digest, "imageTag": tag}
            for image in self._filtered()
            for tag in image.tags or (None,)
        ]
        return ActionResult(self._page("imageIds", ids))

    def describe_images(self) -> ActionResult:
        repository = self._repository()
        if wanted := self._get_param("imageIds"):
            chosen: Iterable[Image] = [self._image_or_refuse(each) for each in wanted]
        else:
            chosen = self._filtered()
        return ActionResult(self._page("imageDetails", [_detail(repository, image) for image in chosen]))

    def batch_check_layer_availability(self) -> ActionResult:
        repository = self._repository()
        layers = [
            {"layerDigest": digest, "layerAvailability": "AVAILABLE"}
            if has_blob(Backend.blobs, repository.stored_as, digest)
            else {"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}
            for digest in self._get_param("layerDigests")
        ]
        return ActionResult({"layers": layers, "failures": []})

    def get_account_setting(self) -> ActionResult:
        name = self._get_param("name")
        return ActionResult({"name": name, "value": self.ecr_backend.account_settings.get(name)})

    def put_account_setting(self) -> ActionResult:
        name, value = self._get_param("name"), self._get_param("value")
        self.ecr_backend.account_settings[name] = value
        return ActionResult({"name": name, "value": value})

    def _repository(self) -> Repository:
        return self.ecr_backend.repository(self._get_param("repositoryName"), self._get_param("registryId"))

    def _filtered(self) -> list[Image]:
        status = (self._get_param("filter") or {}).get("tagStatus", "ANY")
        images = self._repository().images.all()
        return [image for image in images if status == "ANY" or bool(image.tags) == (status == "TAGGED")]

    def _image_or_refuse(self, wanted: dict[str, str]) -> Image:
        repository = self._repository()
        if image := repository.images.find(wanted.get("imageTag"), wanted.get("imageDigest")):
            return image
        identifier = (
            f"{{imageDigest:'{wanted.get('imageDigest', 'null')}', imageTag:'{wanted.get('imageTag', 'null')}'}}"
        )
        raise ImageNotFoundException(identifier, repository.name, self.current_account)

    def _each_image(self, deleting: bool = False) -> tuple[list[tuple[dict[str, str], Image]], list[dict[str, Any]]]:
        """The images of a batch call, and its failures: never a refusal of the whole call."""
        found, failures = [], []
        for wanted in self._get_param("imageIds"):
            try:
                found.append((wanted, batch.one(self._repository().images, wanted, deleting)))
            except batch.Missing as why:
                failures.append(why.failure(wanted))
        return found, failures

    def _page(self, key: str, items: list[Any]) -> dict[str, Any]:
        return batch.page(key, items, self._get_param("nextToken"), self._get_param("maxResults"))


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
        "imageStatus": "ACTIVE",
    }


def install(tokens: Tokens) -> None:
    """Put this class in the place of moto's. To be called before moto answers anything."""
    Response.tokens = tokens
    moto.ecr.urls.url_paths["{0}/$"] = Response.dispatch
