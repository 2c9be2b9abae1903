"""The IAM permissions of a call of Lambda: its action on the function, and ``iam:PassRole`` for its role.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
"""

from collections.abc import Iterator

from ecr_sandbox.iam.pass_role import pass_role
from ecr_sandbox.iam.requests import AuthorizationRequest, Call

SERVICE = "lambda.amazonaws.com"


def authorization_requests(call: Call) -> Iterator[AuthorizationRequest]:
    """All requests that IAM must allow for *call*."""
    name = str(call.parameters.get("FunctionName") or "")
    resource = arn(call.region, call.account, name) if name else str(call.parameters.get("Resource") or "*")
    yield AuthorizationRequest(call.action, resource, call.account)
    if role := str(call.parameters.get("Role") or ""):
        yield pass_role(call, role, SERVICE, resource)


def arn(region: str, account: str, name: str) -> str:
    """The ARN of the function *name*, which may already be an ARN or a partial one."""
    if name.startswith("arn:"):
        return name
    return f"arn:aws:lambda:{region}:{account}:function:{name.rpartition(':function:')[2]}"
