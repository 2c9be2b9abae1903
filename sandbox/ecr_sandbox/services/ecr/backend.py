"""ECR's state: repositories are moto's, images are rows (``registry/images.py``), blobs are in the content store."""

import sqlite3
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any, ClassVar

import moto.ecr.models as moto_ecr
import moto.ecr.urls
from moto.ecr.exceptions import RepositoryNotFoundException

from ecr_sandbox.http import addresses
from ecr_sandbox.http.middleware import Request
from ecr_sandbox.iam import principals
from ecr_sandbox.iam.authorization import Denied, permit
from ecr_sandbox.iam.evaluate import Principal
from ecr_sandbox.registry import events, image_ids
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.errors import Refused
from ecr_sandbox.registry.events import Deleted, Pulled, Pushed
from ecr_sandbox.registry.image import Image
from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import Manifest
from ecr_sandbox.registry.pages import Page
from ecr_sandbox.registry.presigned_urls import PresignedUrls
from ecr_sandbox.registry.pull_counts import Pulls
from ecr_sandbox.registry.references import Key
from ecr_sandbox.registry.upload_sessions import UploadSessions
from ecr_sandbox.registry.usage import Meter
from ecr_sandbox.services import lists
from ecr_sandbox.services.image_errors import check_layers, check_quotas, repository_unknown
from ecr_sandbox.services.repository_policies import shown, stored_registry_policy, stored_repository_policy
from ecr_sandbox.state import clock
from ecr_sandbox.state.jobs import Jobs
from ecr_sandbox.state.persistence import BackendPersistence
from ecr_sandbox.state.store import Store

from . import last_pull
from .authorization import repository_request
from .lifecycle import policy, previews, schedule
from .registry_settings import EXCLUSIONS, SCHEMA, Settings
from .tag_mutability import immutable


