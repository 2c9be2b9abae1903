"""Authorization: may this principal do that? The same answer for the API and for each step of a push or pull.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html; the sentence:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from werkzeug.wrappers import Response

from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Handler, Middleware, Request

from . import evaluate, principals
from .evaluate import Principal, RequestContext
from .requests import AuthorizationRequest, authorization_requests, call_of


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
    facts = circumstances(request, call.region)
    with lock:
        for each in authorization_requests(call):
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
    _permit(who, needed, {"aws:RequestedRegion": region, "aws:SecureTransport": "true", "aws:ViaAWSService": "true"})


def may(who: Principal, needed: AuthorizationRequest, region: str) -> bool:
    """Whether *who* may do what is *needed*, without a request of theirs."""
    try:
        permit_principal(who, needed, region)
    except Denied:
        return False
    return True


def circumstances(request: Request, region: str) -> dict[str, str | tuple[str, ...]]:
    """The condition keys that every request has."""
    return {
        "aws:RequestedRegion": region,
        "aws:SourceIp": request.remote_addr or "127.0.0.1",
        "aws:CurrentTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(time.time())),
        "aws:SecureTransport": "true",  # AWS accepts TLS only; the loopback interface takes its place here
        "aws:UserAgent": request.headers.get("User-Agent", ""),
        "aws:ViaAWSService": "false",
    }


def denied_sentence(who: Principal, needed: AuthorizationRequest, facts: Mapping[str, Any]) -> str | None:
    """AWS's sentence if *who* may not do what is *needed*, None if they may. *facts* are further condition keys."""
    context = RequestContext(
        needed.action,
        needed.resource,
        needed.account,
        {**facts, **needed.facts, "aws:ResourceAccount": needed.account},
    )
    decision = evaluate.decide(who, context, needed.resource_policies, needed.delegated_only)
    if decision.allowed:
        return None
    # About a role AWS does not say which side refused.
    because = "" if needed.delegated_only else f" {decision.because}"
    return f"User: {who.arn} is not authorized to perform: {needed.action} on resource: {needed.resource}{because}"


def _permit(who: Principal, needed: AuthorizationRequest, facts: Mapping[str, Any]) -> None:
    if sentence := denied_sentence(who, needed, facts):
        raise Denied(sentence)
