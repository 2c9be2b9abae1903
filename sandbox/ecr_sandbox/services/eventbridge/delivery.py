"""The job of an event: to take it to the targets of the rules that match it. moto keeps the rules and the targets.

An event that was interrupted on its way is delivered again, under the same id: EventBridge delivers at least once too.
moto's own delivery leaves the account out of the event, does not look whether a rule is enabled, nor at ``Input``.
"""

import sys
from collections.abc import Mapping
from typing import Any

from ecr_sandbox.iam import evaluate, principals
from moto.core.utils import unix_time_millis
from moto.events.models import EventsBackend, Rule, events_backends
from moto.logs.models import logs_backends
from moto.sqs.models import sqs_backends
from moto.utilities.arns import Arn, parse_arn

from .content import content

SERVICES = ("events", "sqs", "logs")
EVENTBRIDGE = "events.amazonaws.com"
Event = Mapping[str, Any]


def deliver(event: Event) -> None:
    """To every target there is for it; to be called inside of a change of what moto keeps of SERVICES."""
    _arrived(events_backends[event["account"]][event["region"]], "default", event)


def _arrived(backend: EventsBackend, bus: str, event: Event) -> None:
    """An event is on a *bus*."""
    for rule in list(backend.describe_event_bus(bus).rules.values()):
        pattern = rule.event_pattern
        if rule.state == "ENABLED" and pattern.get_pattern() and pattern.matches_event(dict(event)):
            for target in rule.targets:
                _send(rule, target, event)


def _send(rule: Rule, target: Mapping[str, Any], event: Event) -> None:
    arn = parse_arn(target["Arn"])
    text = content(target, event, rule.name, rule.arn)
    try:
        if arn.service == "sqs":
            _to_queue(rule, arn, text, target.get("SqsParameters", {}).get("MessageGroupId"))
        elif arn.service == "logs":
            _to_log_group(arn, event["id"], text)
        elif arn.service == "events" and arn.resource_type == "event-bus":
            _arrived(events_backends[arn.account][arn.region], arn.resource_id, event)
        else:
            raise LookupError(f"the sandbox delivers nothing to {arn.service}")
    except Exception as error:  # the queue is gone, for instance; the other targets get theirs
        print(f"An event of rule {rule.name} could not be delivered to {target['Arn']}: {error}", file=sys.stderr)


def _to_queue(rule: Rule, arn: Arn, text: str, group: str | None) -> None:
    """If the queue's policy lets EventBridge send to it: EventBridge user guide, "Amazon SQS permissions"."""
    backend = sqs_backends[arn.account][arn.region]
    policy = principals.parsed(str(backend.get_queue(arn.resource_id).policy), "queue policy")
    who = evaluate.Principal(EVENTBRIDGE, "", frozenset({EVENTBRIDGE}), (), unrestricted=True)
    facts = {"aws:SourceArn": rule.arn, "aws:SourceAccount": rule.account_id}
    queue = f"arn:aws:sqs:{arn.region}:{arn.account}:{arn.resource_id}"
    if not evaluate.decide(
        who, evaluate.RequestContext("sqs:SendMessage", queue, arn.account, facts), (policy,)
    ).allowed:
        raise PermissionError("the policy of the queue does not allow events.amazonaws.com to send to it")
    backend.send_message(queue_name=arn.resource_id, message_body=text, group_id=group)


def _to_log_group(arn: Arn, stream: str, text: str) -> None:
    """A *stream* for each event."""
    group, backend = arn.resource_id.removesuffix(":*"), logs_backends[arn.account][arn.region]
    backend.ensure_log_stream(group, stream)
    backend.put_log_events(group, stream, [{"timestamp": int(unix_time_millis()), "message": text}])
