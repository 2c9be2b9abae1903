"""What an operation of the API asks of IAM: which actions, on which resources, with which facts.

Source: Service Authorization Reference, pages of Amazon ECR, ECR Public, CloudWatch Logs, IAM, STS and Cost Explorer
(https://docs.aws.amazon.com/service-authorization/latest/reference/).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import moto.backends

from . import principals
from .evaluate import Policy, Principal

Facts = Mapping[str, str | tuple[str, ...]]

OTHER_PREFIX = {"monitoring": "cloudwatch"}
OTHER_ACTION = {"ListImageReferrers": "BatchGetImage"}
GROUP_MEMBERS = ("AddUserToGroup", "RemoveUserFromGroup")
KEY_CHANGES = ("UpdateAccessKey", "DeleteAccessKey")


@dataclass(frozen=True)
class Call:
    """One API call, as far as authorization looks at it."""

    who: Principal
    service: str
    operation: str
    region: str
    account: str
    parameters: Mapping[str, Any]

    @property
    def action(self) -> str:
        prefix = OTHER_PREFIX.get(self.service, self.service)
        return f"{prefix}:{OTHER_ACTION.get(self.operation, self.operation)}"


@dataclass(frozen=True)
class AuthorizationRequest:
    """May the caller do *action* on *resource*, which *account* owns and *resource_policies* guard?"""

    action: str
    resource: str
    account: str
    facts: Facts = field(default_factory=dict)
    resource_policies: Sequence[Policy] = ()
    delegated_only: bool = False


def authorization_requests(call: Call) -> Iterable[AuthorizationRequest]:
    """Everything that must be allowed for *call*; nothing when everybody may."""
    known = {"ecr": _ecr, "ecr-public": _ecr_public, "ecs": _ecs, "iam": _iam, "lambda": _lambda, "logs": _logs}
    return {**known, "sts": _sts}.get(call.service, _other)(call)


def repository_request(
    action: str, account: str, region: str, name: str, facts: Facts | None = None
) -> AuthorizationRequest:
    """*action* on one private repository, with its tags and the policies that guard it."""
    resource = f"arn:aws:ecr:{region}:{account}:repository/{name}"
    tags = _ecr_tags(account, region, resource)
    guards = tuple(_ecr_policies(account, region, name))
    return AuthorizationRequest(action, resource, account, {**tags, **(facts or {})}, guards)


def log_arn(region: str, account: str, group: str, stream: str = "") -> str:
    """What CloudWatch Logs calls a stream, or with no *stream* the group."""
    return f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}"


def creation_request(
    account: str, region: str, name: str, tags: Any = None, action: str = "ecr:CreateRepository"
) -> AuthorizationRequest:
    """*action* on a private repository that a push or pull makes, with these *tags*."""
    return repository_request(action, account, region, name, _request_tags(tags))


def _ecr(call: Call) -> Iterator[AuthorizationRequest]:
    names = call.parameters.get("repositoryNames") or [call.parameters.get("repositoryName")]
    if arn := call.parameters.get("resourceArn"):
        names = [str(arn).partition(":repository/")[2]]
    if call.operation == "DescribeRepositories" and names == [None]:
        names = ["*"]
    facts = _request_tags(call.parameters.get("tags"), call.parameters.get("tagKeys"))
    if role := call.parameters.get("customRoleArn"):  # user guide, "Creating a repository creation template"
        yield AuthorizationRequest("iam:PassRole", str(role), call.account)
    for name in names:
        if name:
            yield repository_request(call.action, call.account, call.region, str(name), facts)
        elif call.operation == "GetAuthorizationToken":  # by an identity's policy only
            yield AuthorizationRequest(call.action, "*", call.who.account, facts)
        else:
            guards = tuple(_ecr_policies(call.account, call.region, ""))
            yield AuthorizationRequest(call.action, "*", call.account, facts, guards)


def _ecr_policies(account: str, region: str, name: str) -> Iterator[Policy]:
    backend = _ecr_backend(account, region)
    if backend is None:
        return
    repository = backend.repositories.get(name)
    if repository and repository.policy:
        yield principals.parsed(repository.policy, "repository policy")
    if backend.registry_policy:  # about every action: its older scope, V1, can no longer be set
        yield principals.parsed(backend.registry_policy, "registry policy")


def _ecr_tags(account: str, region: str, arn: str) -> dict[str, str]:
    backend = _ecr_backend(account, region)
    if backend is None:
        return {}
    tags = backend.tagger.get_tag_dict_for_resource(arn)
    return _tag_facts(tags, "ecr")


def _ecr_backend(account: str, region: str) -> Any:
    if account not in principals.ADMINISTRATORS.values():
        return None
    try:
        return moto.backends.get_backend("ecr")[account][region]
    except KeyError:
        return None


def public_repository_request(action: str, account: str, name: str, facts: Facts | None = None) -> AuthorizationRequest:
    """*action* on one public repository, there or not, with its tags and its policy."""
    from ecr_sandbox.services.ecr.backend import Backend
    from ecr_sandbox.services.ecr_public import repositories

    found = repositories.opened(Backend.store, Backend.blobs).get(account, name)
    tags = _tag_facts(found.tags, "ecr-public") if found else {}
    guards = (principals.parsed(found.policy, "repository policy"),) if found and found.policy else ()
    return AuthorizationRequest(action, repositories.arn(account, name), account, {**tags, **(facts or {})}, guards)


def _ecr_public(call: Call) -> Iterator[AuthorizationRequest]:
    named = [*(call.parameters.get("repositoryNames") or []), call.parameters.get("repositoryName")]
    names = [name for name in named if name]
    if arn := call.parameters.get("resourceArn"):
        names = [str(arn).partition(":repository/")[2]]
    if call.operation == "DescribeRepositories" and not names:
        names = ["*"]
    facts = _request_tags(call.parameters.get("tags"), call.parameters.get("tagKeys"))
    for name in names:
        yield public_repository_request(call.action, call.account, name, facts)
    if not names:
        yield AuthorizationRequest(call.action, "*", call.account, facts)
    if call.operation == "GetAuthorizationToken":
        yield AuthorizationRequest("sts:GetServiceBearerToken", "*", call.account)


def _iam(call: Call) -> Iterator[AuthorizationRequest]:
    given, account = call.parameters, call.account
    facts: dict[str, str | tuple[str, ...]] = {}
    if "PolicyArn" in given:
        facts["iam:PolicyARN"] = given["PolicyArn"]
    if "PermissionsBoundary" in given:
        facts["iam:PermissionsBoundary"] = given["PermissionsBoundary"]
    arn, tags = _iam_resource(call)
    facts |= _tag_facts(tags, "iam")
    yield AuthorizationRequest(call.action, arn, account, {**facts, **_query_tags(given)})


def _iam_resource(call: Call) -> tuple[str, dict[str, str]]:
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
    if "UserName" in given or _is_about_oneself(call):
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


def _is_about_oneself(call: Call) -> bool:
    """Without a user name these are about the caller, or about the owner of the key that is to be changed."""
    return call.operation in (*KEY_CHANGES, "GetUser", "CreateAccessKey", "ListAccessKeys", "ListMFADevices")


def _sts(call: Call) -> Iterator[AuthorizationRequest]:
    if call.operation == "GetCallerIdentity":
        return
    if call.operation != "AssumeRole":
        yield AuthorizationRequest(call.action, "*", call.who.account)
        return
    given = call.parameters
    arn = given.get("RoleArn", "")
    role, owner = principals.role(arn), arn.split(":")[4] if arn.count(":") >= 5 else call.who.account
    trust = (principals.parsed(role.assume_role_policy_document, "trust policy"),) if role else ()
    facts: dict[str, str | tuple[str, ...]] = {"sts:RoleSessionName": given.get("RoleSessionName", "")}
    if "ExternalId" in given:
        facts["sts:ExternalId"] = given["ExternalId"]
    facts |= _tag_facts({tag["Key"]: tag["Value"] for tag in role.tags or []} if role else {}, "iam")
    tags = _query_tags(given)
    yield AuthorizationRequest(call.action, arn, owner, {**facts, **tags}, trust, delegated_only=True)
    if tags:
        yield AuthorizationRequest("sts:TagSession", arn, owner, {**facts, **tags}, trust, delegated_only=True)


def _ecs(call: Call) -> Iterable[AuthorizationRequest]:
    from ecr_sandbox.services.ecs.authorization import authorization_requests

    return authorization_requests(call)


def _logs(call: Call) -> Iterator[AuthorizationRequest]:
    """As CloudWatch Logs words its denials: of a group as of a stream without a name."""
    group = call.parameters.get("logGroupName") or call.parameters.get("logGroupIdentifier")
    if not group or str(group).startswith("arn:"):
        yield AuthorizationRequest(call.action, str(group or "*"), call.account)
    else:
        stream = str(call.parameters.get("logStreamName") or "")
        yield AuthorizationRequest(call.action, log_arn(call.region, call.account, str(group), stream), call.account)


def _lambda(call: Call) -> Iterable[AuthorizationRequest]:
    from ecr_sandbox.services.lambda_.authorization import authorization_requests

    return authorization_requests(call)


def _other(call: Call) -> Iterator[AuthorizationRequest]:
    resource = f"arn:aws:{call.service}:{call.region}:{call.account}:/{call.operation}"
    yield AuthorizationRequest(call.action, resource if call.service == "ce" else "*", call.account)


def _tag_facts(tags: Mapping[str, Any], service: str) -> dict[str, str]:
    return {f"{prefix}:ResourceTag/{key}": str(tag) for key, tag in tags.items() for prefix in ("aws", service)}


def _request_tags(tags: Any, keys: Any = None) -> dict[str, str | tuple[str, ...]]:
    """``aws:RequestTag/…`` and ``aws:TagKeys`` of a list of tags, or of the keys of tags to be taken away."""
    given = {str(tag.get("Key")): str(tag.get("Value", "")) for tag in tags or [] if isinstance(tag, dict)}
    names = tuple(given) or tuple(str(key) for key in keys or [])
    return {
        **{f"aws:RequestTag/{key}": value for key, value in given.items()},
        **({"aws:TagKeys": names} if names else {}),
    }


def _query_tags(given: Mapping[str, str]) -> dict[str, str | tuple[str, ...]]:
    """The same from the query protocol, where a list is spelled ``Tags.member.1.Key``."""
    tags, keys = [], []
    number = 1
    while (key := given.get(f"Tags.member.{number}.Key")) is not None:
        tags.append({"Key": key, "Value": given.get(f"Tags.member.{number}.Value", "")})
        number += 1
    number = 1
    while (key := given.get(f"TagKeys.member.{number}")) is not None:
        keys.append(key)
        number += 1
    return _request_tags(tags, keys)
