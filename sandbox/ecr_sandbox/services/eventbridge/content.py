"""What EventBridge sends to a target: the event, a part of it, a fixed text, or a text with parts of the event.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

VARIABLE = re.compile(r"<([A-Za-z0-9_.-]+)>")


def content(target: Mapping[str, Any], event: Mapping[str, Any], rule: str, rule_arn: str) -> str:
    """The text for *target*, which has PutTargets' fields; *rule* is the name of the matching rule."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(_at(target["InputPath"], event))
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(event)
    values = {name: _at(path, event) for name, path in (transformer.get("InputPathsMap") or {}).items()}
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule,
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }
    return _filled(transformer["InputTemplate"], values)


def _filled(template: str, values: Mapping[str, Any]) -> str:
    """*template* with its variables replaced: by JSON, but inside a JSON string by the plain text."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            return found[0]
        content = values[found[1]]
        quoted = template.count('"', 0, found.start()) % 2 == 1
        return content if quoted and isinstance(content, str) else json.dumps(content)

    return VARIABLE.sub(value, template)


def _at(path: str, event: Any) -> Any:
    """The value at a JSON *path* like ``$.detail.repository-name``, or None."""
    for name in path.removeprefix("$").strip(".").split(".") if path != "$" else ():
        event = event.get(name) if isinstance(event, dict) else None
    return event
