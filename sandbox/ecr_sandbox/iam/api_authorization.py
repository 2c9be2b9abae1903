"""What the calls of IAM's and STS's own APIs need of IAM.

Source: Service Authorization Reference, pages of IAM and STS
(https://docs.aws.amazon.com/service-authorization/latest/reference/).
"""

import re
from collections.abc import Iterator, Mapping

from moto.iam.models import SERVICE_NAME_CONVERSION

from ecr_sandbox.errors import ApiError

from . import principals
from .authorization import Denied
from .pass_role import pass_role, role_tags
from .requests import AuthorizationRequest, Call, resource_tags
from .tagging import facts_of

ARN = re.compile("arn:[^:]+:[^:]+:[^:]*:[^:]*:.+")  # what AssumeRole accepts: as of ``errors.DUPLICATE_TAGS``
GROUP_MEMBERS = ("AddUserToGroup", "RemoveUserFromGroup")
KEY_CHANGES = ("UpdateAccessKey", "DeleteAccessKey")
# Without a user name these are about the caller, or about the owner of the key that changes.
ABOUT_THE_CALLER = (*KEY_CHANGES, "GetUser", "CreateAccessKey", "ListAccessKeys", "ListMFADevices")
# The operations whose condition key iam:PermissionsBoundary is the boundary that the user or role already has. Of those
# that set one, it is the boundary in the call.
OF_THE_BOUNDED = re.compile("(Attach|Detach|Put|Delete)(User|Role)Policy|Delete(User|Role)PermissionsBoundary")


def iam_requests(call: Call) -> Iterator[AuthorizationRequest]:
    """Everything that must be allowed for a *call* of IAM."""
    given = call.parameters
    facts: dict[str, str | tuple[str, ...]] = {}
    if "PolicyArn" in given:
        facts["iam:PolicyARN"] = given["PolicyArn"]
    if boundary := _boundary(call):
        facts["iam:PermissionsBoundary"] = boundary
    if "AWSServiceName" in given:
        facts["iam:AWSServiceName"] = given["AWSServiceName"]
    arn, tags = _iam_resource(call)
    facts |= resource_tags(tags, "iam")
    yield AuthorizationRequest(call.action, arn, _owner(call, arn), facts)
    if call.operation == "AddRoleToInstanceProfile":
        yield pass_role(call, _role_arn(call)[0], "ec2.amazonaws.com", arn)


def _owner(call: Call, arn: str) -> str:
    """The account that owns the resource *arn*. Everybody may read and attach AWS's managed policies, and nobody may
    change them (IAM user guide, "AWS managed policies")."""
    parts = arn.split(":")
    if len(parts) < 6 or not parts[5].startswith("policy/") or not parts[4]:
        return call.account
    return call.account if parts[4] == "aws" and call.operation.startswith(("Get", "List")) else parts[4]


def sts_requests(call: Call) -> Iterator[AuthorizationRequest]:
    """Everything that must be allowed for a *call* of STS."""
    if call.operation == "GetCallerIdentity":
        return
    if call.operation != "AssumeRole":
        yield AuthorizationRequest(call.action, "*", call.who.account)
        return
    given = call.parameters
    arn = given.get("RoleArn", "")
    if not ARN.fullmatch(arn):
        raise ApiError("ValidationError", "ValidationError", f"{arn} is invalid", query_status=400)
    role, owner = principals.role(arn), arn.split(":")[4]
    trust = (principals.trust_policy(role),) if role else ()
    identity = _source_identity(call, arn)
    tags = facts_of(given)
    facts = {**_facts_of_session(given, identity), **role_tags(arn), **tags}
    actions = [call.action]
    actions += ["sts:TagSession"] if tags or call.who.transitive_tags else []
    actions += ["sts:SetSourceIdentity"] if identity else []
    for action in actions:
        yield AuthorizationRequest(action, arn, owner, facts, trust, delegated_only=True)


