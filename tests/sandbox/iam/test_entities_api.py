"""Users, groups, roles and managed policies, with real clients: quotas, names, and what prevents a deletion.

Sources of the sentences: ``ecr_sandbox/iam/errors.py``; of the quotas: IAM user guide, ``reference_iam-quotas.html``.
"""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from helpers import settings
from tests.sandbox.iam.permissions import MANAGED, allow, deny, error, policy, refused, trust

DOCUMENT = json.dumps(policy(allow("ecr:*")))
READ_ONLY = MANAGED + "AmazonEC2ContainerRegistryReadOnly"
KINDS = ["user", "group", "role"]


def named(kind: str, name: str) -> dict[str, str]:
    return {f"{kind.title()}Name": name}


@pytest.fixture(scope="module")
def iam(sandbox):
    return sandbox.client("iam")


def make(iam, kind: str) -> str:
    """A new user, group or role; its name."""
    name = f"{kind}-{uuid.uuid4().hex[:8]}"
    more = {"AssumeRolePolicyDocument": trust(settings.ACCOUNT)} if kind == "role" else {}
    getattr(iam, f"create_{kind}")(**named(kind, name), **more)
    return name


def make_policy(iam, document: str = DOCUMENT) -> str:
    return iam.create_policy(PolicyName=f"policy-{uuid.uuid4().hex[:8]}", PolicyDocument=document)["Policy"]["Arn"]


def conflict(call, **parameters) -> str:
    code, status, message = error(call, **parameters)
    assert (code, status) == ("DeleteConflict", 409)
    return message


# A Deny does not disappear with its group or its policy


def test_a_group_with_members_is_not_deleted_and_its_deny_remains(sandbox, iam):
    name, key = sandbox.make_user(policy(allow("ecr:*")))
    group = make(iam, "group")
    iam.put_group_policy(GroupName=group, PolicyName="no", PolicyDocument=json.dumps(policy(deny("ecr:*"))))
    iam.add_user_to_group(GroupName=group, UserName=name)
    assert conflict(iam.delete_group, GroupName=group) == "Cannot delete entity, must remove users from group first."
    assert "with an explicit deny" in refused(sandbox.client(key=key).describe_repositories)
    assert conflict(iam.delete_user, UserName=name) == "Cannot delete entity, must delete access keys first."
    iam.remove_user_from_group(GroupName=group, UserName=name)
    assert conflict(iam.delete_group, GroupName=group) == "Cannot delete entity, must delete policies first."
    iam.delete_group_policy(GroupName=group, PolicyName="no")
    iam.attach_group_policy(GroupName=group, PolicyArn=READ_ONLY)
    assert conflict(iam.delete_group, GroupName=group) == "Cannot delete entity, must detach all policies first."
    iam.detach_group_policy(GroupName=group, PolicyArn=READ_ONLY)
    iam.delete_group(GroupName=group)


