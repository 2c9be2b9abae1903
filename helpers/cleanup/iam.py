"""The course's IAM users, roles and policies, in both accounts: found by their tag.

Order of deletion: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_remove.html
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from helpers import settings
from helpers.list_all import list_all

from . import kinds
from .kinds import Found, Kind, has_tag

if TYPE_CHECKING:
    from helpers.lab import Lab


def all_kinds(lab: "Lab") -> list[Kind]:
    """Users before roles before policies, first in the learner's account, then in the second one."""
    return [kind for iam in _accounts(lab) for kind in _kinds(iam)]


def made(lab: "Lab") -> list[str]:
    """``["user demo-pusher", …]``: all with the tutorial's tag; LabError if AWS does not list one of the kinds."""
    return kinds.made(all_kinds(lab))


def second_account(lab: "Lab") -> str | None:
    """The number of the second account; None without a profile for one."""
    session = _second_session(lab)
    return session.client("sts").get_caller_identity()["Account"] if session else None


def _kinds(iam: Any) -> list[Kind]:
    return [
        Kind("user", "users", partial(_users, iam)),
        Kind("role", "roles", partial(_roles, iam)),
        Kind("policy", "policies", partial(_policies, iam)),
    ]


def _users(iam: Any) -> Iterator[Found]:
    for name in (each["UserName"] for each in list_all(iam, "list_users", "Users")):
        if has_tag(iam.list_user_tags(UserName=name)["Tags"]):
            yield Found(name, partial(delete_user, iam, name))


def _roles(iam: Any) -> Iterator[Found]:
    for name in (each["RoleName"] for each in list_all(iam, "list_roles", "Roles")):
        if has_tag(iam.list_role_tags(RoleName=name)["Tags"]):
            yield Found(name, partial(delete_role, iam, name))


def _policies(iam: Any) -> Iterator[Found]:
    for each in list_all(iam, "list_policies", "Policies", Scope="Local"):  # without AWS's managed policies
        if has_tag(iam.list_policy_tags(PolicyArn=each["Arn"])["Tags"]):
            yield Found(each["PolicyName"], partial(_delete_policy, iam, each["Arn"]))


def _accounts(lab: "Lab") -> Iterator[Any]:
    """IAM of the learner's account and, if there is a profile for it, of the second one."""
    yield lab.client("iam")
    if second := _second_session(lab):
        yield second.client("iam")


def _second_session(lab: "Lab"):
    import boto3

    if settings.OTHER_PROFILE not in boto3.Session().available_profiles:
        return None
    return boto3.Session(profile_name=settings.OTHER_PROFILE, region_name=lab.region)


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
