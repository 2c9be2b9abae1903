"""The API of IAM, with users' permissions boundaries, which moto lacks.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html
"""

import secrets
import string
from typing import Any

import moto.iam.urls
from moto.core.responses import ActionResult, EmptyResult
from moto.core.serialize import never_return, url_encode
from moto.iam.exceptions import ValidationError
from moto.iam.models import SERVICE_NAME_CONVERSION, User
from moto.iam.responses import IamResponse

from . import errors, past, policies_api, requests
from .api_authorization import iam_requests
from .entities_api import EntityOperations
from .simulation_api import SimulationOperations


def _unchanged(text: str) -> str:
    return text


# Every document is URL-encoded, and these two operations return none: API_PolicyVersion.html, ``Document``. The first
# end of a path that fits counts. moto encodes those of GetAccountAuthorizationDetails, except the trust policies.
DOCUMENTS = {
    "CreatePolicyVersionResponse.PolicyVersion.Document": never_return,
    "ListPolicyVersionsResponse.Versions.PolicyVersion.Document": never_return,
    "PolicyVersionList.PolicyVersion.Document": _unchanged,
    "PolicyVersion.Document": url_encode,
    "PolicyDetail.PolicyDocument": _unchanged,
    "PolicyDocument": url_encode,
}
READS = ("Get", "List", "Simulate", "Generate")
USERS_ONLY = ("GetUser", "CreateAccessKey", "ListAccessKeys")


class Response(SimulationOperations, EntityOperations):
    """The API of IAM."""

    RESPONSE_KEY_PATH_TO_TRANSFORMER = {  # noqa: RUF012 (moto's)
        **IamResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER,
        "ListUsersResponse.Users.User.PermissionsBoundary": never_return,
        **DOCUMENTS,
    }

    def call_action(self) -> Any:
        if self._get_action() in USERS_ONLY and not self._get_param("UserName") and self.access_key[:4] == "ASIA":
            no_user = ValidationError("Must specify userName when calling with non-User credentials")
            return self.serialized(ActionResult(no_user))
        if (arn := self._get_param("PolicyArn")) and not arn.startswith("arn:"):
            return self.serialized(ActionResult(errors.invalid_arn(arn)))
        if not self._get_action().startswith(READS):
            past.changing(self.backend)
        return super().call_action()

    def create_user(self) -> ActionResult:
        arn = self._get_param("PermissionsBoundary")
        self._check_boundary()
        answer = super().create_user()
        result: Any = answer.result
        result["User"].id = _user_id()
        if arn:
            _set_boundary(result["User"], arn)
        return answer

    def put_user_permissions_boundary(self) -> ActionResult:
        """Set the policy that limits what the user may do."""
        arn = self._get_param("PermissionsBoundary")
        self._check_boundary()
        _set_boundary(self.backend.get_user(self._get_param("UserName")), arn)
        return EmptyResult()

    def delete_user_permissions_boundary(self) -> ActionResult:
        """Remove the limit; the user's own policies decide."""
        _set_boundary(self.backend.get_user(self._get_param("UserName")), None)
        return EmptyResult()


def _set_boundary(user: User, arn: str | None) -> None:
    boundary = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn} if arn else None
    user.permissions_boundary = boundary


def _user_id() -> str:
    return "AIDA" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(17))


def install() -> None:
    """Replace moto's class by this one, and register what IAM needs of IAM. Call it before moto answers anything."""
    requests.register("iam", iam_requests)
    policies_api.install()
    SERVICE_NAME_CONVERSION["ecs"] = "ECS"  # of the role AWSServiceRoleForECS
    moto.iam.urls.url_paths["{0}/$"] = Response.dispatch
