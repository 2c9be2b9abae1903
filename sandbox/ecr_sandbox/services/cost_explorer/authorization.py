"""The IAM permissions that a call of Cost Explorer needs.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscostexplorerservice.html
"""

from collections.abc import Iterator

from ecr_sandbox.iam.requests import AuthorizationRequest, Call


def authorization_requests(call: Call) -> Iterator[AuthorizationRequest]:
    """All requests that IAM must allow for *call*."""
    resource = f"arn:aws:ce:{call.region}:{call.account}:/{call.operation}"
    yield AuthorizationRequest(call.action, resource, call.account)
