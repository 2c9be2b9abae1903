"""The base of ECR's operations: moto has parsed the request, and serializes what the method returns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.core.responses import ActionResult
from moto.ecr.exceptions import ImageNotFoundException
from moto.ecr.responses import ECRResponse

from ecr_sandbox.aws import pagination
from ecr_sandbox.aws.errors import InvalidParameter, NotInSandbox
from ecr_sandbox.aws.pagination import Row
from ecr_sandbox.iam import principals
from ecr_sandbox.iam.evaluate import Principal
from ecr_sandbox.registry.image import Image
from ecr_sandbox.services.image_errors import check_image_id

from .backend import Backend, Repository, backend


class Operations(ECRResponse):
    """Each part of the API is a subclass; a method has the operation's name in lower case."""

    @property
    def ecr_backend(self) -> Backend:
        return backend(self.current_account, self.region)

    def _principal(self) -> Principal:
        """The caller."""
        return principals.of(self.access_key)

    def _get_action(self) -> str:
        return self.headers.get("X-Amz-Target", "").rpartition(".")[2]

    def _repository(self) -> Repository:
        """The repository that the call names; raises RepositoryNotFoundException."""
        return self.ecr_backend.repository(self._get_param("repositoryName"), self._get_param("registryId"))

    def _image(self, repository: Repository, wanted: Mapping[str, str]) -> Image:
        return found(repository, wanted, "imageIds")

    def _page(
        self, rows: Callable[[Any, int], Sequence[Row]], place: Callable[[Row], Any], size: int = pagination.SIZE
    ) -> tuple[list[Row], str | None]:
        """See ``pagination.page``; a token is valid for the same operation on the same repository."""
        what = f"{self._get_action()} {self.current_account} {self.region} {self._get_param('repositoryName')}"
        return pagination.page(what, rows, place, self._get_param("nextToken"), self._get_param("maxResults") or size)

    def _page_of(self, items: Sequence[Row], size: int = pagination.SIZE) -> tuple[list[Row], str | None]:
        """The same for a complete list."""
        what = f"{self._get_action()} {self.current_account} {self.region}"
        return pagination.of_list(what, items, self._get_param("nextToken"), self._get_param("maxResults") or size)

    def _check_no_page(self, names: str) -> None:
        """A call with *names* is not paginated (API reference, ``maxResults``); raises InvalidParameter."""
        for other in ("maxResults", "nextToken"):
            if self._get_param(other) is not None:
                raise InvalidParameter(other, f"must be null when {names} is given")


def found(repository: Repository, wanted: Mapping[str, str], field: str) -> Image:
    """The image of the id *wanted*, the parameter *field*; raises ImageNotFoundException, InvalidParameter."""
    tag, digest = wanted.get("imageTag"), wanted.get("imageDigest")
    if not tag and not digest:
        raise InvalidParameter(field, "both tag and digest cannot be null")
    check_image_id(wanted)
    if image := repository.images.find(tag, digest):
        return image
    raise ImageNotFoundException(named(wanted), repository.name, repository.registry_id)


def named(wanted: Mapping[str, str]) -> str:
    """An image id in the form of ECR's messages."""
    return f"{{imageDigest:'{wanted.get('imageDigest', 'null')}', imageTag:'{wanted.get('imageTag', 'null')}'}}"


def not_supported(call: Operations) -> ActionResult:
    """The method of an operation that moto would answer without effect."""
    raise NotInSandbox(call._get_action())
