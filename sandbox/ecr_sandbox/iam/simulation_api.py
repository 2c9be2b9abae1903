"""IAM's operations SimulatePrincipalPolicy and SimulateCustomPolicy.

Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html and
API_SimulateCustomPolicy.html; for the sentences ``errors.py``. They do not know policies of organizations, policies to
exclude, and the scenarios of EC2.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.exceptions import InvalidInput, NoSuchEntity
from moto.iam.models import Role
from moto.iam.responses import IamResponse

from ecr_sandbox.errors import not_supported

from . import errors, evaluate, principals, simulation
from .policy_checks import check_resource_policy, check_simulated_policy
from .simulation import ANY, Simulation, Source

NOT_SUPPORTED = ("PolicyExclusionList", "ResourceHandlingOption", "OrderedOrganizationPolicyInputList")
ENTITY = re.compile(r"arn:[^:]+:iam::\d{12}:(user|group|role)/(?:.*/)?([^/]+)")
ARN = re.compile(r"arn:[^:]+:[^:]+:[^:]*:[^:]*:.+", re.DOTALL)
OWNER = re.compile(r"(?:arn:[^:]+:iam::)?(\d{12})(?::root)?")
PAGE = 100


class SimulationOperations(IamResponse):
    """The two operations; both only read."""

    def simulate_principal_policy(self) -> ActionResult:
        self._check()
        entity = self._entity(self._get_param("PolicySourceArn"))
        who, kind = principals.entity(entity[0]), entity[0]
        if self._get_param("ResourcePolicy") and isinstance(kind, Role):
            raise InvalidInput(errors.NO_RESOURCE_POLICY_OF_ROLE)
        sources = [source for holder in entity for source in _sources(holder)]
        if caller := self._get_param("CallerArn"):
            of_caller = principals.entity(self._entity(caller)[0])
            who = replace(of_caller, boundary=who.boundary)
        return self._answer(who, [*sources, *self._given("PolicyInputList")])

    def simulate_custom_policy(self) -> ActionResult:
        self._check()
        if caller := self._get_param("CallerArn"):
            who = replace(principals.entity(self._entity(caller)[0]), boundary=None)
        elif self._get_param("ResourcePolicy"):
            raise InvalidInput(errors.NO_CALLER)
        else:
            arn = f"arn:aws:iam::{self.current_account}:root"
            who = evaluate.Principal(arn, self.current_account, frozenset({arn}), ())
        return self._answer(who, self._given("PolicyInputList"))

    def _check(self) -> None:
        """Raises what is wrong with the parameters that both operations have."""
        for name in NOT_SUPPORTED:
            if self._get_param(name):
                raise not_supported(f"iam:{self._get_action()} with {name}")
        for action in self._get_param("ActionNames"):
            if not re.fullmatch("[^:]+:.+", action):
                raise errors.invalid_action(action)
        for resource in self._resources():
            if resource != ANY and not ARN.fullmatch(resource):
                raise errors.invalid_resource(resource)
        if len(self._get_param("PermissionsBoundaryPolicyInputList") or []) > 1:
            raise InvalidInput(errors.ONE_BOUNDARY)

    def _resources(self) -> list[str]:
        return self._get_param("ResourceArns") or [ANY]

    def _entity(self, arn: str) -> list[Any]:
        """The user with its groups, the group or the role of this ARN."""
        found = ENTITY.fullmatch(arn)
        if not found:
            raise errors.no_entity_arn(arn)
        mine = arn.split(":")[4] == self.current_account
        if not mine or not (holders := principals.holders(arn)):
            raise NoSuchEntity(f"The {found[1]} with name {found[2]} cannot be found.")
        return holders

    def _given(self, parameter: str) -> list[Source]:
        """The policies that a parameter has as texts: ``PolicyInputList.1``…"""
        texts = self._get_param(parameter) or []
        for text in texts:
            check_simulated_policy(text)
        named = ((f"{parameter}.{number}", text) for number, text in enumerate(texts, 1))
        return [Source(name, text, principals.parsed(text, name, complete_arns=True)) for name, text in named]

    def _answer(self, who: evaluate.Principal, sources: Sequence[Source]) -> ActionResult:
        """The page of results for *who* with the policies of *sources*, and with those of the call."""
        if boundary := self._given("PermissionsBoundaryPolicyInputList"):
            who = replace(who, boundary=boundary[0].policy)
        if text := self._get_param("ResourcePolicy"):
            check_resource_policy(text)
            sources = [*sources, Source("ResourcePolicy", text, principals.parsed(text), of_resource=True)]
        who = replace(who, identity=tuple(each.policy for each in sources if not each.of_resource))
        asked = Simulation(who, sources, dict(self._context()), self._owner() or who.account)
        actions = list(dict.fromkeys(self._get_param("ActionNames")))
        start, size = self._marker(), self._get_int_param("MaxItems", PAGE)
        resources = self._resources()
        answer: dict[str, Any] = {
            "EvaluationResults": [
                simulation.result(asked, action, resources) for action in actions[start : start + size]
            ],
            "IsTruncated": start + size < len(actions),
        }
        return ActionResult(answer | ({"Marker": str(start + size)} if answer["IsTruncated"] else {}))

    def _context(self) -> Iterator[tuple[str, str | tuple[str, ...]]]:
        for entry in self._get_param("ContextEntries") or []:
            values = tuple(entry.get("ContextKeyValues") or ())
            is_list = entry.get("ContextKeyType", "").endswith("List") or len(values) != 1
            yield entry.get("ContextKeyName", ""), values if is_list else values[0]

    def _owner(self) -> str:
        """The account that owns resources without one in their ARN; empty if the call has none."""
        owner = self._get_param("ResourceOwner") or ""
        found = OWNER.fullmatch(owner)
        if owner and not found:
            raise errors.invalid_owner(owner)
        return found[1] if found else ""

    def _marker(self) -> int:
        marker = self._get_param("Marker") or "0"
        if not re.fullmatch(r"[0-9]{1,9}", marker):
            raise InvalidInput(errors.INVALID_MARKER)
        return int(marker)


def _sources(holder: Any) -> Iterator[Source]:
    """The policies of a user, group or role: an inline one is called ``user_alice_NAME``."""
    kind = type(holder).__name__.lower()
    for name, text, is_inline in principals.documents(holder):
        policy = principals.parsed(text, name, complete_arns=True)
        yield Source(f"{kind}_{holder.name}_{name}" if is_inline else name, text, policy)
