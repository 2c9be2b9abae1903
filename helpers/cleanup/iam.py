"""The course's IAM users, roles and policies: found by their tag.

Order of deletion: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_remove.html
"""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from helpers.list_all import list_all

from . import kinds
from .kinds import Found, Kind, Place, has_tag
from .places import accounts

if TYPE_CHECKING:
    from helpers.lab import Lab


def all_kinds(place: Place) -> list[Kind]:
    """Users before roles before policies."""
    iam = place.client("iam")
    return [
        Kind("user", "users", partial(_users, iam), partial(_user, iam), place),
        Kind("role", "roles", partial(_roles, iam), partial(_role, iam), place),
        Kind("policy", "policies", partial(_policies, iam), partial(_policy, iam, place.account), place),
    ]


def made(lab: "Lab") -> list[str]:
    """``["user demo-pusher", …]``: all with the tutorial's tag; LabError if AWS does not list one of the kinds."""
    return kinds.made(kind for place in accounts(lab) for kind in all_kinds(place))


def _users(iam: Any) -> Iterator[Found]:
    for name in (each["UserName"] for each in list_all(iam, "list_users", "Users")):
        yield from (found for found in _user(iam, name) if found.is_ours)


def _user(iam: Any, name: str) -> Iterator[Found]:
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        tags = iam.list_user_tags(UserName=name)["Tags"]
        yield Found(name, partial(delete_user, iam, name), has_tag(tags))


def _roles(iam: Any) -> Iterator[Found]:
    for name in (each["RoleName"] for each in list_all(iam, "list_roles", "Roles")):
        yield from (found for found in _role(iam, name) if found.is_ours)


def _role(iam: Any, name: str) -> Iterator[Found]:
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        tags = iam.list_role_tags(RoleName=name)["Tags"]
        yield Found(name, partial(delete_role, iam, name), has_tag(tags))


def _policies(iam: Any) -> Iterator[Found]:
    for each in list_all(iam, "list_policies", "Policies", Scope="Local"):  # without AWS's managed policies
        yield from (found for found in _policy_of(iam, each["Arn"]) if found.is_ours)


def _policy(iam: Any, account: str, name: str) -> Iterator[Found]:
    return _policy_of(iam, f"arn:{iam.meta.partition}:iam::{account}:policy/{name}")


def _policy_of(iam: Any, arn: str) -> Iterator[Found]:
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        tags = iam.list_policy_tags(PolicyArn=arn)["Tags"]
        yield Found(arn.rpartition("/")[2], partial(_delete_policy, iam, arn), has_tag(tags))


def delete_user(iam: Any, name: str) -> None:
    """Delete a user with its keys, policies and memberships."""
    for key in list_all(iam, "list_access_keys", "AccessKeyMetadata", UserName=name):
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for group in list_all(iam, "list_groups_for_user", "Groups", UserName=name):
        iam.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
    for policy in list_all(iam, "list_attached_user_policies", "AttachedPolicies", UserName=name):
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    for inline in list_all(iam, "list_user_policies", "PolicyNames", UserName=name):
        iam.delete_user_policy(UserName=name, PolicyName=inline)
    iam.delete_user(UserName=name)


def delete_role(iam: Any, name: str) -> None:
    """Delete a role with its policies."""
    for policy in list_all(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for inline in list_all(iam, "list_role_policies", "PolicyNames", RoleName=name):
        iam.delete_role_policy(RoleName=name, PolicyName=inline)
    iam.delete_role(RoleName=name)


def _delete_policy(iam: Any, arn: str) -> None:
    for version in list_all(iam, "list_policy_versions", "Versions", PolicyArn=arn):
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)
