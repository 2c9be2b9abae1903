"""IAM's rules about users, groups, roles and managed policies that moto lacks: quotas, names, and what must be removed
before an entity is deleted. Without them a Deny could disappear with a group or a policy that is still in use.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html; the operations' pages in
https://docs.aws.amazon.com/IAM/latest/APIReference/; for the sentences ``errors.py``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.exceptions import DeleteConflictException, EntityAlreadyExists, NoSuchEntity
from moto.iam.models import Group, ManagedPolicy, Role, User

from . import errors, principals
from .policies_api import PolicyOperations

MOST_POLICIES = 10  # managed policies attached to one user, group or role
MOST_GROUPS = 10  # of one user


class EntityOperations(PolicyOperations):
    """Operations on users, groups, roles and managed policies."""

    def create_user(self) -> ActionResult:
        self._check_name("User", self._get_param("UserName"))
        return super().create_user()

    def update_user(self) -> ActionResult:
        self._check_name("User", self._get_param("NewUserName"), self._get_param("UserName"))
        return super().update_user()

    def delete_user(self) -> ActionResult:
        user = self.backend.get_user(self._get_param("UserName"))
        _refuse_deletion(
            {
                errors.HAS_ACCESS_KEYS: user.access_keys,
                errors.HAS_GROUPS: [each for each in self.backend.groups.values() if user in each.users],
                errors.HAS_PASSWORD: user.password,
                errors.HAS_MFA: user.mfa_devices,
                errors.HAS_CERTIFICATES: user.signing_certificates,
            }
        )
        return super().delete_user()

    def create_group(self) -> ActionResult:
        self._check_name("Group", self._get_param("GroupName"))
        return super().create_group()

    def update_group(self) -> ActionResult:
        self._check_name("Group", self._get_param("NewGroupName"), self._get_param("GroupName"))
        return super().update_group()

    def delete_group(self) -> ActionResult:
        group = self.backend.get_group(self._get_param("GroupName"))
        _refuse_deletion(
            {
                errors.HAS_GROUPS: group.users,
                errors.HAS_POLICIES: group.managed_policies,
                errors.HAS_INLINE_POLICIES: group.policies,
            }
        )
        return super().delete_group()

    def add_user_to_group(self) -> ActionResult:
        user = self.backend.get_user(self._get_param("UserName"))
        groups = [each.name for each in self.backend.groups.values() if user in each.users]
        if self._get_param("GroupName") not in groups and len(groups) >= MOST_GROUPS:
            raise errors.quota_exceeded("GroupsPerUser", MOST_GROUPS)
        return super().add_user_to_group()

    def create_role(self) -> ActionResult:
        self._check_name("Role", self._get_param("RoleName"))
        self._check_boundary()
        return super().create_role()

    def put_role_permissions_boundary(self) -> ActionResult:
        self.backend.get_role(self._get_param("RoleName"))
        self._check_boundary()
        return super().put_role_permissions_boundary()

    def attach_user_policy(self) -> ActionResult:
        return self._attach("User", self.backend.get_user(self._get_param("UserName")))

    def attach_group_policy(self) -> ActionResult:
        return self._attach("Group", self.backend.get_group(self._get_param("GroupName")))

    def attach_role_policy(self) -> ActionResult:
        return self._attach("Role", self.backend.get_role(self._get_param("RoleName")))

    def delete_policy(self) -> ActionResult:
        policy = self.backend.get_policy(self._get_param("PolicyArn"))
        if any(_uses(each, policy.arn) for each in self._holders()):
            raise DeleteConflictException(errors.POLICY_IN_USE)
        if len(policy.versions) > 1:
            raise DeleteConflictException(errors.POLICY_HAS_VERSIONS)
        return super().delete_policy()

    def get_policy_version(self) -> ActionResult:
        self._check_version()
        return super().get_policy_version()

    def delete_policy_version(self) -> ActionResult:
        self._check_version()
        return super().delete_policy_version()

    def _holders(self) -> Iterable[User | Group | Role]:
        backend = self.backend
        return [*backend.users.values(), *backend.groups.values(), *backend.roles.values()]

    def _attach(self, kind: str, holder: User | Group | Role) -> ActionResult:
        """Attach a policy; nothing changes if it is attached already."""
        arn = self._get_param("PolicyArn")
        policy = self._managed(arn, f"Policy {arn}")
        if arn not in holder.managed_policies:
            if len(holder.managed_policies) >= MOST_POLICIES:
                raise errors.quota_exceeded(f"PoliciesPer{kind}", MOST_POLICIES)
            policy.attach_to(holder)
        return EmptyResult()

    def _managed(self, arn: str, what: str) -> ManagedPolicy:
        found = principals.managed(self.current_account, arn)
        if found is None:
            raise NoSuchEntity(f"{what} {errors.NOT_ATTACHABLE}")
        return found

    def _check_boundary(self) -> None:
        """Raises NoSuchEntity if the call has a permissions boundary that does not exist."""
        if arn := self._get_param("PermissionsBoundary"):
            self._managed(arn, f"Scope ARN: {arn}")

    def _check_version(self) -> None:
        policy, version = self.backend.get_policy(self._get_param("PolicyArn")), self._get_param("VersionId")
        if version not in [each.version_id for each in policy.versions]:
            raise NoSuchEntity(f"Policy {policy.arn} version {version} {errors.NOT_ATTACHABLE}")

    def _check_name(self, kind: str, name: str | None, old: str = "") -> None:
        """Raises EntityAlreadyExists if another entity of the *kind* has this *name*, in whatever case."""
        entities = {"User": self.backend.users, "Group": self.backend.groups, "Role": self.backend.roles}[kind]
        names: set[str] = {each.name.lower() for each in entities.values()} - {old.lower()}
        if name and name.lower() in names:
            raise EntityAlreadyExists(f"{kind} with name {name} already exists.")


def _uses(holder: Any, arn: str) -> bool:
    """Whether the policy *arn* is attached to *holder* or limits it."""
    boundary = getattr(holder, "permissions_boundary", None) or {}
    return arn in holder.managed_policies or boundary.get("PermissionsBoundaryArn") == arn


def _refuse_deletion(reasons: Mapping[str, Any]) -> None:
    """Raises DeleteConflictException with the first sentence whose value is not empty."""
    if sentence := next((each for each, there in reasons.items() if there), None):
        raise DeleteConflictException(sentence)
