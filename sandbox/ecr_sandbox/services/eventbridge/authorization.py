"""The IAM permissions that a call of EventBridge needs: its action on a rule or a bus, and passing the rule's roles.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
"""

from collections.abc import Iterator

from ecr_sandbox.iam.pass_role import pass_role
from ecr_sandbox.iam.requests import AuthorizationRequest, Call

SERVICE = "events.amazonaws.com"
OF_RULES = ("PutRule", "DescribeRule", "DeleteRule", "EnableRule", "DisableRule")


def authorization_requests(call: Call) -> Iterator[AuthorizationRequest]:
    """All requests that IAM must allow for *call*."""
    given = call.parameters
    resource = _resource(call)
    yield AuthorizationRequest(call.action, resource, call.account)
    targets = given.get("Targets") or []
    for each in (given, *(target for target in targets if isinstance(target, dict))):
        if role := str(each.get("RoleArn") or ""):
            yield pass_role(call, role, SERVICE, resource)


def _resource(call: Call) -> str:
    """The ARN of the rule or the bus that *call* names, or ``*``."""
    given = call.parameters
    if arn := given.get("ResourceARN"):
        return str(arn)
    bus = str(given.get("EventBusName") or "default").rpartition("event-bus/")[2]
    rule = given.get("Rule") or (given.get("Name") if call.operation in OF_RULES else None)
    start = f"arn:aws:events:{call.region}:{call.account}:"
    if rule:
        return f"{start}rule/{rule}" if bus == "default" else f"{start}rule/{bus}/{rule}"
    return f"{start}event-bus/{given['Name']}" if call.operation.endswith("EventBus") and given.get("Name") else "*"
