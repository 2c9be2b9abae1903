"""What an API call needs of IAM: the actions, resources and condition keys that must be allowed.

Each service says it for its own operations in its ``authorization.py``, which ``app.py`` registers here.
Source: Service Authorization Reference, https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_sandbox.http.middleware import Request

from .evaluate import Policy, Principal

Facts = Mapping[str, str | tuple[str, ...]]

IAM_PREFIXES = {"monitoring": "cloudwatch"}  # signing name -> prefix of the service's actions, where they differ


@dataclass(frozen=True)
class Call:
    """One API call. *service* is the signing name; *account* owns the resources that the call is about."""

    who: Principal
    service: str
    operation: str
    region: str
    account: str
    parameters: Mapping[str, Any]

    @property
    def action(self) -> str:
        return f"{IAM_PREFIXES.get(self.service, self.service)}:{self.operation}"


@dataclass(frozen=True)
class AuthorizationRequest:
    """One *action* on one *resource*, which *account* owns and to which *resource_policies* are attached.

    With *delegated_only* the resource's policies must allow it, as the trust policy of a role must. *instead* is an
    action that is enough in place of *action*.
    """

    action: str
    resource: str
    account: str
    facts: Facts = field(default_factory=dict)
    resource_policies: Sequence[Policy] = ()
    delegated_only: bool = False
    instead: str = ""


RequestsOf = Callable[[Call], Iterable[AuthorizationRequest]]

_registered: dict[str, RequestsOf] = {}


def register(service: str, requests_of: RequestsOf) -> None:
    """Let *requests_of* say what the calls of *service* (a signing name) need."""
    _registered[service] = requests_of


def authorization_requests(call: Call) -> Iterable[AuthorizationRequest]:
    """Everything that must be allowed for *call*; nothing if everybody may make it."""
    return _registered.get(call.service, _on_any_resource)(call)


def call_of(request: Request) -> Call:
    """The call that the middleware ``aws/call.py`` found in *request*."""
    assert isinstance(request.call, Call)
    return request.call


def resource_tags(tags: Mapping[str, Any], service: str) -> dict[str, str]:
    """The condition keys ``aws:ResourceTag/…`` and those of *service* for a resource's *tags*."""
    return {f"{prefix}:ResourceTag/{key}": str(tag) for key, tag in tags.items() for prefix in ("aws", service)}


def _on_any_resource(call: Call) -> Iterator[AuthorizationRequest]:
    yield AuthorizationRequest(call.action, "*", call.account)
