"""The IAM permissions that a call of CloudWatch Logs needs.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
"""

from collections.abc import Iterator

from ecr_sandbox.aws.arns import log_stream
from ecr_sandbox.iam.pass_role import pass_role
from ecr_sandbox.iam.requests import AuthorizationRequest, Call

SERVICE = "logs.amazonaws.com"  # to which roles are passed


def authorization_requests(call: Call) -> Iterator[AuthorizationRequest]:
    """All requests that IAM must allow for *call*. AWS's denials name a group as a stream without a name."""
    group = str(call.parameters.get("logGroupName") or call.parameters.get("logGroupIdentifier") or "")
    if not group or group.startswith("arn:"):
        yield AuthorizationRequest(call.action, group or "*", call.account)
    else:
        stream = str(call.parameters.get("logStreamName") or "")
        yield AuthorizationRequest(call.action, log_stream(call.region, call.account, group, stream), call.account)
    if role := str(call.parameters.get("roleArn") or ""):
        yield pass_role(call, role, SERVICE)
