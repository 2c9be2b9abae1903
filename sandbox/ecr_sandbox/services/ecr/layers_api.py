"""Operations on layers, which ECR's proxy calls when docker pushes or pulls; any client can call them.

Source: API reference, InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload, BatchCheckLayerAvailability and
GetDownloadUrlForLayer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.responses import ActionResult
from moto.ecr.exceptions import UploadNotFoundException

from ecr_sandbox.aws.errors import storage_full
from ecr_sandbox.registry import upload_sessions
from ecr_sandbox.registry.references import DIGEST
from ecr_sandbox.state import disk

from . import errors
from .backend import Backend, Repository
from .operations import Operations

PART_SIZE = 10 * 1024 * 1024  # bytes of a part; service quotas, "Maximum layer part size"


class LayerOperations(Operations):
    """They use the same uploads and blobs as the registry under ``/v2/``."""

    def initiate_layer_upload(self) -> ActionResult:
        repository = self._repository()
        if not disk.has_room(Backend.blobs.folder):
            raise storage_full("ServerException")
        return ActionResult({"uploadId": Backend.uploads.start(repository.key), "partSize": PART_SIZE})

    def upload_layer_part(self) -> ActionResult:
        repository, upload, part = self._repository(), self._get_param("uploadId"), self._get_param("layerPartBlob")
        first, last = self._get_param("partFirstByte"), self._get_param("partLastByte")
        with self._api_errors(repository):
            progress = Backend.uploads.progress(repository.key, upload)
            if len(part) != last - first + 1:
                raise errors.InvalidLayerPart(repository.registry_id, repository.name, upload, progress.end)
            progress = Backend.uploads.append(repository.key, upload, [part], first)
        return ActionResult({**self._about(repository), "lastByteReceived": progress.end})

    def complete_layer_upload(self) -> ActionResult:
        """Only the sha256 digest is checked; clients once sent others, too."""
        repository, upload = self._repository(), self._get_param("uploadId")
        digests = self._get_param("layerDigests")
        digest = next((each for each in digests if each.startswith("sha256:")), digests[0])
        with self._api_errors(repository):
            Backend.uploads.progress(repository.key, upload)
            known = _size(repository, digest) is not None
            Backend.uploads.finish(repository.key, upload, digest)
        if known:
            raise errors.LayerAlreadyExistsException(digest, repository.name, repository.registry_id)
        return ActionResult({**self._about(repository), "layerDigest": digest})

    def batch_check_layer_availability(self) -> ActionResult:
        repository = self._repository()
        layers: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        for digest in self._get_param("layerDigests"):
            if reason := _not_a_digest(digest):
                failures.append({"layerDigest": digest, **reason})
            elif (size := _size(repository, digest, lease=True)) is None:
                layers.append({"layerDigest": digest, "layerAvailability": "UNAVAILABLE"})
            else:
                available = "ARCHIVED" if repository.images.is_archived(digest) else "AVAILABLE"
                about = {"layerSize": size, "mediaType": repository.images.media_type_of(digest)}
                layers.append({"layerDigest": digest, "layerAvailability": available, **about})
        return ActionResult({"layers": layers, "failures": failures})

    def get_download_url_for_layer(self) -> ActionResult:
        """Only layers that an image uses have a URL."""
        repository, digest = self._repository(), self._get_param("layerDigest")
        if not repository.images.use(digest):
            where = (digest, repository.name, repository.registry_id)
            if _size(repository, digest) is None:
                raise errors.LayerNotFoundException(*where)
            raise errors.LayerInaccessibleException(*where)
        if repository.images.is_archived(digest):
            raise errors.LayerArchivedException(digest, repository.name, repository.registry_id)
        return ActionResult(
            {"downloadUrl": repository.presigned_url(digest, self.normalized_request.host), "layerDigest": digest}
        )

    def _about(self, repository: Repository) -> dict[str, str]:
        return {
            "registryId": repository.registry_id,
            "repositoryName": repository.name,
            "uploadId": self._get_param("uploadId"),
        }

    @contextmanager
    def _api_errors(self, repository: Repository) -> Iterator[None]:
        """Turn errors of an upload into the API's exceptions."""
        upload, where = self._get_param("uploadId"), (repository.name, repository.registry_id)
        try:
            yield
        except upload_sessions.UnknownUpload:
            raise UploadNotFoundException(upload, *where) from None
        except upload_sessions.NotConsecutive as part:
            name, registry = where
            raise errors.InvalidLayerPart(registry, name, upload, part.last_byte, part.first) from None
        except upload_sessions.PartTooSmall:
            raise errors.LayerPartTooSmallException from None
        except upload_sessions.EmptyUpload:
            raise errors.EmptyUploadException(upload, *where) from None
        except upload_sessions.WrongDigest:
            raise errors.InvalidLayerException from None


def _size(repository: Repository, digest: str, lease: bool = False) -> int | None:
    """The size in bytes of a layer that *repository* has, or None; *lease*: the client may count on the layer."""
    return Backend.blobs.size(repository.key, digest, lease)


def _not_a_digest(digest: str) -> dict[str, str] | None:
    if not digest:
        return {"failureCode": "MissingLayerDigest", "failureReason": "Invalid request parameters: digest is missing"}
    if not DIGEST.fullmatch(digest):
        reason = f"Invalid request parameters: layer digest should satisfy the regex '{DIGEST.pattern}'"
        return {"failureCode": "InvalidLayerDigest", "failureReason": reason}
    return None
