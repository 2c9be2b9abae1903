"""Operations on repository creation templates; ``templates.py`` applies them."""

from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult

from ecr_sandbox.aws import resource_tags
from ecr_sandbox.iam import principal_names
from ecr_sandbox.services.repository_policies import stored_repository_policy
from ecr_sandbox.state import clock

from .errors import TemplateAlreadyExistsException, TemplateNotFoundException
from .lifecycle import policy
from .operations import Operations
from .registry_settings import TEMPLATES, Settings
from .repositories_api import check_encryption, check_mutability

GIVEN = (
    "description",
    "encryptionConfiguration",
    "resourceTags",
    "imageTagMutability",
    "imageTagMutabilityExclusionFilters",
    "repositoryPolicy",
    "lifecyclePolicy",
    "appliedFor",
    "customRoleArn",
)
DEFAULTS = {"encryptionConfiguration": {"encryptionType": "AES256"}, "imageTagMutability": "MUTABLE"}


class TemplateOperations(Operations):
    """None of these operations is in moto."""

    def create_repository_creation_template(self) -> ActionResult:
        if self._templates().get(self._template_prefix()):
            raise TemplateAlreadyExistsException(self._template_prefix(), self.current_account)
        now = clock.now()
        return self._put({**DEFAULTS, "prefix": self._get_param("prefix"), "createdAt": now, "updatedAt": now})

    def update_repository_creation_template(self) -> ActionResult:
        """Missing parameters keep their values; filters are removed with the mutability that they belong to."""
        template = self._template()
        if self._get_param("imageTagMutability") and not self._get_param("imageTagMutabilityExclusionFilters"):
            template.pop("imageTagMutabilityExclusionFilters", None)
        return self._put({**template, "updatedAt": clock.now()})

    def describe_repository_creation_templates(self) -> ActionResult:
        found, prefixes = self._templates().all(), self._get_param("prefixes")
        if prefixes:
            wanted = {each.rstrip("/") for each in prefixes}
            found = [each for each in found if each["prefix"].rstrip("/") in wanted]
        page, token = self._page_of(found)
        templates = list(map(_shown, page))
        answer = {"registryId": self.current_account, "repositoryCreationTemplates": templates, "nextToken": token}
        return ActionResult(answer)

    def delete_repository_creation_template(self) -> ActionResult:
        template = self._template()
        self._templates().remove(self._template_prefix())
        return ActionResult({"registryId": self.current_account, "repositoryCreationTemplate": _shown(template)})

    def _put(self, before: Mapping[str, Any]) -> ActionResult:
        given = {name: value for name in GIVEN if (value := self._get_param(name)) is not None}
        if guard := given.get("repositoryPolicy"):
            given["repositoryPolicy"] = stored_repository_policy(guard, "ecr", "repositoryPolicy")
        template = {**before, **given}
        _check(template, self.region)
        self._templates().put(self._template_prefix(), template)
        return ActionResult({"registryId": self.current_account, "repositoryCreationTemplate": _shown(template)})

    def _template(self) -> dict[str, Any]:
        if template := self._templates().get(self._template_prefix()):
            return template
        raise TemplateNotFoundException(self._template_prefix(), self.current_account)

    def _templates(self) -> Settings:
        return self.ecr_backend.settings(TEMPLATES)

    def _template_prefix(self) -> str:
        return str(self._get_param("prefix")).rstrip("/")


def _shown(template: Mapping[str, Any]) -> dict[str, Any]:
    """*template* with the ARNs of the principals that exist in its repository policy."""
    guard = template.get("repositoryPolicy")
    return {**template, **({"repositoryPolicy": principal_names.shown(guard)} if guard else {})}


def _check(template: Mapping[str, Any], region: str) -> None:
    """Raises the same errors as the same settings of a repository."""
    check_mutability(template["imageTagMutability"], template.get("imageTagMutabilityExclusionFilters"))
    resource_tags.with_more({}, template.get("resourceTags") or [])
    check_encryption(template["encryptionConfiguration"], region)
    if text := template.get("lifecyclePolicy"):
        policy.parse(text)