class Repository(moto_ecr.Repository):
    """moto's repository, with an address on this machine and images from the store."""

    @property
    def uri(self) -> str:
        return f"{addresses.current.registry_host(self.account_id, self.region_name)}/{self.name}"

    @uri.setter
    def uri(self, value: str) -> None:
        """Ignores AWS's address, which moto sets: the port may change between runs."""

    @property
    def images(self) -> Images:
        meter = Backend.meter
        reports = (partial(report, *self.key) for report in (meter.changed, meter.archived, meter.restored))
        return Images(Backend.store, *self.key, *reports)

    @images.setter
    def images(self, value: list[Any]) -> None:
        """Ignores the empty list that moto sets."""

    @property
    def key(self) -> Key:
        """The key of this repository's rows in the store."""
        return self.account_id, self.region_name, self.name

    def tags(self, size: int | None, last: str | None) -> Page:
        """A page of the registry's list of tags: see ``services/lists.py``."""
        return lists.tags(self.images, size, last)

    def store_image(self, text: str, media_type: str | None, tag: str | None, digest: str | None) -> Image:
        """The end of a push: see ``Backend.store_image``. Raises ImageError, and Refused if the repository is gone."""
        try:
            return backend(self.account_id, self.region_name).store_image(self.name, text, media_type, tag, digest)
        except RepositoryNotFoundException:
            raise Refused(repository_unknown(self.name, self.account_id)) from None

    def mountable(self, digest: str, source: str, request: Request) -> Key | None:
        """The key of *source*, if ECR allows the layer *digest* to be mounted from there.

        The account setting must be on, the caller must be allowed to read the source, both must have the same
        encryption, and an image of the source must use the layer.
        Source: ECR user guide, "Blob mounting".
        """
        state = backend(self.account_id, self.region_name)
        if state.account_settings.get("BLOB_MOUNTING") != "ENABLED":
            return None
        with Backend.store.lock, suppress(Denied, RepositoryNotFoundException):
            reading = repository_request("ecr:GetDownloadUrlForLayer", self.account_id, self.region_name, source)
            permit(request, reading, self.region_name)
            other = state.repository(source)
            same_encryption = other.encryption_configuration == self.encryption_configuration
            if same_encryption and other.images.use(digest) and not other.images.is_archived(digest):
                return other.key
        return None

    def _determine_encryption_config(self, encryption_config: dict[str, str] | None) -> dict[str, str]:
        """moto invents a key for each repository; AWS's managed key ``aws/ecr`` is one for an account and Region.

        Source: API reference, EncryptionConfiguration. The key's id is invented here, too.
        """
        config = encryption_config or {"encryptionType": "AES256"}
        if config["encryptionType"] == "AES256" or config.get("kmsKey"):
            return config
        number = uuid.uuid5(uuid.NAMESPACE_URL, f"{self.account_id}/{self.region_name}/aws/ecr")
        partition = self.arn.split(":")[1]
        return {**config, "kmsKey": f"arn:{partition}:kms:{self.region_name}:{self.account_id}:key/{number}"}

    def presigned_url(self, digest: str, asked: str) -> str:
        """The presigned URL of the layer *digest*, for a client that *asked* this Host."""
        return Backend.presigned_urls.url(digest, self.key, asked)

    def delete_images(self, ids: Iterable[image_ids.Id]) -> image_ids.Deleted:
        """BatchDeleteImage, for the API and the registry: see ``image_ids.delete``."""
        with Backend.store.change():
            deleted, failures = image_ids.delete(self.images, ids)
            for each in deleted:
                events.publish(Deleted(*self.key, each["imageDigest"], each.get("imageTag")))
        return deleted, failures

    def pulled(self, image: Image, tag: str | None, request: Request) -> None:
        """The caller of *request* got the manifest of *image*, by *tag* or by digest."""
        self.pulled_by(principals.of_request(request), image, tag)

    def pulled_by(self, principal: Principal, image: Image, tag: str | None) -> None:
        """Record that *principal* got the manifest of *image*, from the registry or the API."""
        arn = str(principal.context.get("aws:PrincipalArn", principal.arn))
        now = clock.now()
        # Without sync, because no answer depends on it; on a full disk the pull succeeds.
        with suppress(sqlite3.OperationalError), Backend.store.change(sync=False):
            Backend.meter.pulled(*self.key)
            Backend.pulls.one_more(*self.key)
            if last_pull.is_due(image.last_pulled, now) and not self._ignores_pulls_of(arn):
                self.images.recorded_pull(image, int(now))
            events.publish(Pulled(*self.key, image.digest, tag, arn))

    def _ignores_pulls_of(self, principal: str) -> bool:
        return backend(self.account_id, self.region_name).settings(EXCLUSIONS).get(principal) is not None

    def sent(self, n_bytes: int) -> None:
        """Count *n_bytes* of a layer that were sent."""
        Backend.meter.sent(*self.key, n_bytes)

    def locks(self, tag: str | None) -> bool:
        """Whether *tag*, if it names an image, cannot be moved."""
        mode = str(getattr(self.image_tag_mutability, "value", self.image_tag_mutability))
        filters = [each["filter"] for each in self.image_tag_mutability_exclusion_filters or []]
        return bool(tag) and immutable(str(tag), mode, filters)