def _facts_of_session(given: Mapping[str, str], identity: str) -> dict[str, str | tuple[str, ...]]:
    """The condition keys of STS for a call of AssumeRole with these parameters."""
    facts: dict[str, str | tuple[str, ...]] = {"sts:RoleSessionName": given.get("RoleSessionName", "")}
    if "ExternalId" in given:
        facts["sts:ExternalId"] = given["ExternalId"]
    if identity:
        facts["sts:SourceIdentity"] = identity
    if transitive := tuple(value for name, value in given.items() if name.startswith("TransitiveTagKeys.member.")):
        facts["sts:TransitiveTagKeys"] = transitive
    return facts


def _source_identity(call: Call, role: str) -> str:
    """The source identity that the new session gets; raises Denied if it would replace the one of the caller.

    IAM user guide, id_credentials_temp_control-access_monitor.html: it "persists when a role is used to assume another
    role" and "cannot be changed"; the trust policies of all these roles must allow sts:SetSourceIdentity.
    """
    own, given = str(call.who.context.get("aws:SourceIdentity", "")), str(call.parameters.get("SourceIdentity", ""))
    if own and given and own != given:
        raise Denied(f"User: {call.who.arn} is not authorized to perform: sts:SetSourceIdentity on resource: {role}")
    return own or given


def _boundary(call: Call) -> str:
    """The ARN that the condition key iam:PermissionsBoundary has for *call*; empty if it has none."""
    if not OF_THE_BOUNDED.fullmatch(call.operation):
        return str(call.parameters.get("PermissionsBoundary", ""))
    user, role = call.parameters.get("UserName", ""), call.parameters.get("RoleName", "")
    iam = principals.account(call.account)
    bounded = iam.users.get(user) or next((each for each in iam.roles.values() if each.name == role), None)
    return str((getattr(bounded, "permissions_boundary", None) or {}).get("PermissionsBoundaryArn", ""))


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
        return _role_arn(call)
    if service := given.get("AWSServiceName"):
        first = service.partition(".")[0]
        name = f"AWSServiceRoleFor{SERVICE_NAME_CONVERSION.get(first, first)}"
        return f"{arn}role/aws-service-role/{service}/{name}", {}
    if "UserName" in given or call.operation in ABOUT_THE_CALLER:
        return _user_resource(call)
    if arn_given := given.get("PolicyArn") or given.get("PolicySourceArn"):
        return arn_given, {}
    if "PolicyName" in given:
        return f"{arn}policy{path}{given['PolicyName']}", {}
    prefix = given.get("PathPrefix", "/")
    lists = {"ListUsers": f"{arn}user{prefix}", "ListRoles": f"{arn}role{prefix}", "ListGroups": f"{arn}group{prefix}"}
    return lists.get(call.operation, f"policy path {prefix}" if call.operation == "ListPolicies" else "*"), {}


def _role_arn(call: Call) -> tuple[str, dict[str, str]]:
    given = call.parameters
    roles = list(principals.account(call.account).roles.values())
    role = next((each for each in roles if each.name == given["RoleName"]), None)
    otherwise = f"arn:aws:iam::{call.account}:role{given.get('Path', '/')}{given['RoleName']}"
    return (role.arn, {tag["Key"]: tag["Value"] for tag in role.tags or []}) if role else (otherwise, {})


def _user_resource(call: Call) -> tuple[str, dict[str, str]]:
    given, iam = call.parameters, principals.account(call.account)
    if name := given.get("UserName"):
        user = iam.users.get(name)
        otherwise = f"arn:aws:iam::{call.account}:user{given.get('Path', '/')}{name}"
    else:
        user = principals.owner_of_key(call.account, given.get("AccessKeyId", ""))
        otherwise = call.who.arn
    return (user.arn, iam.tagger.get_tag_dict_for_resource(user.arn)) if user else (otherwise, {})
