"""boto3 clients of this sandbox, with the key of a user or of a role's session."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import boto3
import botocore.session
from botocore.config import Config

from ecr_sandbox import settings
from ecr_sandbox.http import addresses

from . import parsers

ADMINISTRATOR = f"arn:aws:iam::{settings.ACCOUNT}:user/administrator"
# The service checks parameters, so that its sentence is shown and not botocore's; no proxy, no second attempt.
CONFIG = Config(parameter_validation=False, proxies={}, retries={"total_max_attempts": 1}, user_agent_appid="console")
SESSION_NAME = "console"

_sessions: dict[str, tuple["Key", datetime]] = {}  # the keys of roles, until they expire
_making = threading.Lock()  # boto3 makes clients in one thread at a time


class Key(NamedTuple):
    """Access key ID, secret and, for temporary keys, token."""

    access_key: str
    secret: str
    token: str | None = None


KeyOf = Callable[[str], tuple[str, str, str]]  # the key of the user with this ARN; raises an exception if there is none

ADMINISTRATORS = {
    settings.ACCOUNT: Key(settings.ACCESS_KEY, settings.SECRET_KEY),
    settings.OTHER_ACCOUNT: Key(settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY),
}


def client(service: str, region: str, key: Key) -> Any:
    """The client of *service* in *region* with *key*."""
    with _making:
        return _client(service, region, addresses.current.own_url(), key)


def key_of(arn: str, key_of_user: KeyOf) -> Key:
    """The key of the user, or of a session of the role, *arn*; raises ClientError, or what *key_of_user* raises."""
    if ":role/" not in arn:
        return Key(*key_of_user(arn))
    key, expires = _sessions.get(arn, (None, datetime.now(UTC)))
    return key if key and datetime.now(UTC) < expires else assume(arn)


def assume(role: str) -> Key:
    """The key of a new session of *role*. The administrator assumes it, so its trust policy decides; ClientError."""
    sts = client("sts", settings.REGION, ADMINISTRATORS[account_of(role)])
    made = sts.assume_role(RoleArn=role, RoleSessionName=SESSION_NAME)["Credentials"]
    key = Key(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    _sessions[role] = key, made["Expiration"] - timedelta(minutes=5)
    return key


def account_of(arn: str) -> str:
    """The account in *arn*; the sandbox's own if it is not one of the sandbox's accounts."""
    account = arn.split(":")[4] if arn.count(":") >= 5 else ""
    return account if account in ADMINISTRATORS else settings.ACCOUNT


@lru_cache(64)
def _client(service: str, region: str, url: str, key: Key) -> Any:
    return _session().client(
        service,
        region,
        endpoint_url=url,
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret,
        aws_session_token=key.token,
        config=CONFIG,
    )


@lru_cache(1)
def _session() -> boto3.Session:
    """One for all clients: it reads botocore's files once, and reads long lists fast."""
    core = botocore.session.get_session()
    core.register_component("response_parser_factory", parsers.Factory())
    return boto3.Session(botocore_session=core)
