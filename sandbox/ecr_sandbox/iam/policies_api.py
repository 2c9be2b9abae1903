"""IAM's operations on policies: they refuse what IAM refuses, and a trust policy stores unique ids.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html and the other operations there
"""

import moto.iam.models as moto_iam
import moto.iam.policy_validation as moto_validation
from moto.core.responses import ActionResult
from moto.iam.models import Group, User
from moto.iam.responses import IamResponse

from . import errors, principal_names
from .policy_checks import check_inline_policy, check_managed_policy, check_trust_policy


class Role(moto_iam.Role):
    """moto's role, whose trust policy is stored with unique ids and returned with ARNs."""

    @property
    def assume_role_policy_document(self) -> str:
        return principal_names.shown(self.__dict__["assume_role_policy_document"])

    @assume_role_policy_document.setter
    def assume_role_policy_document(self, text: str) -> None:
        self.__dict__["assume_role_policy_document"] = principal_names.stored(text)


class PolicyOperations(IamResponse):
    """A missing user, group, role or policy is an error before a malformed document."""

    def create_policy(self) -> ActionResult:
        check_managed_policy(self._document())
        return super().create_policy()

    def create_policy_version(self) -> ActionResult:
        self.backend.get_policy(self._get_param("PolicyArn"))
        check_managed_policy(self._document())
        return super().create_policy_version()

    def put_user_policy(self) -> ActionResult:
        self._check_inline_policy("user", self.backend.get_user(self._get_param("UserName")))
        return super().put_user_policy()

    def put_group_policy(self) -> ActionResult:
        self._check_inline_policy("group", self.backend.get_group(self._get_param("GroupName")))
        return super().put_group_policy()

    def put_role_policy(self) -> ActionResult:
        self._check_inline_policy("role", self.backend.get_role(self._get_param("RoleName")))
        return super().put_role_policy()

    def get_user_policy(self) -> ActionResult:
        self._check_inline_policy_exists("user", self.backend.get_user(self._get_param("UserName")))
        return super().get_user_policy()

    def get_group_policy(self) -> ActionResult:
        self._check_inline_policy_exists("group", self.backend.get_group(self._get_param("GroupName")))
        return super().get_group_policy()

    def get_role_policy(self) -> ActionResult:
        self._check_inline_policy_exists("role", self.backend.get_role(self._get_param("RoleName")))
        return super().get_role_policy()

    def delete_user_policy(self) -> ActionResult:
        self._check_inline_policy_exists("user", self.backend.get_user(self._get_param("UserName")))
        return super().delete_user_policy()

    def delete_group_policy(self) -> ActionResult:
        self._check_inline_policy_exists("group", self.backend.get_group(self._get_param("GroupName")))
        return super().delete_group_policy()

    def delete_role_policy(self) -> ActionResult:
        self._check_inline_policy_exists("role", self.backend.get_role(self._get_param("RoleName")))
        return super().delete_role_policy()

    def create_role(self) -> ActionResult:
        check_trust_policy(self._document("AssumeRolePolicyDocument"))
        return super().create_role()

    def update_assume_role_policy(self) -> ActionResult:
        self.backend.get_role(self._get_param("RoleName"))
        check_trust_policy(self._document())
        return super().update_assume_role_policy()

    def _check_inline_policy(self, kind: str, holder: User | Group | moto_iam.Role) -> None:
        replaced = self._get_param("PolicyName")
        others = [text for name, text in holder.policies.items() if name != replaced]
        check_inline_policy(self._document(), kind, holder.name, others)

    def _check_inline_policy_exists(self, kind: str, holder: User | Group | moto_iam.Role) -> None:
        name = self._get_param("PolicyName")
        if name not in holder.policies:
            raise errors.inline_policy_missing(kind, name)

    def _document(self, parameter: str = "PolicyDocument") -> str:
        return self._get_param(parameter) or ""


class _Checked:
    """In the place of moto's validators, which refuse more than IAM: the operations have checked the document."""

    def __init__(self, document: str):
        """moto gives the document."""

    def validate(self) -> None:
        """Accept it."""


def install() -> None:
    """Replace moto's class, validators and table by these. Call it before moto answers anything."""
    moto_validation.VALID_RESOURCE_PATH_STARTING_VALUES["iam"] = errors.IAM_RESOURCES
    moto_iam.Role = Role
    moto_iam.NotFoundException = errors.NotFound
    moto_iam.IAMPolicyDocumentValidator = _Checked
    moto_iam.IAMTrustPolicyDocumentValidator = _Checked
