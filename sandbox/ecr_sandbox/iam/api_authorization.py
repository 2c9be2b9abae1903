"""What the calls of IAM's and STS's own APIs need of IAM.

Source: Service Authorization Reference, pages of IAM and STS
(https://docs.aws.amazon.com/service-authorization/latest/reference/).
"""

from collections.abc import Iterator, Mapping

from . import principals
from .requests import AuthorizationRequest, Call, request_tags, resource_tags

GROUP_MEMBERS = ("AddUserToGroup", "RemoveUserFromGroup")
KEY_CHANGES = ("UpdateAccessKey", "DeleteAccessKey")
# Without a user name these are about the caller, or about the owner of the key that changes.
ABOUT_THE_CALLER = (*KEY_CHANGES, "GetUser", "CreateAccessKey", "ListAccessKeys", "ListMFADevices")


def iam_requests(call: Call) -> Iterator[AuthorizationRequest]:
    """Everything that must be allowed for a *call* of IAM."""
    given, account = call.parameters, call.account
    facts: dict[str, str | tuple[str, ...]] = {}
    if "PolicyArn" in given:
        facts["iam:PolicyARN"] = given["PolicyArn"]
    if "PermissionsBoundary" in given:
        facts["iam:PermissionsBoundary"] = given["PermissionsBoundary"]
    arn, tags = _iam_resource(call)
    facts |= resource_tags(tags, "iam")
    yield AuthorizationRequest(call.action, arn, account, {**facts, **_query_tags(given)})


def sts_requests(call: Call) -> Iterator[AuthorizationRequest]:
    """Everything that must be allowed for a *call* of STS."""
    if call.operation == "GetCallerIdentity":
        return
    if call.operation != "AssumeRole":
        yield AuthorizationRequest(call.action, "*", call.who.account)
        return
    given = call.parameters
    arn = given.get("RoleArn", "")
    role, owner = principals.role(arn), arn.split(":")[4] if arn.count(":") >= 5 else call.who.account
    trust = (principals.trust_policy(role),) if role else ()
    facts: dict[str, str | tuple[str, ...]] = {"sts:RoleSessionName": given.get("RoleSessionName", "")}
    if "ExternalId" in given:
        facts["sts:ExternalId"] = given["ExternalId"]
    facts |= resource_tags({tag["Key"]: tag["Value"] for tag in role.tags or []} if role else {}, "iam")
    tags = _query_tags(given)
    yield AuthorizationRequest(call.action, arn, owner, {**facts, **tags}, trust, delegated_only=True)
    if tags:
        yield AuthorizationRequest("sts:TagSession", arn, owner, {**facts, **tags}, trust, delegated_only=True)


def _iam_resource(call: Call) -> tuple[str, dict[str, str]]:
    """The ARN of what a call of IAM is about, and its tags."""
    given, path = call.parameters, call.parameters.get("Path", "/")
    iam, arn = principals.account(call.account), f"arn:aws:iam::{call.account}:"
    if call.operation in GROUP_MEMBERS or ("GroupName" in given and "UserName" not in given):
        group = iam.groups.get(given.get("GroupName", ""))
        return (group.arn if group else f"{arn}group{path}{given.get('GroupName', '')}"), {}
    if "InstanceProfileName" in given:
        return f"{arn}instance-profile{path}{given['InstanceProfileName']}", {}
    if "RoleName" in given:
        role = next((each for each in list(iam.roles.values()) if each.name == given["RoleName"]), None)
        tags = {tag["Key"]: tag["Value"] for tag in role.tags or []} if role else {}
        return (role.arn if role else f"{arn}role{path}{given['RoleName']}"), tags
    if "UserName" in given or call.operation in ABOUT_THE_CALLER:
        return _user_resource(call)
    if "PolicyArn" in given:
        return given["PolicyArn"], {}
    if "PolicyName" in given:
        return f"{arn}policy{path}{given['PolicyName']}", {}
    prefix = given.get("PathPrefix", "/")
    lists = {"ListUsers": f"{arn}user{prefix}", "ListRoles": f"{arn}role{prefix}", "ListGroups": f"{arn}group{prefix}"}
    return lists.get(call.operation, f"policy path {prefix}" if call.operation == "ListPolicies" else "*"), {}


def _user_resource(call: Call) -> tuple[str, dict[str, str]]:
    given, iam = call.parameters, principals.account(call.account)
    if name := given.get("UserName"):
        user = iam.users.get(name)
        otherwise = f"arn:aws:iam::{call.account}:user{given.get('Path', '/')}{name}"
    else:
        user = principals.owner_of_key(call.account, given.get("AccessKeyId", ""))
        otherwise = call.who.arn
    return (user.arn, iam.tagger.get_tag_dict_for_resource(user.arn)) if user else (otherwise, {})


def _query_tags(given: Mapping[str, str]) -> dict[str, str | tuple[str, ...]]:
    """The condition keys of a call's tags in the query protocol, which writes a list as ``Tags.member.1.Key``."""
    tags, keys = [], []
    number = 1
    while (key := given.get(f"Tags.member.{number}.Key")) is not None:
        tags.append({"Key": key, "Value": given.get(f"Tags.member.{number}.Value", "")})
        number += 1
    number = 1
    while (key := given.get(f"TagKeys.member.{number}")) is not None:
        keys.append(key)
        number += 1
    return request_tags(tags, keys)
