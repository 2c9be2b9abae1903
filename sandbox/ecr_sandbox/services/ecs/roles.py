"""The task execution role: ECS assumes it to pull the image and to write the logs.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html; the
session has the task's id: AccessDenied errors in many public logs (``assumed-role/<execution role>/<task id>``).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends

from ecr_sandbox.auth.token import Caller, Tokens
from ecr_sandbox.aws.lazy_services import Services
from ecr_sandbox.iam import principals
from ecr_sandbox.iam.authorization import Denied, denied_sentence
from ecr_sandbox.iam.requests import AuthorizationRequest

SERVICE = "ecs-tasks.amazonaws.com"
SECONDS = 3600


def trusts(role_arn: str, region: str) -> bool:
    """Whether the role exists and ECS may assume it for tasks in *region*."""
    role = principals.role(role_arn)
    if role is None:
        return False
    account = role.account_id
    trust = (principals.trust_policy(role),)
    facts = {"aws:SourceAccount": account, "aws:SourceArn": f"arn:aws:ecs:{region}:{account}:*"}
    request = AuthorizationRequest("sts:AssumeRole", role_arn, account, facts, trust, delegated_only=True)
    return denied_sentence(principals.service(SERVICE, account), request, {}) is None


@contextmanager
def session(services: Services, role_arn: str, name: str, region: str) -> Iterator[AssumedRole]:
    """A session of the role while this context lasts. It is stored: another call's rollback must not undo it."""
    account = role_arn.split(":")[4]
    with services.changing("sts"):
        made = sts_backends[account]["aws"].assume_role(region, name, role_arn, "", SECONDS, "")
        made.role_id = getattr(principals.role(role_arn), "id", "")
    try:
        yield made
    finally:
        with services.changing("sts"):
            state = sts_backends[account]["aws"]
            state.assumed_roles = [each for each in state.assumed_roles if each.access_key_id != made.access_key_id]
            iam_backends[account]["aws"].access_keys.pop(made.access_key_id, None)


def check(made: AssumedRole, request: AuthorizationRequest, region: str) -> None:
    """Return if IAM allows *request* to the session; raises Denied with AWS's sentence."""
    if sentence := denied_sentence(principals.of(made.access_key_id), request, {"aws:RequestedRegion": region}):
        raise Denied(sentence)


def password(tokens: Tokens, made: AssumedRole, region: str) -> str:
    """The password that GetAuthorizationToken gives to the session."""
    return tokens.mint(Caller(made.access_key_id, made.account_id, region))[0]
