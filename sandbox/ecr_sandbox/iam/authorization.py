"""Middleware 4: may this principal do that? The same answer for the API and for each step of a push or pull.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html; the sentence:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ecr_sandbox.aws import dispatch, errors
from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.http.middleware import Handler, Middleware, Request
from werkzeug.wrappers import Response

from . import evaluate, principals
from .evaluate import Principal, RequestContext
from .requests import AuthorizationRequest, Call, authorization_requests


class Denied(Exception):
    """IAM says no; the message is AWS's sentence."""


def authorize(lock: AbstractContextManager[Any]) -> Middleware:
    """The door that refuses an API call which the principal's policies, or the resource's, do not allow.

    Policies are moto's, so they are read under its *lock*.
    """
    return partial(_authorize, lock)


def _authorize(lock: AbstractContextManager[Any], request: Request, call_next: Handler) -> Response:
    who = request.principal
    assert who is not None  # the signature door has seen to that
    service, region = dispatch.service_of(request), dispatch.region_of(request)
    parameters = dispatch.parameters_of(request)
    if service == "ecr" and _is_of_another_region(str(parameters.get("resourceArn") or ""), region):
        return dispatch.refuse(request, InvalidParameter("resourceArn", "Invalid ARN"))
    call = Call(who, service, dispatch.operation_of(request), region, dispatch.account_of(request), parameters)
    facts = circumstances(request, region)
    try:
        with lock:
            for question in authorization_requests(call):
                _permit(who, question, facts)
    except Denied as no:
        return dispatch.refuse(request, errors.access_denied(str(no)))
    return call_next(request)


def permit(request: Request, question: AuthorizationRequest, region: str) -> None:
    """Return if the caller of *request*, made in *region*, may do what is asked; raises Denied with AWS's sentence."""
    assert request.principal is not None
    _permit(request.principal, question, circumstances(request, region))


def permit_service(account: str, question: AuthorizationRequest, region: str) -> None:
    """The same for ECR itself, which acts for *account* by its service-linked role: other accounts are to be asked."""
    permit_principal(principals.root(account), question, region)


def permit_principal(who: Principal, question: AuthorizationRequest, region: str) -> None:
    """The same for *who*, for whom ECR acts, without a request of their own."""
    _permit(who, question, {"aws:RequestedRegion": region, "aws:SecureTransport": "true", "aws:ViaAWSService": "true"})


def may(who: Principal, question: AuthorizationRequest, region: str) -> bool:
    """Whether *who* may do what is asked, without a request of their own."""
    try:
        permit_principal(who, question, region)
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
        "aws:SecureTransport": "true",  # AWS speaks TLS only; here the loopback takes its place
        "aws:UserAgent": request.headers.get("User-Agent", ""),
        "aws:ViaAWSService": "false",
    }


def denied_sentence(who: Principal, question: AuthorizationRequest, facts: Mapping[str, Any]) -> str | None:
    """AWS's sentence if *who* may not do what is asked, with *facts* besides the question's; None if they may."""
    ask = RequestContext(
        question.action,
        question.resource,
        question.account,
        {**facts, **question.facts, "aws:ResourceAccount": question.account},
    )
    decision = evaluate.decide(who, ask, question.resource_policies, question.delegated_only)
    if decision.allowed:
        return None
    # About a role AWS does not say which side refused.
    because = "" if question.delegated_only else f" {decision.because}"
    return f"User: {who.arn} is not authorized to perform: {question.action} on resource: {question.resource}{because}"


def _permit(who: Principal, question: AuthorizationRequest, facts: Mapping[str, Any]) -> None:
    if sentence := denied_sentence(who, question, facts):
        raise Denied(sentence)


def _is_of_another_region(arn: str, region: str) -> bool:
    return bool(arn) and not re.match(rf"arn:aws:ecr:{re.escape(region)}:\d{{12}}:repository/", arn)
