"""The IAM permissions for API calls and pushes: actions on public repositories, with their tags and policies.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistrypublic.html
"""

from collections.abc import Iterator

from ecr_sandbox.iam import principals
from ecr_sandbox.iam.requests import AuthorizationRequest, Call, resource_tags

from .repositories import Repositories, arn


def authorization_requests(repositories: Repositories, call: Call) -> Iterator[AuthorizationRequest]:
    """All requests that IAM must allow for *call*."""
    given = call.parameters
    names = [name for name in [*(given.get("repositoryNames") or []), given.get("repositoryName")] if name]
    if resource := given.get("resourceArn"):
        names = [str(resource).partition(":repository/")[2]]
    if call.operation == "DescribeRepositories" and not names:
        names = ["*"]
    for name in names:
        yield repository_request(repositories, call.action, call.account, name)
    if not names:
        yield AuthorizationRequest(call.action, "*", call.account)
    if call.operation == "GetAuthorizationToken":
        yield AuthorizationRequest("sts:GetServiceBearerToken", "*", call.account)


def repository_request(repositories: Repositories, action: str, account: str, name: str) -> AuthorizationRequest:
    """*action* on one public repository, with its tags and its policy if it exists."""
    found = repositories.get(account, name)
    tags = resource_tags(found.tags, "ecr-public") if found else {}
    policies = (principals.parsed(found.policy, "repository policy"),) if found and found.policy else ()
    return AuthorizationRequest(action, arn(account, name), account, tags, policies)
