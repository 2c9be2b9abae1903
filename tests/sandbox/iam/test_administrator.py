"""The administrator is a user whom denials affect, and gets lost permissions back at the next start."""

import json

import pytest

from helpers import settings
from tests.sandbox.iam.permissions import MANAGED, arn_of, deny, policy, refused, sentence

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_AccessPolicyLanguage_Interplay.html:
# an explicit deny overrides every allow, AdministratorAccess too.

ON_HIMSELF = {"UserName": "administrator"}


def test_what_is_denied_to_the_administrator_is_denied(own_sandbox):
    sandbox = own_sandbox.start()
    ecr, iam = sandbox.client(), sandbox.client("iam")
    ecr.create_repository(repositoryName="app")
    no = {"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{settings.ACCOUNT}:user/administrator"}}
    ecr.set_repository_policy(repositoryName="app", policyText=json.dumps(policy({**no, "Action": "ecr:ListImages"})))
    resource_denies = "with an explicit deny in a resource-based policy"
    assert refused(ecr.list_images, repositoryName="app") == sentence(
        "administrator", "ecr:ListImages", arn_of("app"), resource_denies
    )
    document = json.dumps(policy(deny("ecr:DescribeImages")))
    iam.put_user_policy(**ON_HIMSELF, PolicyName="no", PolicyDocument=document)
    assert "explicit deny in an identity-based policy" in refused(ecr.describe_images, repositoryName="app")
    reads = MANAGED + "AmazonEC2ContainerRegistryReadOnly"
    iam.put_user_permissions_boundary(**ON_HIMSELF, PermissionsBoundary=reads)
    assert "because no permissions boundary allows" in refused(ecr.delete_repository, repositoryName="app")
    assert sandbox.http("GET", "/v2/app/tags/list", Authorization=sandbox.basic())[0] == 403


def limit_all(iam) -> None:
    iam.put_user_policy(**ON_HIMSELF, PolicyName="no", PolicyDocument=json.dumps(policy(deny("*"))))


def limit_by_boundary(iam) -> None:
    iam.put_user_permissions_boundary(**ON_HIMSELF, PermissionsBoundary=MANAGED + "AmazonEC2ContainerRegistryReadOnly")


def limit_by_group(iam) -> None:
    iam.create_group(GroupName="denied")
    iam.put_group_policy(GroupName="denied", PolicyName="no", PolicyDocument=json.dumps(policy(deny("iam:*"))))
    iam.add_user_to_group(GroupName="denied", **ON_HIMSELF)


def detach(iam) -> None:
    iam.detach_user_policy(**ON_HIMSELF, PolicyArn=MANAGED + "AdministratorAccess")


@pytest.mark.parametrize("lock_out", [limit_all, limit_by_boundary, limit_by_group, detach])
def test_an_administrator_who_is_locked_out_has_access_again_after_a_restart(own_sandbox, lock_out):
    """On AWS the root user gives it back."""
    iam = own_sandbox.start().client("iam")
    lock_out(iam)
    assert "iam:ListUsers" in refused(iam.list_users)
    assert own_sandbox.stop() == 0
    iam = own_sandbox.start().client("iam")
    assert [each["UserName"] for each in iam.list_users()["Users"]] == ["administrator"]
    assert iam.get_user(**ON_HIMSELF)["User"].get("PermissionsBoundary") is None
    assert iam.list_user_policies(**ON_HIMSELF)["PolicyNames"] == []
    assert iam.list_groups_for_user(**ON_HIMSELF)["Groups"] == []


def test_a_limit_that_the_administrator_can_remove_stays_after_a_restart(own_sandbox):
    iam = own_sandbox.start().client("iam")
    document = json.dumps(policy(deny("ecr:CreateRepository")))
    iam.put_user_policy(**ON_HIMSELF, PolicyName="no", PolicyDocument=document)
    assert own_sandbox.stop() == 0
    own_sandbox.start()
    assert "with an explicit deny" in refused(own_sandbox.client().create_repository, repositoryName="app")
