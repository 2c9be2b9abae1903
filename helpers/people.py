"""The IAM users, roles and policies that this tutorial made, known by their tag; nobody else's is touched.

Source of the order in which things must go: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_remove.html
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from helpers import settings

if TYPE_CHECKING:
    from helpers.lab import Lab


class Kind(NamedTuple):
    """How IAM lists one kind of thing; *field* of the list is what other calls want as *parameter*."""

    word: str
    listed_by: str
    under: str
    field: str
    parameter: str
    tags_by: str
    remove: Callable


def made(lab: "Lab") -> list[str]:
    """``"user demo-pusher"`` and the like: all that carries the tutorial's tag, in every account in reach.

    None where IAM may not be read: who may not look there has made nothing there.
    """
    from botocore.exceptions import ClientError

    try:
        return [f"{kind.word} {_name(found)}" for _, kind, found in _ours(lab)]
    except ClientError:
        return []


def remove(lab: "Lab") -> list[str]:
    """Remove all that carries the tutorial's tag, users and their keys first; what was removed, as ``made`` says it."""
    gone = []
    for iam, kind, found in _ours(lab):
        kind.remove(iam, found[kind.field])
        gone.append(f"{kind.word} {_name(found)}")
    return gone


def neighbour(lab: "Lab") -> str | None:
    """The number of the second account, or None where no profile leads to one."""
    session = _second_account(lab)
    return session.client("sts").get_caller_identity()["Account"] if session else None


def _ours(lab: "Lab") -> Iterator[tuple]:
    for iam in _accounts(lab):
        for kind in KINDS:
            scope = {"Scope": "Local"} if kind.word == "policy" else {}  # not AWS's own
            pages = iam.get_paginator(kind.listed_by).paginate(**scope)
            # Listed to the end before the first is removed.
            for found in [each for page in pages for each in page[kind.under]]:
                if settings.TAG in getattr(iam, kind.tags_by)(**{kind.parameter: found[kind.field]})["Tags"]:
                    yield iam, kind, found


def _accounts(lab: "Lab") -> Iterator:
    """IAM of one's own account and, where a profile leads there, of the second one."""
    yield lab.client("iam")
    second = _second_account(lab)
    if second:
        yield second.client("iam")


def _second_account(lab: "Lab"):
    import boto3

    if settings.OTHER_PROFILE not in boto3.Session().available_profiles:
        return None
    return boto3.Session(profile_name=settings.OTHER_PROFILE, region_name=lab.region)


def _remove_user(iam, name: str) -> None:
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for group in iam.list_groups_for_user(UserName=name)["Groups"]:
        iam.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
    for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    for inline in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=inline)
    iam.delete_user(UserName=name)


def _remove_role(iam, name: str) -> None:
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=inline)
    iam.delete_role(RoleName=name)


def _remove_policy(iam, arn: str) -> None:
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


KINDS = (
    Kind("user", "list_users", "Users", "UserName", "UserName", "list_user_tags", _remove_user),
    Kind("role", "list_roles", "Roles", "RoleName", "RoleName", "list_role_tags", _remove_role),
    Kind("policy", "list_policies", "Policies", "Arn", "PolicyArn", "list_policy_tags", _remove_policy),
)


def _name(found: dict) -> str:
    return next(found[name] for name in ("UserName", "RoleName", "PolicyName") if name in found)
