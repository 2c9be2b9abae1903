"""The policies of repositories and registries: what ECR and ECR Public accept, and how they store the principals.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html, …/registry-permissions.html;
for the principals ``iam/principal_names.py``, for the sentences ``image_errors.py``.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from botocore.model import OperationModel
from moto.core.utils import get_service_model

from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.iam import policy, principal_names
from ecr_sandbox.iam.patterns import glob, literal_brackets

from .image_errors import INVALID_REGISTRY_POLICY, INVALID_REPOSITORY_POLICY, PRINCIPAL_NOT_FOUND

Statement = Mapping[str, Any]
# Actions that are not operations: Service Authorization Reference, "Actions defined by Amazon ECR".
FURTHER_ACTIONS = {"ecr": ("BatchImportUpstreamImage", "GetImageCopyStatus", "ReplicateImage")}
COMPLETE_ARN = re.compile("arn:([^:]*:){4}", re.ASCII)
# An operation with one of these parameters is about repositories.
REPOSITORY_PARAMETERS = {"repositoryName", "repositoryNames", "resourceArn"}


def stored_repository_policy(text: str, service: str, field: str = "PolicyText") -> str:
    """The policy *text* of a repository as *service* (``ecr``, ``ecr-public``) stores it.

    Raises InvalidParameter, which names *field*. The actions must be about repositories: ECR refuses
    ``ecr:GetAuthorizationToken`` (https://github.com/cloudposse/terraform-aws-ecr/pull/67). ECR refuses a Resource
    (https://github.com/awsdocs/amazon-ecr-user-guide/pull/20); what ECR Public does is not documented.
    """

    def is_valid(statement: Statement) -> bool:
        if _has_resource(statement) and not (service == "ecr-public" and _has_valid_resources(statement)):
            return False
        return _has_valid_actions(statement, service, _repository_actions(service))

    return _stored(text, is_valid, field, INVALID_REPOSITORY_POLICY)


def stored_registry_policy(text: str) -> str:
    """The same for a registry policy, which has resources and can have every action of ECR.

    A resource that is not a complete ARN matches nothing, so a Deny of it would be lost. That ECR refuses it is our
    assumption.
    """

    def is_valid(statement: Statement) -> bool:
        return _has_valid_actions(statement, "ecr", _actions("ecr")) and _has_valid_resources(statement)

    return _stored(text, is_valid, "PolicyText", INVALID_REGISTRY_POLICY)


def shown(text: str) -> str:
    """The stored policy *text* as the API shows it: with the ARNs of the principals that exist, formatted.

    ECR formats it as Jackson's ``DefaultPrettyPrinter`` does: AWS CLI, examples of ``get-repository-policy`` in
    https://github.com/aws/aws-cli/tree/develop/awscli/examples/ecr and ``ecr-public``.
    """
    text = principal_names.shown(text)
    try:
        policy.parse(text)
    except policy.Malformed:  # stored by an older version
        return text
    return _formatted(json.loads(text))


def _formatted(value: Any, indent: str = "\n") -> str:
    if isinstance(value, dict) and value:
        inner = indent + "  "
        members = [f"{inner}{json.dumps(name)} : {_formatted(each, inner)}" for name, each in value.items()]
        return f"{{{','.join(members)}{indent}}}"
    if isinstance(value, list) and value:
        return f"[ {', '.join(_formatted(each, indent) for each in value)} ]"
    return {"{}": "{ }", "[]": "[ ]"}.get(text := json.dumps(value, ensure_ascii=False), text)


def _stored(text: str, is_valid: Callable[[Statement], bool], field: str, invalid: str) -> str:
    try:
        statements = policy.document_statements(text)
        if not all(_has_principal(each) and is_valid(each) for each in statements):
            raise InvalidParameter(field, invalid)
        principal_names.check(text)
    except principal_names.UnknownPrincipal:
        raise InvalidParameter(field, PRINCIPAL_NOT_FOUND) from None
    except (policy.Malformed, principal_names.InvalidPrincipal):
        raise InvalidParameter(field, invalid) from None
    return principal_names.stored(text)


def _has_principal(statement: Statement) -> bool:
    return "Principal" in statement or "NotPrincipal" in statement


def _has_resource(statement: Statement) -> bool:
    return "Resource" in statement or "NotResource" in statement


def _has_valid_resources(statement: Statement) -> bool:
    resources = policy.as_list(statement.get("Resource", statement.get("NotResource", "")))
    return all(each == "*" or COMPLETE_ARN.match(each) for each in resources)


def _has_valid_actions(statement: Statement, service: str, known: tuple[str, ...]) -> bool:
    """Whether each action is ``*`` or a pattern of *service* that matches at least one of the *known* actions."""
    patterns = policy.as_list(statement.get("Action", statement.get("NotAction")))
    return all(each == "*" or _matches_any(each.lower(), service, known) for each in patterns)


def _matches_any(pattern: str, service: str, actions: tuple[str, ...]) -> bool:
    prefix, _, name = pattern.partition(":")
    return prefix == service and any(map(glob(literal_brackets(name)), actions))


@lru_cache(64)
def _actions(service: str) -> tuple[str, ...]:
    return tuple(name.lower() for name in (*_operations(service), *FURTHER_ACTIONS.get(service, ())))


@lru_cache(64)
def _repository_actions(service: str) -> tuple[str, ...]:
    operations = [name for name, model in _operations(service).items() if REPOSITORY_PARAMETERS & _parameters(model)]
    return tuple(name.lower() for name in (*operations, *FURTHER_ACTIONS.get(service, ())))


def _operations(service: str) -> dict[str, OperationModel]:
    model = get_service_model(service)
    return {name: model.operation_model(name) for name in model.operation_names}


def _parameters(operation: OperationModel) -> set[str]:
    return set(operation.input_shape.members) if operation.input_shape else set()