@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_that_is_attached_is_not_deleted(iam, kind):
    arn, name = make_policy(iam), make(iam, kind)
    attach, detach = getattr(iam, f"attach_{kind}_policy"), getattr(iam, f"detach_{kind}_policy")
    for _ in range(2):  # the second time nothing changes
        attach(**named(kind, name), PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert conflict(iam.delete_policy, PolicyArn=arn) == "Cannot delete a policy attached to entities."
    detach(**named(kind, name), PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    assert error(iam.get_policy, PolicyArn=arn) == ("NoSuchEntity", 404, f"Policy {arn} was not found.")


@pytest.mark.parametrize("kind", ["user", "role"])
def test_a_policy_that_is_a_boundary_is_not_deleted(iam, kind):
    arn, name = make_policy(iam), make(iam, kind)
    getattr(iam, f"put_{kind}_permissions_boundary")(**named(kind, name), PermissionsBoundary=arn)
    assert conflict(iam.delete_policy, PolicyArn=arn) == "Cannot delete a policy attached to entities."
    getattr(iam, f"delete_{kind}_permissions_boundary")(**named(kind, name))
    iam.delete_policy(PolicyArn=arn)


def test_a_policy_with_versions_is_not_deleted(iam):
    arn = make_policy(iam)
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=DOCUMENT, SetAsDefault=True)
    assert error(iam.create_policy_version, PolicyArn=arn, PolicyDocument=DOCUMENT)[:2] == ("LimitExceeded", 409)
    assert conflict(iam.delete_policy, PolicyArn=arn).startswith("This policy has more than one version.")
    default = "Cannot delete the default version of a policy."
    assert conflict(iam.delete_policy_version, PolicyArn=arn, VersionId="v5") == default
    for version in ("v1", "v2", "v3", "v4"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    for call in (iam.get_policy_version, iam.delete_policy_version, iam.set_default_policy_version):
        missing = f"Policy {arn} version v1 does not exist or is not attachable."
        assert error(call, PolicyArn=arn, VersionId="v1") == ("NoSuchEntity", 404, missing)
    iam.delete_policy(PolicyArn=arn)


def test_a_user_with_a_password_or_an_mfa_device_is_not_deleted(iam):
    name = make(iam, "user")
    iam.create_login_profile(UserName=name, Password="Correct-horse-7")
    assert conflict(iam.delete_user, UserName=name) == "Cannot delete entity, must delete login profile first."
    iam.delete_login_profile(UserName=name)
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName=name, SerialNumber=device, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    assert conflict(iam.delete_user, UserName=name) == "Cannot delete entity, must delete MFA device first."
    iam.deactivate_mfa_device(UserName=name, SerialNumber=device)
    iam.delete_user(UserName=name)


# AWS's managed policies, and those of other accounts


@pytest.mark.parametrize(
    "operation, parameters",
    [
        ("delete_policy", {}),
        ("create_policy_version", {"PolicyDocument": DOCUMENT}),
        ("delete_policy_version", {"VersionId": "v1"}),
        ("set_default_policy_version", {"VersionId": "v1"}),
        ("tag_policy", {"Tags": [{"Key": "a", "Value": "b"}]}),
    ],
)
def test_nobody_can_change_a_managed_policy_of_aws(iam, operation, parameters):
    """IAM user guide, access_policies_managed-vs-inline.html: "You cannot change the permissions defined in AWS managed
    policies"."""
    message = refused(getattr(iam, operation), PolicyArn=READ_ONLY, **parameters)
    assert f"is not authorized to perform: iam:{operation.title().replace('_', '')} on resource: " in message
    assert iam.get_policy(PolicyArn=READ_ONLY)["Policy"]["Arn"] == READ_ONLY
    assert iam.list_entities_for_policy(PolicyArn=READ_ONLY)


def test_a_policy_of_another_account_cannot_be_read(sandbox, iam):
    arn = make_policy(iam)
    other = sandbox.client("iam", key=(settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY))
    for call in (other.get_policy, other.delete_policy):
        assert "is not authorized to perform" in refused(call, PolicyArn=arn)


# Quotas and names


@pytest.mark.parametrize("kind", KINDS)
def test_ten_managed_policies_can_be_attached(iam, kind):
    name, attach = make(iam, kind), getattr(iam, f"attach_{kind}_policy")
    arns = [each["Arn"] for each in iam.list_policies(Scope="AWS", MaxItems=11)["Policies"]]
    for arn in arns[:10]:
        attach(**named(kind, name), PolicyArn=arn)
    expected = ("LimitExceeded", 409, f"Cannot exceed quota for PoliciesPer{kind.title()}: 10")
    assert error(attach, **named(kind, name), PolicyArn=arns[10]) == expected
    attach(**named(kind, name), PolicyArn=arns[0])  # attached already


def test_a_user_is_in_ten_groups_at_most(iam):
    name, groups = make(iam, "user"), [make(iam, "group") for _ in range(11)]
    for group in groups[:10]:
        iam.add_user_to_group(GroupName=group, UserName=name)
    expected = ("LimitExceeded", 409, "Cannot exceed quota for GroupsPerUser: 10")
    assert error(iam.add_user_to_group, GroupName=groups[10], UserName=name) == expected
    iam.add_user_to_group(GroupName=groups[0], UserName=name)


@pytest.mark.parametrize("kind", KINDS)
def test_names_differ_in_more_than_case(iam, kind):
    """IAM user guide, reference_iam-quotas.html: "Names are not distinguished by case". Sentence: ucopacme/aws-orgs#12,
    hashicorp/terraform-provider-aws#20032."""
    name = make(iam, kind).upper()
    more = {"AssumeRolePolicyDocument": trust(settings.ACCOUNT)} if kind == "role" else {}
    expected = ("EntityAlreadyExists", 409, f"{kind.title()} with name {name} already exists.")
    assert error(getattr(iam, f"create_{kind}"), **named(kind, name), **more) == expected


@pytest.mark.parametrize("kind", ["user", "group"])
def test_a_new_name_must_be_free(iam, kind):
    """moto would replace the other user."""
    first, second, update = make(iam, kind), make(iam, kind), getattr(iam, f"update_{kind}")
    expected = ("EntityAlreadyExists", 409, f"{kind.title()} with name {second} already exists.")
    assert error(update, **named(kind, first), **{f"New{kind.title()}Name": second}) == expected
    update(**named(kind, first), **{f"New{kind.title()}Name": f"{first}-2"})
    update(**named(kind, f"{first}-2"), **{f"New{kind.title()}Name": f"{first}-2".upper()})


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing(iam, kind):
    name, get, delete = make(iam, kind), getattr(iam, f"get_{kind}_policy"), getattr(iam, f"delete_{kind}_policy")
    for call in (get, delete):
        missing = f"The {kind} policy with name none cannot be found."
        assert error(call, **named(kind, name), PolicyName="none") == ("NoSuchEntity", 404, missing)
        missing = f"The {kind} with name none cannot be found."
        assert error(call, **named(kind, "none"), PolicyName="none") == ("NoSuchEntity", 404, missing)
    attach = getattr(iam, f"attach_{kind}_policy")
    arn = f"arn:aws:iam::{settings.ACCOUNT}:policy/none-such"
    missing = f"Policy {arn} does not exist or is not attachable."
    assert error(attach, **named(kind, name), PolicyArn=arn) == ("NoSuchEntity", 404, missing)
    invalid = ("InvalidInput", 400, "ARN longpolicynamebutnoarn is not valid.")
    assert error(attach, **named(kind, name), PolicyArn="longpolicynamebutnoarn") == invalid


def test_the_boundary_of_a_role_must_exist(iam):
    arn = f"arn:aws:iam::{settings.ACCOUNT}:policy/none-such"
    missing = ("NoSuchEntity", 404, f"Scope ARN: {arn} does not exist or is not attachable.")
    trusted = {"AssumeRolePolicyDocument": trust(settings.ACCOUNT)}
    assert error(iam.create_role, RoleName="without-boundary", **trusted, PermissionsBoundary=arn) == missing
    assert error(iam.get_role, RoleName="without-boundary")[0] == "NoSuchEntity"
    assert error(iam.put_role_permissions_boundary, RoleName=make(iam, "role"), PermissionsBoundary=arn) == missing


def test_a_service_linked_role_is_made_with_the_permission_on_its_arn(sandbox):
    arn = "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    allow = {"Effect": "Allow", "Action": "iam:CreateServiceLinkedRole", "Resource": arn}
    key = sandbox.make_user({"Version": "2012-10-17", "Statement": [allow]})[1]
    theirs = sandbox.client("iam", key=key)
    assert theirs.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")["Role"]["Arn"] == arn
    with pytest.raises(ClientError, match="AccessDenied"):
        theirs.create_service_linked_role(AWSServiceName="replication.ecr.amazonaws.com")
