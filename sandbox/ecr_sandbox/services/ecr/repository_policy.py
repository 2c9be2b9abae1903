"""Whether a text is a valid policy of a repository or a registry, decided from the text and the existing principals.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html. ECR refuses a
principal that does not exist: AWS Knowledge Center ("make sure that the role exists").
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import botocore.session

from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.iam import evaluate, principals
from ecr_sandbox.iam.patterns import glob

Statement = Mapping[str, Any]
ACTION = re.compile(r"\*|ecr:[A-Za-z*?]+", re.IGNORECASE)
# Actions of ECR that are not operations: Service Authorization Reference, "Actions defined by Amazon ECR".
FURTHER_ACTIONS = ("BatchImportUpstreamImage", "GetImageCopyStatus", "ReplicateImage")


def check_repository_policy(text: str, field: str = "PolicyText") -> None:
    """Raises InvalidParameter, about the parameter *field*, if ECR refuses the policy *text* of a repository."""
    _check(text, field, "repository", valid_resource_policy)


def check_registry_policy(text: str) -> None:
    """The same for the policy of a registry."""
    _check(text, "PolicyText", "registry", valid_registry_policy)


def _check(text: str, field: str, what: str, is_valid: Callable[[str], bool]) -> None:
    if not is_valid(text):  # https://github.com/aws/aws-sdk-go/issues/3921
        raise InvalidParameter(field, f"Invalid {what} policy provided")
    if not _all_statements(text, _names_known):  # https://github.com/hashicorp/terraform-provider-aws/issues/39064
        raise InvalidParameter(field, "Principal not found")


def valid_resource_policy(text: str) -> bool:
    """Whether *text* is a policy with principals, ECR's actions and no resource. Equal Sids are allowed.

    Source of the last: https://github.com/getmoto/moto/pull/8933.
    """
    return _all_statements(text, lambda each: _guards(each) and not {"Resource", "NotResource"} & set(each))


def valid_registry_policy(text: str) -> bool:
    """The same for a registry policy, which has resources."""
    return _all_statements(text, lambda each: _guards(each) and bool({"Resource", "NotResource"} & set(each)))


def _all_statements(text: str, are: Callable[[Statement], bool]) -> bool:
    try:
        evaluate.parse(text)
        statements = json.loads(text)["Statement"]
        return all(map(are, [statements] if isinstance(statements, dict) else statements))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _guards(statement: Statement) -> bool:
    actions = _several(statement.get("Action", statement.get("NotAction", [])))
    return ("Principal" in statement) != ("NotPrincipal" in statement) and bool(actions) and all(map(_is_ecrs, actions))


def _names_known(statement: Statement) -> bool:
    who = statement.get("Principal", statement.get("NotPrincipal"))
    return who == "*" or all(map(_may_exist, _several(who.get("AWS", []))))


def _is_ecrs(action: str) -> bool:
    """Whether the pattern *action* matches at least one action of ECR."""
    if not ACTION.fullmatch(action):
        return False
    matches = glob(action.partition(":")[2].lower() or "*")
    return any(map(matches, _ecr_actions()))


@cache
def _ecr_actions() -> tuple[str, ...]:
    operations = botocore.session.Session().get_service_model("ecr").operation_names
    return tuple(name.lower() for name in (*operations, *FURTHER_ACTIONS))


def _may_exist(principal: str) -> bool:
    """Users and roles of the sandbox's accounts must exist; those of other accounts are not known."""
    parts = principal.split(":")
    if len(parts) < 6 or parts[4] not in principals.ADMINISTRATORS.values():
        return True
    kind, _, path = parts[5].partition("/")
    if kind == "user":
        return principals.user(parts[4], path.rpartition("/")[2]) is not None
    return kind != "role" or principals.role(principal) is not None


def _several(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
