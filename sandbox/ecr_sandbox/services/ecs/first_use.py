"""The first use of ECS in an account: ECS makes its service-linked role, and cannot assume it for a moment.

Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html; the sentence:
https://github.com/awslabs/fargatecli/issues/35; why, and that CreateCluster makes the role:
https://github.com/1Password/scim-examples/issues/356
"""

from moto.iam.models import iam_backends

from ecr_sandbox import delays
from ecr_sandbox.iam.requests import AuthorizationRequest, Call

from . import errors

SERVICE = "ecs.amazonaws.com"
ROLE = "AWSServiceRoleForECS"

_refused: set[str] = set()  # accounts whose first call was refused


def check(account: str) -> None:
    """Make the role at the second call that needs it, and refuse the first; only as slow as AWS. Raises ECSException.

    The first call cannot make it: what a refused call changed is undone.
    """
    if _has_role(account):
        return
    if account not in _refused:
        _refused.add(account)
        raise errors.no_service_linked_role()
    iam_backends[account]["aws"].create_service_linked_role(SERVICE, "", "")


def authorization_request(call: Call) -> AuthorizationRequest | None:
    """What a *call* that makes the role needs of IAM; None if the role exists."""
    if _has_role(call.account):
        return None
    arn = f"arn:aws:iam::{call.account}:role/aws-service-role/{SERVICE}/{ROLE}"
    facts = {"iam:AWSServiceName": SERVICE}
    return AuthorizationRequest("iam:CreateServiceLinkedRole", arn, call.account, facts)


def _has_role(account: str) -> bool:
    roles = iam_backends[account]["aws"].roles.values()
    return not delays.current.ecs_first_use or any(each.name == ROLE for each in list(roles))