class Backend(moto_ecr.ECRBackend):
    """moto's ECR with ECR's image model."""

    store: ClassVar[Store]
    blobs: ClassVar[ContentStore]
    meter: ClassVar[Meter]
    pulls: ClassVar[Pulls]
    uploads: ClassVar[UploadSessions]
    presigned_urls: ClassVar[PresignedUrls]
    jobs: ClassVar[Jobs]
    changing: ClassVar[Callable[[], AbstractContextManager[None]]]  # around a change of repositories
    # Off by default on AWS; on here, so that a push of the sample app sends only new layers.
    blob_mounting: ClassVar[str] = "ENABLED"

    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.account_settings = {
            "BASIC_SCAN_TYPE_VERSION": "AWS_NATIVE",
            "BLOB_MOUNTING": self.blob_mounting,
            "REGISTRY_POLICY_SCOPE": "V2",
        }

    @property
    def _url_module(self) -> Any:
        return moto.ecr.urls  # moto would look for it in this class's package

    def settings(self, kind: str) -> Settings:
        """The registry's settings of this *kind*: see ``registry_settings.py``."""
        return Settings(self.store, self.account_id, self.region_name, kind)

    def repository(self, name: str, registry_id: str | None = None) -> Repository:
        """The repository; raises RepositoryNotFoundException."""
        return self._get_repository(name, registry_id)

    def store_image(
        self, name: str, text: str, media_type: str | None, tag: str | None, claimed_digest: str | None = None
    ) -> Image:
        """PutImage, for the API and for a push. Raises ImageError, RepositoryNotFoundException."""
        repository = self.repository(name)
        manifest = Manifest.parse(text, media_type)
        check_layers(manifest)
        with self.store.change():
            repository = self.repository(name)  # it may have been deleted meanwhile
            self.blobs.require_blobs(repository.images, manifest, name, self.account_id)
            check_quotas(repository.images, manifest.digest, tag)
            image = repository.images.put(manifest, tag, repository.locks(tag), claimed_digest)
            events.publish(Pushed(*repository.key, image.digest, tag))
            return image

    def put_image_scanning_configuration(
        self, registry_id: str, repository_name: str, image_scan_config: dict[str, Any]
    ) -> dict[str, Any]:
        """moto's; without ``scanOnPush``, it is off (API reference, ImageScanningConfiguration)."""
        config = {"scanOnPush": False, **image_scan_config}
        answer: dict[str, Any] = super().put_image_scanning_configuration(registry_id, repository_name, config)
        return answer

    def set_repository_policy(self, registry_id: str, repository_name: str, policy_text: str) -> dict[str, Any]:
        """moto would accept a policy without a principal, and actions that do not exist; raises InvalidParameter."""
        self.repository(repository_name, registry_id).policy = stored_repository_policy(policy_text, "ecr")
        return self.get_repository_policy(registry_id, repository_name)

    def get_repository_policy(self, registry_id: str, repository_name: str) -> dict[str, Any]:
        """moto's, as ECR shows policies."""
        return _as_shown(super().get_repository_policy(registry_id, repository_name))

    def delete_repository_policy(self, registry_id: str, repository_name: str) -> dict[str, Any]:
        """The same."""
        return _as_shown(super().delete_repository_policy(registry_id, repository_name))

    def put_lifecycle_policy(
        self, registry_id: str, repository_name: str, lifecycle_policy_text: str
    ) -> dict[str, Any]:
        """moto would accept contradictory rules, and apply none; raises InvalidParameter."""
        repository = self.repository(repository_name, registry_id)
        repository.lifecycle_policy = policy.stored(lifecycle_policy_text)
        schedule.begin(self.store, self.jobs, repository.key)
        return {
            "registryId": repository.registry_id,
            "repositoryName": repository.name,
            "lifecyclePolicyText": repository.lifecycle_policy,
        }

    def put_registry_policy(self, policy_text: str) -> dict[str, Any]:
        """moto would accept only the three actions of registry policies before scope V2; raises InvalidParameter."""
        self.registry_policy = stored_registry_policy(policy_text)
        return self.get_registry_policy()

    def get_registry_policy(self) -> dict[str, Any]:
        """moto's, as ECR shows policies."""
        return _as_shown(super().get_registry_policy())

    def delete_registry_policy(self) -> dict[str, Any]:
        """The same."""
        return _as_shown(super().delete_registry_policy())

    def delete_repository(
        self, repository_name: str, registry_id: str | None = None, force: bool = False
    ) -> Repository:
        """moto's, and then delete the images and the links to their layers."""
        repository: Repository = super().delete_repository(repository_name, registry_id, force)
        with self.store.change():
            repository.images.delete()
            schedule.end(self.store, self.jobs, repository.key)
            previews.delete(self.store, repository.key)
            self.blobs.forget(repository.key)
        return repository


def _as_shown(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "policyText": shown(answer["policyText"])}


def install(
    store: Store, blobs: ContentStore, presigned_urls: PresignedUrls, jobs: Jobs, persistence: BackendPersistence
) -> None:
    """Replace moto's classes by these. Call it before moto's first answer."""
    for schema in (SCHEMA, schedule.SCHEMA, previews.SCHEMA):
        store.add(schema)
    Backend.store, Backend.blobs, Backend.meter = store, blobs, Meter(store)
    Backend.pulls = Pulls(store)
    Backend.uploads, Backend.presigned_urls = UploadSessions(store, blobs), presigned_urls
    Backend.jobs = jobs
    Backend.changing = staticmethod(partial(persistence.changing, "ecr"))
    moto_ecr.Repository = Repository
    moto_ecr.ecr_backends.backend = Backend
    moto_ecr.ECR_REPOSITORY_NAME_PATTERN = ".*"  # older than the service model's pattern, which the validation applies


def backend(account: str, region: str) -> Backend:
    """The state of one account's ECR in one region."""
    return moto_ecr.ecr_backends[account][region]
