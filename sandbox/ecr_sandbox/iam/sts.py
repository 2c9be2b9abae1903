"""STS: a session keeps its policies, its tags and its role's id, which moto drops.

Operations that return other kinds of keys are not supported.
Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from typing import Any

import moto.sts.urls
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.iam.models import Role
from moto.sts.exceptions import STSValidationError
from moto.sts.responses import TokenResponse

from ecr_sandbox.errors import not_supported

from . import errors, principals, requests, session_tags
from .api_authorization import sts_requests
from .policy_checks import check_session_policy

NOT_SUPPORTED = ("GetSessionToken", "GetFederationToken", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
MOST_POLICY_ARNS = 10
DEFAULT_DURATION, MAX_CHAINED_DURATION = 3600, 3600  # seconds


class Response(TokenResponse):
    """The API of STS."""

    def call_action(self) -> Any:
        if self._get_action() in NOT_SUPPORTED:
            raise not_supported(f"sts:{self._get_action()}")
        if self._get_param("SerialNumber"):
            raise not_supported(f"sts:{self._get_action()} with MFA")
        return super().call_action()

    def assume_role(self) -> ActionResult:
        role = principals.role(self._get_param("RoleArn"))
        assert role  # authorization has refused a role that does not exist
        self._check(role)
        answer = super().assume_role()
        result: Any = answer.result
        session = result["Credentials"]
        session.role_id = role.id
        session.issued = utcnow()
        session.policy_arns = tuple(self._policy_arns())
        caller = principals.of(self.access_key)
        if identity := self._get_param("SourceIdentity") or caller.context.get("aws:SourceIdentity"):
            session.source_identity = result["SourceIdentity"] = identity
        session.tags = {**self._tags(), **caller.transitive_tags}
        session.transitive_keys = (*caller.transitive_tags, *(self._get_param("TransitiveTagKeys") or []))
        return answer

    def _tags(self) -> dict[str, str]:
        return {tag["Key"]: tag.get("Value", "") for tag in self._get_param("Tags") or []}

    def _policy_arns(self) -> list[str]:
        return [each["arn"] for each in self._get_param("PolicyArns") or []]

    def _check(self, role: Role) -> None:
        seconds = self._get_int_param("DurationSeconds", DEFAULT_DURATION)
        if seconds > int(role.max_session_duration or DEFAULT_DURATION):
            raise STSValidationError(errors.TOO_LONG_FOR_THE_ROLE)
        if self.access_key.startswith("ASIA") and seconds > MAX_CHAINED_DURATION:
            raise STSValidationError(errors.TOO_LONG_FOR_A_CHAIN)
        if policy := self._get_param("Policy"):
            check_session_policy(policy)
        session_tags.check(
            [tag["Key"] for tag in self._get_param("Tags") or []],
            self._get_param("TransitiveTagKeys") or [],
            principals.of(self.access_key).transitive_tags,
        )
        if len(self._policy_arns()) > MOST_POLICY_ARNS:
            raise errors.too_many_policy_arns(MOST_POLICY_ARNS)
        for arn in self._policy_arns():
            if principals.managed(role.account_id, arn) is None:
                raise errors.no_such_policy(arn)


def install() -> None:
    """Replace moto's class by this one, and register what STS needs of IAM. Call it before moto answers anything."""
    requests.register("sts", sts_requests)
    moto.sts.urls.url_paths["{0}/$"] = Response.dispatch
