"""Credentials for upstream registries: from the user's Secrets Manager, or from ECR Public.

Source: user guide, "Storing your upstream repository credentials in an AWS Secrets Manager secret": a JSON object of
``username`` and ``accessToken``.
"""

import json
from collections.abc import Callable
from typing import Any, ClassVar

from ecr_sandbox.aws.lazy_services import Services
from ecr_sandbox.services.ecr.backend import Backend
from ecr_sandbox.services.ecr.errors import SECRET_UNKNOWN, SecretNotFoundException, UnableToAccessSecretException

NAMES = ("username", "accessToken")


class Credentials:
    """Where they come from; ``subscriptions.install`` fills it in."""

    services: ClassVar[Services]  # moto's Secrets Manager is one of them
    ecr_public: ClassVar[Callable[[str], tuple[str, str]]]  # user and password of an account's administrator


def of_secret(arn: str) -> tuple[str, str]:
    """User and password in the secret *arn*; raises SecretNotFoundException, UnableToAccessSecretException."""
    try:
        given = json.loads(_text(arn))
        user, password = (str(given[name]) for name in NAMES)
    except (ValueError, TypeError, LookupError):
        raise UnableToAccessSecretException(arn) from None
    return user, password


def _text(arn: str) -> str:
    """The secret's current value."""
    Credentials.services.load("secretsmanager")
    from moto.secretsmanager.models import secretsmanager_backends

    _, _, _, region, account, *_ = arn.split(":")
    with Backend.store.lock:
        held: Any = secretsmanager_backends[account][region]
        found = held.secrets.get(arn)
        if found is None or found.is_deleted():
            raise SecretNotFoundException(SECRET_UNKNOWN)
        value = held.get_secret_value(arn, None, None)
    if "SecretString" not in value and "secret_string" not in value:
        raise UnableToAccessSecretException(arn)
    return str(value.get("SecretString") or value.get("secret_string"))
