"""STS: an assumed role remembers what limits it, which moto drops: policies, tags, the role itself.

What would hand out keys that mean nothing here is refused.
Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

import re
from typing import Any

import moto.sts.urls
from ecr_sandbox.aws.errors import NotInSandbox
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.models import Role
from moto.sts.exceptions import STSValidationError
from moto.sts.responses import TokenResponse

from . import evaluate, principals

NOT_HERE = ("GetSessionToken", "GetFederationToken", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
SHORTEST, DEFAULT, LONGEST_CHAINED = 900, 3600, 3600  # seconds


class Response(TokenResponse):
    """The API of STS."""

    def call_action(self) -> Any:
        if self._get_action() in NOT_HERE:
            return self.serialized(ActionResult(NotInSandbox(f"sts:{self._get_action()}")))
        return super().call_action()

    def assume_role(self) -> ActionResult:
        role = principals.role(self._get_param("RoleArn"))
        assert role  # or the authorize door would have refused
        self._check(role)
        answer = super().assume_role()
        result: Any = answer.result
        session = result["Credentials"]
        session.role_id = role.id
        session.issued = utcnow()
        session.policy_arns = tuple(self._policy_arns())
        session.tags = {tag["Key"]: tag.get("Value", "") for tag in self._get_param("Tags") or []}
        return answer

    def _policy_arns(self) -> list[str]:
        return [each["arn"] for each in self._get_param("PolicyArns") or []]

    def _check(self, role: Role) -> None:
        name, policy = self._get_param("RoleSessionName") or "", self._get_param("Policy")
        seconds = self._get_int_param("DurationSeconds", DEFAULT)
        if not re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII):
            raise STSValidationError(
                f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [\\w+=,.@-]*"
            )
        if seconds < SHORTEST:
            raise STSValidationError(
                f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: "
                "Member must have value greater than or equal to 900"
            )
        if seconds > int(role.max_session_duration or DEFAULT):
            raise STSValidationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        if self.access_key.startswith("ASIA") and seconds > LONGEST_CHAINED:
            raise STSValidationError(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            )
        if policy:
            _check_policy(policy)
        for arn in self._policy_arns():
            if principals.managed(role.account_id, arn) is None:
                raise MalformedPolicyDocument(f"Policy {arn} does not exist or is not attachable.")


def _check_policy(text: str) -> None:
    try:
        evaluate.parse(text)
    except ValueError as error:
        raise MalformedPolicyDocument("This policy contains invalid Json") from error


def install() -> None:
    """Put this class in the place of moto's. To be called before moto answers anything."""
    moto.sts.urls.url_paths["{0}/$"] = Response.dispatch
