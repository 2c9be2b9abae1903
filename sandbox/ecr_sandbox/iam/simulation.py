"""What SimulatePrincipalPolicy and SimulateCustomPolicy answer, by the same evaluation as the authorization of calls.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html and its types; for the values of
``SourcePolicyType`` and the names of policies the examples of API_SimulatePrincipalPolicy.html there.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import evaluate
from .evaluate import Principal, RequestContext
from .policy import Policy

ALLOWED, IMPLICIT, EXPLICIT = DECISIONS = ("allowed", "implicitDeny", "explicitDeny")  # each more restrictive
IAM_POLICY, RESOURCE_POLICY = "IAM Policy", "Resource Policy"
LIMIT, LIMITED = "PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary"
ANY = "*"

Result = dict[str, Any]
decoder = json.JSONDecoder()


class Source(NamedTuple):
    """A policy of the simulation: what the answer calls it, and its text."""

    name: str
    text: str
    policy: Policy
    of_resource: bool = False


@dataclass(frozen=True)
class Simulation:
    """Who asks, by which policies, in which circumstances; *owner* owns resources whose ARN has no account."""

    who: Principal
    sources: Sequence[Source]
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    owner: str = ""


def result(simulation: Simulation, action: str, resources: Sequence[str]) -> Result:
    """The ``EvaluationResult`` of *action*: the most restrictive decision about all these resources."""
    each = [_on(simulation, action, resource) for resource in resources]
    decision = max((one["EvalResourceDecision"] for one in each), key=DECISIONS.index)
    decisive = [one for one in each if one["EvalResourceDecision"] == decision]
    found: Result = {
        "EvalActionName": action,
        "EvalResourceName": ANY,
        "EvalDecision": decision,
        "MatchedStatements": _unique(match for one in decisive for match in one["MatchedStatements"]),
        "MissingContextValues": _unique(key for one in each for key in one["MissingContextValues"]),
    }
    if limits := [one[LIMIT] for one in each if LIMIT in one]:
        found[LIMIT] = {LIMITED: all(limit[LIMITED] for limit in limits)}
    if list(resources) != [ANY]:
        details = [one.get("EvalDecisionDetails", {}) for one in each]
        kinds = dict.fromkeys(kind for one in details for kind in one)
        found["EvalDecisionDetails"] = {
            kind: max((one[kind] for one in details if kind in one), key=DECISIONS.index) for kind in kinds
        }
        found["ResourceSpecificResults"] = each
    return found


def spans(text: str) -> list[tuple[int, int]]:
    """Where the statements of a policy begin and end in its *text*; empty if it is not one.

    As AWS's examples show it, one of a list begins after the bracket or comma before it.
    """
    key = re.search(r'"Statement"\s*:\s*', text)
    try:
        if key and text[key.end()] != "[":
            return [(key.end(), decoder.raw_decode(text, key.end())[1])]
        found, start = [], key.end() if key else len(text)
        while text[start] in "[,":
            end = decoder.raw_decode(text, _next(text, start + 1))[1]
            found.append((start + 1, end))
            start = _next(text, end)
    except (ValueError, IndexError):
        return []
    return found


def _next(text: str, start: int) -> int:
    """The place of the next character that is no white space."""
    return len(text) - len(text[start:].lstrip())


def _on(simulation: Simulation, action: str, resource: str) -> Result:
    """The ``ResourceSpecificResult`` of *action* on *resource*."""
    who, sources = simulation.who, simulation.sources
    owner = (resource.split(":")[4] if resource != ANY else "") or simulation.owner
    ask = RequestContext(action, resource, owner, simulation.context)
    of_resource = [each.policy for each in sources if each.of_resource]
    decision = _decision(evaluate.decide(who, ask, of_resource))
    effect = {ALLOWED: "Allow", EXPLICIT: "Deny"}.get(decision, "")
    found: Result = {
        "EvalResourceName": resource,
        "EvalResourceDecision": decision,
        "MatchedStatements": [match for each in sources for match in _matches(each, who, ask, effect)],
        "MissingContextValues": evaluate.missing_context(who, ask, [each.policy for each in sources]),
    }
    if who.account != owner:
        found["EvalDecisionDetails"] = _by_kind(who, ask, of_resource)
    if (allowed := evaluate.allowed_by_boundary(who, ask)) is not None:
        found[LIMIT] = {LIMITED: allowed}
    return found


def _decision(found: evaluate.Decision) -> str:
    return ALLOWED if found.allowed else EXPLICIT if found.is_explicit else IMPLICIT


def _by_kind(who: Principal, ask: RequestContext, of_resource: Sequence[Policy]) -> dict[str, str]:
    """What each kind of policy decides on its own, in a request across accounts."""
    kinds = {IAM_POLICY: (who.identity, False), RESOURCE_POLICY: (of_resource, True)}
    return {kind: _effect(who, ask, *policies) for kind, policies in kinds.items()}


def _effect(who: Principal, ask: RequestContext, policies: Iterable[Policy], of_resource: bool) -> str:
    effects = {
        effect
        for policy in policies
        for effect in ("Allow", "Deny")
        if evaluate.matching(who, ask, policy, effect, of_resource)
    }
    return EXPLICIT if "Deny" in effects else ALLOWED if "Allow" in effects else IMPLICIT


def _matches(source: Source, who: Principal, ask: RequestContext, effect: str) -> list[Result]:
    numbers = evaluate.matching(who, ask, source.policy, effect, source.of_resource)
    places = spans(source.text) if numbers else []
    return [
        {
            "SourcePolicyId": source.name,
            "SourcePolicyType": RESOURCE_POLICY if source.of_resource else IAM_POLICY,
            "StartPosition": _position(source.text, places[number][0]),
            "EndPosition": _position(source.text, places[number][1]),
        }
        for number in numbers
        if number < len(places)
    ]


def _position(text: str, index: int) -> dict[str, int]:
    before = text[:index]
    return {"Line": before.count("\n") + 1, "Column": index - (before.rfind("\n") + 1) + 1}


def _unique(found: Iterable[Any]) -> list[Any]:
    return [json.loads(text) for text in dict.fromkeys(json.dumps(each) for each in found)]
