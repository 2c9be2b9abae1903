"""Authorization: may this principal do that? The same answer for the API and for each step of a push or pull.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html; the sentence:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from werkzeug.wrappers import Response

from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Handler, Middleware, Request

from . import decision_log, evaluate, principals, refusals
from .evaluate import Decision, Principal, RequestContext
from .requests import AuthorizationRequest, authorization_requests, call_of
from .tagging import with_tags

LOOPBACK = "127.0.0.1"
FROM_HEADERS = {"aws:UserAgent": "User-Agent", "aws:Referer": "Referer"}
# "aws:RequestedRegion" of global services. AWS's page on global keys says it of IAM; Cost Explorer has one endpoint.
REGION_OF_SERVICE = {"iam": "us-east-1", "ce": "us-east-1"}


class Denied(ApiError):
    """Access denied; the message is AWS's sentence."""

    def __init__(self, message: str):
        super().__init__("AccessDeniedException", "AccessDenied", message)


def authorize(lock: AbstractContextManager[Any]) -> Middleware:
    """Middleware that raises Denied for a call that the principal's policies, or the resource's, do not allow.

    The policies are moto's, so they are read under moto's *lock*.
    """
    return partial(_authorize, lock)


def _authorize(lock: AbstractContextManager[Any], request: Request, call_next: Handler) -> Response:
    call = call_of(request)
    facts = circumstances(request, REGION_OF_SERVICE.get(call.service, call.region))
    with lock:
        for each in with_tags(call, [*authorization_requests(call)]):
            _permit(call.who, each, facts)
    return call_next(request)


def permit(request: Request, needed: AuthorizationRequest, region: str) -> None:
    """Return if the principal of *request*, made in *region*, may do what is *needed*; raises Denied."""
    _permit(principals.of_request(request), needed, circumstances(request, region))


def permit_service(account: str, needed: AuthorizationRequest, region: str) -> None:
    """The same for ECR itself, which acts for *account* by its service-linked role.

    The account's own policies allow it everything; those of other accounts must allow it.
    """
    permit_principal(principals.root(account), needed, region)


def permit_principal(who: Principal, needed: AuthorizationRequest, region: str) -> None:
    """The same for *who*, for whom ECR acts without a request of theirs."""
    _permit(who, needed, _by_service(region))


def may(who: Principal, needed: AuthorizationRequest, region: str) -> bool:
    """Whether *who* may do what is *needed*, without a request of theirs."""
    return denied_sentence(who, needed, _by_service(region)) is None


def circumstances(request: Request, region: str) -> dict[str, str | tuple[str, ...]]:
    """The condition keys that describe *request*, made in *region*.

    Those of networks, organizations, federation, MFA and calls by other services are missing, as they are on AWS
    without these. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    return {
        **at_this_machine(region),
        "aws:SourceIp": request.remote_addr or LOOPBACK,
        **{key: value for key, name in FROM_HEADERS.items() if (value := request.headers.get(name))},
    }


def at_this_machine(region: str) -> dict[str, str | tuple[str, ...]]:
    """The condition keys of a request from this machine, whatever it asks for."""
    return {**_always(region), "aws:SourceIp": LOOPBACK, "aws:ViaAWSService": "false"}


def _by_service(region: str) -> dict[str, str | tuple[str, ...]]:
    return {**_always(region), "aws:ViaAWSService": "true"}


def _always(region: str) -> dict[str, str | tuple[str, ...]]:
    return {
        "aws:RequestedRegion": region,
        "aws:CurrentTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(time.time())),
        "aws:SecureTransport": "true",  # AWS accepts TLS only; the loopback interface takes its place here
    }


def denied_sentence(who: Principal, needed: AuthorizationRequest, facts: Mapping[str, Any]) -> str | None:
    """AWS's sentence if *who* may not do what is *needed*, None if they may. *facts* are further condition keys."""
    decision = _decision(who, needed, facts)
    if needed.instead and not (decision.allowed or decision.is_explicit):
        instead = replace(needed, action=needed.instead, instead="")
        if denied_sentence(who, instead, facts) is None:
            return None
    if decision.allowed:
        return None
    # About a role AWS does not say which side refused.
    because = "" if needed.delegated_only else f" {decision.because}"
    return f"User: {who.arn} is not authorized to perform: {needed.action} on resource: {needed.resource}{because}"


def _decision(who: Principal, needed: AuthorizationRequest, facts: Mapping[str, Any]) -> Decision:
    return evaluate.decide(who, _context(needed, facts), needed.resource_policies, needed.delegated_only)


def _context(needed: AuthorizationRequest, facts: Mapping[str, Any]) -> RequestContext:
    return RequestContext(needed.action, needed.resource, needed.account, {**facts, **needed.facts})


def _permit(who: Principal, needed: AuthorizationRequest, facts: Mapping[str, Any]) -> None:
    sentence = denied_sentence(who, needed, facts)
    decision_log.note(who.arn, needed.action, needed.resource, sentence is None)
    if sentence:
        decided_by = evaluate.denied_by(who, _context(needed, facts), needed.resource_policies)
        refusals.note(who.account, who.arn, needed.action, needed.resource, sentence, decided_by)
        raise Denied(sentence)
