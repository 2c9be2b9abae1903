"""``iam:PassRole``: the permission to give a role to a service, which a call needs besides its own action.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
"""

from . import principals
from .requests import AuthorizationRequest, Call, resource_tags


def pass_role(call: Call, role: str, service: str, resource: str = "") -> AuthorizationRequest:
    """What *call* needs to pass the *role* (an ARN) to *service* (``ecs-tasks.amazonaws.com``).

    *resource* is the ARN of what the service uses the role for, if it has one.
    """
    owner = role.split(":")[4] if role.count(":") >= 5 else call.account
    facts: dict[str, str] = {"iam:PassedToService": service, **role_tags(role)}
    if resource:
        facts["iam:AssociatedResourceArn"] = resource
    return AuthorizationRequest("iam:PassRole", role, owner, facts)


def role_tags(role: str) -> dict[str, str]:
    """The condition keys for the tags of the *role* with this ARN."""
    found = principals.role(role)
    return resource_tags({tag["Key"]: tag["Value"] for tag in found.tags or []} if found else {}, "iam")
