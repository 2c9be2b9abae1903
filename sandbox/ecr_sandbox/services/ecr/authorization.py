"""The IAM permissions for API calls, pushes and pulls: actions on repositories, with their tags and policies.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
"""

import re
from collections.abc import Iterator
from typing import Any

import moto.backends

from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.iam import principals
from ecr_sandbox.iam.evaluate import Policy
from ecr_sandbox.iam.pass_role import pass_role
from ecr_sandbox.iam.requests import AuthorizationRequest, Call, Facts, resource_tags
from ecr_sandbox.iam.tagging import facts_of

ACTIONS = {"ListImageReferrers": "ecr:BatchGetImage"}  # operations whose action has another name
SERVICE = "ecr.amazonaws.com"  # to which roles are passed
OF_SETTINGS = ("GetAccountSetting", "PutAccountSetting")
OF_TEMPLATES = ("CreateRepositoryCreationTemplate", "UpdateRepositoryCreationTemplate")
POLICIES_OF_TEMPLATES = {"lifecyclePolicy": "ecr:PutLifecyclePolicy", "repositoryPolicy": "ecr:SetRepositoryPolicy"}


def authorization_requests(call: Call) -> Iterator[AuthorizationRequest]:
    """All requests that IAM must allow for *call*; raises InvalidParameter for an ARN of another Region."""
    action = ACTIONS.get(call.operation, call.action)
    for name in _repository_names(call):
        if name:
            yield repository_request(action, call.account, call.region, str(name))
        elif call.operation == "GetAuthorizationToken":  # identity-based policies alone decide
            yield AuthorizationRequest(action, "*", call.who.account)
        else:
            facts = {"ecr:AccountSetting": str(call.parameters["name"])} if call.operation in OF_SETTINGS else {}
            policies = tuple(_policies(call.account, call.region, ""))
            yield AuthorizationRequest(action, "*", call.account, facts, policies)
    if call.operation in OF_TEMPLATES:
        yield from _template_requests(call)
    if role := call.parameters.get("customRoleArn"):
        yield pass_role(call, str(role), SERVICE)


def _template_requests(call: Call) -> Iterator[AuthorizationRequest]:
    """What the template would do. It is not documented on which resource; here it is every repository it covers."""
    prefix = str(call.parameters.get("prefix") or "")
    covered = "*" if prefix == "ROOT" else f"{prefix.rstrip('/')}/*"
    yield repository_request("ecr:CreateRepository", call.account, call.region, covered)
    for parameter, action in POLICIES_OF_TEMPLATES.items():
        if call.parameters.get(parameter):
            yield repository_request(action, call.account, call.region, covered)


def repository_request(
    action: str, account: str, region: str, name: str, facts: Facts | None = None
) -> AuthorizationRequest:
    """*action* on one private repository, with its tags and the policies that apply to it."""
    resource = f"arn:aws:ecr:{region}:{account}:repository/{name}"
    tags = _tags(account, region, resource)
    policies = tuple(_policies(account, region, name))
    return AuthorizationRequest(action, resource, account, {**tags, **(facts or {})}, policies)


def creation_request(
    account: str, region: str, name: str, tags: Any = None, action: str = "ecr:CreateRepository"
) -> AuthorizationRequest:
    """*action* on a private repository that a push or pull creates with these *tags*."""
    return repository_request(action, account, region, name, facts_of({"tags": tags}))


def _repository_names(call: Call) -> list[Any]:
    """The repositories that *call* names; ``[None]`` if it names none."""
    if arn := str(call.parameters.get("resourceArn") or ""):
        if not re.match(rf"arn:aws:ecr:{re.escape(call.region)}:\d{{12}}:repository/", arn):
            raise InvalidParameter("resourceArn", "Invalid ARN")
        return [arn.partition(":repository/")[2]]
    names = call.parameters.get("repositoryNames") or [call.parameters.get("repositoryName")]
    return ["*"] if call.operation == "DescribeRepositories" and names == [None] else names


def _policies(account: str, region: str, name: str) -> Iterator[Policy]:
    backend = _backend(account, region)
    if backend is None:
        return
    repository = backend.repositories.get(name)
    if repository and repository.policy:
        yield principals.parsed(repository.policy, "repository policy")
    if backend.registry_policy:  # applies to every action; its older scope, V1, can no longer be set
        yield principals.parsed(backend.registry_policy, "registry policy")


def _tags(account: str, region: str, arn: str) -> dict[str, str]:
    backend = _backend(account, region)
    return resource_tags(backend.tagger.get_tag_dict_for_resource(arn), "ecr") if backend is not None else {}


def _backend(account: str, region: str) -> Any:
    if account not in principals.ADMINISTRATORS.values():
        return None
    try:
        return moto.backends.get_backend("ecr")[account][region]
    except KeyError:
        return None
