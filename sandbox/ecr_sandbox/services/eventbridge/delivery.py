"""The job that delivers an event to the targets of the matching rules. moto stores the rules and the targets.

An interrupted delivery is repeated with the same id: EventBridge delivers at least once, too.
moto's own delivery omits the account from the event and ignores a rule's state and a target's ``Input``.
"""

import sys
from collections.abc import Mapping
from typing import Any

from moto.core.utils import unix_time_millis
from moto.events.models import EventsBackend, Rule, events_backends
from moto.logs.models import logs_backends
from moto.sqs.models import sqs_backends
from moto.utilities.arns import Arn, parse_arn

from ecr_sandbox.iam import evaluate, principals

from .content import content

SERVICES = ("events", "sqs", "logs")
EVENTBRIDGE = "events.amazonaws.com"
Event = Mapping[str, Any]


def deliver(event: Event) -> None:
    """Deliver *event* to every target; call it within a change of the state of SERVICES."""
    _match(events_backends[event["account"]][event["region"]], "default", event)


def _match(backend: EventsBackend, bus: str, event: Event) -> None:
    """Apply the rules of *bus* to *event*."""
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
            _match(events_backends[arn.account][arn.region], arn.resource_id, event)
        else:
            raise LookupError(f"the sandbox delivers nothing to {arn.service}")
    except Exception as error:  # for example the queue is gone; the other targets still get the event
        print(f"An event of rule {rule.name} could not be delivered to {target['Arn']}: {error}", file=sys.stderr)


def _to_queue(rule: Rule, arn: Arn, text: str, group: str | None) -> None:
    """The queue's policy must allow EventBridge to send: EventBridge user guide, "Amazon SQS permissions"."""
    backend = sqs_backends[arn.account][arn.region]
    document = backend.get_queue(arn.resource_id).policy
    policies = (principals.parsed(document, "queue policy"),) if document else ()
    who = evaluate.Principal(EVENTBRIDGE, "", frozenset({EVENTBRIDGE}), (), unrestricted=True)
    facts = {"aws:SourceArn": rule.arn, "aws:SourceAccount": rule.account_id}
    queue = f"arn:aws:sqs:{arn.region}:{arn.account}:{arn.resource_id}"
    if not evaluate.decide(
        who, evaluate.RequestContext("sqs:SendMessage", queue, arn.account, facts), policies
    ).allowed:
        raise PermissionError("the policy of the queue does not allow events.amazonaws.com to send to it")
    backend.send_message(queue_name=arn.resource_id, message_body=text, group_id=group)


def _to_log_group(arn: Arn, stream: str, text: str) -> None:
    """Each event gets its own *stream*."""
    group, backend = arn.resource_id.removesuffix(":*"), logs_backends[arn.account][arn.region]
    backend.ensure_log_stream(group, stream)
    backend.put_log_events(group, stream, [{"timestamp": int(unix_time_millis()), "message": text}])
