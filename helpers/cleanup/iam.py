"""The course's IAM users, roles and policies, in both accounts: found by their tag, and deleted.

Order of deletion: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_remove.html
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from helpers import settings
from helpers.list_all import list_all

if TYPE_CHECKING:
    from helpers.lab import Lab


def made(lab: "Lab") -> list[str]:
    """``["user demo-pusher", …]``: everything with the tutorial's tag; empty without permission to read IAM."""
    from botocore.exceptions import ClientError

    try:
        return [_label(kind, found) for _, kind, found in _tagged(lab)]
    except ClientError:  # without permission to list, the learner has made nothing here
        return []


def delete(lab: "Lab") -> list[str]:
    """Delete everything with the tutorial's tag, users and their keys first; returns what ``made`` returned before."""
    deleted = []
    for iam, kind, found in _tagged(lab):
        kind.delete(iam, found[kind.key])
        deleted.append(_label(kind, found))
    return deleted


def second_account(lab: "Lab") -> str | None:
    """The number of the second account; None without a profile for one."""
    session = _second_session(lab)
    return session.client("sts").get_caller_identity()["Account"] if session else None


class Kind(NamedTuple):
    """How IAM lists one kind of resource: *key* in the list is the value of *parameter* in other calls."""

    name: str
    list_call: str
    list_name: str
    key: str
    parameter: str
    tags_call: str
    delete: Callable


def _tagged(lab: "Lab") -> Iterator[tuple]:
    for iam in _accounts(lab):
        for kind in KINDS:
            scope = {"Scope": "Local"} if kind.name == "policy" else {}  # without AWS's managed policies
            for found in list_all(iam, kind.list_call, kind.list_name, **scope):
                if settings.TAG in getattr(iam, kind.tags_call)(**{kind.parameter: found[kind.key]})["Tags"]:
                    yield iam, kind, found


def _label(kind: Kind, found: dict) -> str:
    return f"{kind.name} {found[f'{kind.name.title()}Name']}"


def _accounts(lab: "Lab") -> Iterator:
    """IAM of the learner's account and, if there is a profile for it, of the second one."""
    yield lab.client("iam")
    if second := _second_session(lab):
        yield second.client("iam")


def _second_session(lab: "Lab"):
    import boto3

    if settings.OTHER_PROFILE not in boto3.Session().available_profiles:
        return None
    return boto3.Session(profile_name=settings.OTHER_PROFILE, region_name=lab.region)


def _delete_user(iam, name: str) -> None:
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for group in iam.list_groups_for_user(UserName=name)["Groups"]:
        iam.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
    for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    for inline in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=inline)
    iam.delete_user(UserName=name)


def _delete_role(iam, name: str) -> None:
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=inline)
    iam.delete_role(RoleName=name)


def _delete_policy(iam, arn: str) -> None:
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


KINDS = (
    Kind("user", "list_users", "Users", "UserName", "UserName", "list_user_tags", _delete_user),
    Kind("role", "list_roles", "Roles", "RoleName", "RoleName", "list_role_tags", _delete_role),
    Kind("policy", "list_policies", "Policies", "Arn", "PolicyArn", "list_policy_tags", _delete_policy),
)
