"""Repository creation templates: the settings of repositories that ECR creates, and whether a push creates one.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from moto.ecr.exceptions import RepositoryNotFoundException

from ecr_sandbox.iam import authorization, principals

from .authorization import creation_request
from .backend import Backend, Repository
from .registry_settings import TEMPLATES

Template = Mapping[str, Any]  # the API's fields

# Values of ``appliedFor``.
REPLICATION, CACHE, PUSH = "REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"
ROOT = "ROOT"  # the prefix of every repository
# API reference, ``repositoryName``
NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")


def chosen(templates: Iterable[Template], name: str, reason: str) -> Template | None:
    """The template applied for *reason* with the longest prefix of the repository *name*."""
    fitting = [each for each in templates if reason in each["appliedFor"] and has_prefix(name, each["prefix"])]
    return max(fitting, key=lambda each: (each["prefix"] != ROOT, len(each["prefix"].rstrip("/"))), default=None)


def has_prefix(name: str, prefix: str) -> bool:
    """Whether the repository *name* has *prefix*, which implies a slash at its end (API reference, ``prefix``)."""
    return prefix == ROOT or name.startswith(prefix.rstrip("/") + "/")


def is_applicable(template: Template, account: str, region: str, name: str) -> bool:
    """Whether *template* can be applied: tags and KMS need a role that may create and tag repositories.

    Source: user guide, "Repository creation role": "otherwise the repository creation will fail".
    """
    tags, encryption = template.get("resourceTags"), template.get("encryptionConfiguration") or {}
    if not tags and encryption.get("encryptionType", "AES256") == "AES256" and not template.get("customRoleArn"):
        return True
    role = principals.of_role(template.get("customRoleArn") or "")
    needed = ["ecr:CreateRepository", *(["ecr:TagResource"] if tags else [])]
    asked = [creation_request(account, region, name, tags, action) for action in needed]
    return role is not None and all(authorization.may(role, request, region) for request in asked)


def is_name(name: str) -> bool:
    """Whether a repository can have this *name*."""
    return 2 <= len(name) <= 256 and NAME.fullmatch(name) is not None


def of_registry(state: Backend, name: str, reason: str) -> Template | None:
    """The registry's template for the repository *name*, or None."""
    return chosen(state.settings(TEMPLATES).all(), name, reason)


def create(state: Backend, name: str, reason: str) -> Repository:
    """Create the repository *name* by the template for *reason*, or with ECR's defaults, unless it exists.

    Raises RepositoryNotFoundException if the template cannot be applied.
    """
    with Backend.changing():
        try:
            return state.repository(name)
        except RepositoryNotFoundException:
            template = of_registry(state, name, reason) or {}
        if not is_applicable(template, state.account_id, state.region_name, name):
            raise RepositoryNotFoundException(name, state.account_id)
        made = state.create_repository(
            name,
            state.account_id,
            dict(template.get("encryptionConfiguration") or {"encryptionType": "AES256"}),
            None,
            template.get("imageTagMutability") or "MUTABLE",
            template.get("resourceTags") or [],
            template.get("imageTagMutabilityExclusionFilters"),
        )
        # It was validated with the template; its principals may have been deleted since.
        made.policy = template.get("repositoryPolicy") or None
        if text := template.get("lifecyclePolicy"):
            state.put_lifecycle_policy(state.account_id, name, text)
        return state.repository(name)
