"""Operations on repositories and their settings. Images: ``images_api.py``, layers: ``layers_api.py``."""

from collections.abc import Mapping, Sequence

from moto.core.responses import ActionResult

from ecr_sandbox.aws import resource_tags
from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.iam import authorization

from .authorization import repository_request
from .backend import Repository
from .errors import KmsException
from .operations import Operations

MOST_WILDCARDS = 2  # the console's "Add filter": "maximum of 2 wildcards"; ECR user guide, "Image tag mutability"


class RepositoryOperations(Operations):
    """The operations that moto answers differently from AWS."""

    def create_repository(self) -> ActionResult:
        resource_tags.with_more({}, self._get_param("tags") or [])
        self._check_mutability(self._get_param("imageTagMutability") or "MUTABLE")
        check_encryption(self._get_param("encryptionConfiguration"), self.region)
        return super().create_repository()

    def describe_repositories(self) -> ActionResult:
        """Sorted by name, in pages; moto has no pages."""
        names = self._get_param("repositoryNames")
        if names:
            self._check_no_page("repositoryNames")
        found = sorted(
            self.ecr_backend.describe_repositories(self._get_param("registryId"), names), key=lambda each: each.name
        )
        if names:
            return ActionResult({"repositories": found})

        def after(name: str | None, size: int) -> Sequence[Repository]:
            return [each for each in found if name is None or each.name > name][:size]

        page, token = self._page(after, lambda each: each.name)
        return ActionResult({"repositories": page, "nextToken": token})

    def tag_resource(self) -> ActionResult:
        has = self.ecr_backend.tagger.get_tag_dict_for_resource(self._get_param("resourceArn"))
        resource_tags.with_more(has, self._get_param("tags"))
        return super().tag_resource()

    def set_repository_policy(self) -> ActionResult:
        """Without ``force`` a policy is refused after which the caller could not set another one.

        Source: API reference, SetRepositoryPolicy, ``force``; the sentence is ours.
        """
        repository = self._repository()
        before = repository.policy
        answer = super().set_repository_policy()
        if not self._get_param("force") and not self._may_set_policy(repository.name):
            repository.policy = before
            raise InvalidParameter("PolicyText", "The policy would prevent you from setting another policy; use force")
        return answer

    def _may_set_policy(self, name: str) -> bool:
        needed = repository_request("ecr:SetRepositoryPolicy", self.current_account, self.region, name)
        facts = authorization.at_this_machine(self.region)
        return authorization.denied_sentence(self._principal(), needed, facts) is None

    def put_image_tag_mutability(self) -> ActionResult:
        self._check_mutability(self._get_param("imageTagMutability"))
        answer = dict(super().put_image_tag_mutability().result)
        answer["imageTagMutabilityExclusionFilters"] = self._repository().image_tag_mutability_exclusion_filters
        return ActionResult(answer)

    def _check_mutability(self, mode: str) -> None:
        check_mutability(mode, self._get_param("imageTagMutabilityExclusionFilters"))


def check_mutability(mode: str, filters: Sequence[Mapping[str, str]] | None) -> None:
    """Raises InvalidParameter if a *mode* (``IMMUTABLE_WITH_EXCLUSION``, …) and its *filters* contradict each other.

    Source of the sentences: https://github.com/badmintoncryer/cdk-preflight,
    rules/ecr/pf-ecr-image-tag-mutability-filters.
    """
    field = "imageTagMutabilityExclusionFilters"
    if mode.endswith("_WITH_EXCLUSION") != bool(filters):
        wrong = "are not allowed" if filters else "can't be null"
        raise InvalidParameter(
            field, f"ImageTagMutabilityExclusionFilters {wrong} when imageTagMutability is set as {mode}"
        )
    if any(each["filter"].count("*") > MOST_WILDCARDS for each in filters or []):
        raise InvalidParameter(f"{field}.filter", f"must have at most {MOST_WILDCARDS} wildcards")


def check_encryption(config: Mapping[str, str] | None, region: str) -> None:
    """Raises InvalidParameter for a key without KMS, KmsException for a key of another Region than *region*.

    Source: https://github.com/badmintoncryer/cdk-preflight, rules/ecr/pf-ecr-encryption-configuration.
    """
    key = (config or {}).get("kmsKey")
    if config and key and config["encryptionType"] == "AES256":
        wrong = "Encryption key should not be set for AES256 encryption."
        raise InvalidParameter("encryptionConfiguration", f"Invalid encryption configuration: {wrong}")
    parts = (key or "").split(":")
    if len(parts) >= 6 and parts[3] != region:
        raise KmsException(parts[3])
