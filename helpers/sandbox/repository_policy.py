"""Can this text be a repository policy? One rule, decided from the text and from who exists.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html. That ECR refuses a
principal that does not exist stands in AWS's Knowledge Center ("make sure that the role exists").
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from . import iam, principals

ACTION = re.compile(r"\*|ecr:[A-Za-z*?]+", re.IGNORECASE)


def valid_resource_policy(text: str) -> bool:
    """Whether *text* is IAM's language, with principals that exist, ECR's actions and no resource."""
    try:
        iam.parse(text)
        statements = json.loads(text)["Statement"]
        return all(map(_guards_a_repository, [statements] if isinstance(statements, dict) else statements))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _guards_a_repository(statement: Mapping[str, Any]) -> bool:
    actions = _several(statement.get("Action", statement.get("NotAction", [])))
    who = statement.get("Principal", statement.get("NotPrincipal"))
    return (
        ("Principal" in statement) != ("NotPrincipal" in statement)
        and not {"Resource", "NotResource"} & set(statement)
        and bool(actions)
        and all(map(ACTION.fullmatch, actions))
        and (who == "*" or all(map(_may_exist, _several(who.get("AWS", [])))))
    )


def _may_exist(principal: str) -> bool:
    """Users and roles of the sandbox's accounts must be there; of other accounts nothing is known."""
    parts = principal.split(":")
    if len(parts) < 6 or parts[4] not in principals.ADMINISTRATORS.values():
        return True
    kind, _, path = parts[5].partition("/")
    if kind == "user":
        return principals.user(parts[4], path.rpartition("/")[2]) is not None
    return kind != "role" or principals.role(principal) is not None


def _several(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
