"""Authorization of API calls by a user's own policies, with real clients and AWS's error messages."""

import json

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.iam import evaluate, requests
from helpers import settings
from tests.sandbox.iam.permissions import MANAGED, allow, arn_of, deny, policy, refused, sentence


def test_a_new_user_may_only_get_its_identity(sandbox, repository):
    name, key = sandbox.make_user()
    ecr = sandbox.client(key=key)
    assert sandbox.client("sts", key=key).get_caller_identity()["Account"] == settings.ACCOUNT
    assert refused(ecr.get_authorization_token) == sentence(name, "ecr:GetAuthorizationToken", "*")
    assert refused(ecr.describe_repositories) == sentence(name, "ecr:DescribeRepositories", arn_of("*"))
    assert refused(ecr.describe_images, repositoryName=repository) == sentence(
        name, "ecr:DescribeImages", arn_of(repository)
    )
    assert refused(sandbox.client("iam", key=key).list_users) == sentence(
        name, "iam:ListUsers", f"arn:aws:iam::{settings.ACCOUNT}:user/"
    )


def test_a_policy_allows_one_repository_and_no_other(sandbox, repository):
    name, key = sandbox.make_user(policy(allow("ecr:List*", arn_of(repository))))
    sandbox.client().create_repository(repositoryName=f"{repository}-other")
    ecr = sandbox.client(key=key)
    assert ecr.list_images(repositoryName=repository)["imageIds"] == []
    assert refused(ecr.list_images, repositoryName=f"{repository}-other") == sentence(
        name, "ecr:ListImages", arn_of(f"{repository}-other")
    )
    assert "ecr:DescribeImages" in refused(ecr.describe_images, repositoryName=repository)


def test_every_named_repository_must_be_allowed(sandbox, repository):
    sandbox.client().create_repository(repositoryName=f"{repository}-other")
    _, key = sandbox.make_user(policy(allow("ecr:*", arn_of(repository))))
    ecr = sandbox.client(key=key)
    assert len(ecr.describe_repositories(repositoryNames=[repository])["repositories"]) == 1
    assert arn_of(f"{repository}-other") in refused(
        ecr.describe_repositories, repositoryNames=[repository, f"{repository}-other"]
    )


def test_cost_explorer_needs_permission(sandbox):
    name, key = sandbox.make_user()
    month = {"TimePeriod": {"Start": "2026-01-01", "End": "2026-02-01"}, "Granularity": "MONTHLY"}
    call = sandbox.client("ce", key=key).get_cost_and_usage
    bill = f"arn:aws:ce:{settings.REGION}:{settings.ACCOUNT}:/GetCostAndUsage"
    assert refused(call, **month, Metrics=["UnblendedCost"]) == sentence(name, "ce:GetCostAndUsage", bill)
    document = json.dumps(policy(allow("ce:Get*")))
    sandbox.client("iam").put_user_policy(UserName=name, PolicyName="bill", PolicyDocument=document)
    assert call(**month, Metrics=["UnblendedCost"])["ResultsByTime"]


def test_a_service_without_rules_of_its_own_needs_the_action_on_any_resource():
    who = evaluate.Principal("arn:aws:iam::123456789012:user/alice", settings.ACCOUNT, frozenset(), ())
    [request] = requests.authorization_requests(
        requests.Call(who, "sqs", "CreateQueue", settings.REGION, settings.ACCOUNT, {})
    )
    assert (request.action, request.resource, request.account) == ("sqs:CreateQueue", "*", settings.ACCOUNT)


def test_only_get_caller_identity_needs_no_permission(sandbox):
    name, key = sandbox.make_user()
    sts = sandbox.client("sts", key=key)
    assert sts.get_caller_identity()["Arn"].endswith(name)
    message = refused(sts.get_access_key_info, AccessKeyId=key[0])
    assert message == sentence(name, "sts:GetAccessKeyInfo", "*")


def test_an_explicit_deny_wins(sandbox, repository):
    name, key = sandbox.make_user(policy(allow("ecr:*"), deny("ecr:DeleteRepository")))
    message = refused(sandbox.client(key=key).delete_repository, repositoryName=repository)
    assert message.startswith(sentence(name, "ecr:DeleteRepository", arn_of(repository), "with an explicit deny"))


def test_power_user_cannot_create_a_repository_and_detaching_takes_effect_immediately(sandbox, repository):
    name, key = sandbox.make_user()
    power_user = MANAGED + "AmazonEC2ContainerRegistryPowerUser"
    sandbox.run(f"aws iam attach-user-policy --user-name {name} --policy-arn {power_user}")
    ecr, iam = sandbox.client(key=key), sandbox.client("iam")
    assert ecr.describe_images(repositoryName=repository)["imageDetails"] == []
    assert refused(ecr.create_repository, repositoryName="new") == sentence(name, "ecr:CreateRepository", arn_of("new"))
    iam.detach_user_policy(UserName=name, PolicyArn=power_user)
    assert "ecr:DescribeImages" in refused(ecr.describe_images, repositoryName=repository)


def test_the_document_of_a_managed_policy_can_be_read(sandbox):
    iam, arn = sandbox.client("iam"), MANAGED + "AmazonEC2ContainerRegistryPowerUser"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    text = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    assert "ecr:PutImage" in text["Statement"][0]["Action"]


def test_a_group_grants_and_revokes_permissions(sandbox, repository):
    name, key = sandbox.make_user()
    iam, call = sandbox.client("iam"), sandbox.client(key=key).list_images
    group = f"group-of-{name}"
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=json.dumps(policy(allow("ecr:ListImages"))))
    iam.add_user_to_group(GroupName=group, UserName=name)
    assert call(repositoryName=repository)["imageIds"] == []
    iam.remove_user_from_group(GroupName=group, UserName=name)
    assert "no identity-based policy" in refused(call, repositoryName=repository)


def test_a_boundary_limits_a_user(sandbox, repository):
    name, key = sandbox.make_user(policy(allow("ecr:*")))
    iam, ecr = sandbox.client("iam"), sandbox.client(key=key)
    reads = MANAGED + "AmazonEC2ContainerRegistryReadOnly"
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=reads)
    assert iam.get_user(UserName=name)["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == reads
    assert ecr.list_images(repositoryName=repository)["imageIds"] == []
    assert refused(ecr.delete_repository, repositoryName=repository) == sentence(
        name,
        "ecr:DeleteRepository",
        arn_of(repository),
        "because no permissions boundary allows the ecr:DeleteRepository action",
    )
    iam.delete_user_permissions_boundary(UserName=name)
    assert ecr.delete_repository(repositoryName=repository)


def test_a_user_with_a_missing_boundary_is_not_created(sandbox):
    iam = sandbox.client("iam")
    made = iam.create_user(UserName="bounded", PermissionsBoundary=MANAGED + "AdministratorAccess")["User"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == MANAGED + "AdministratorAccess"
    assert made["UserId"].startswith("AIDA")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.create_user(UserName="unbounded", PermissionsBoundary=MANAGED + "NoSuchPolicy")
    assert "unbounded" not in [user["UserName"] for user in iam.list_users()["Users"]]


def test_a_user_with_a_key_cannot_be_deleted(sandbox):
    name, key = sandbox.make_user()
    iam = sandbox.client("iam")
    with pytest.raises(iam.exceptions.DeleteConflictException, match="must delete access keys first"):
        iam.delete_user(UserName=name)
    iam.delete_access_key(UserName=name, AccessKeyId=key[0])
    iam.delete_user(UserName=name)


def test_a_user_manages_its_own_keys_only(sandbox):
    own = "arn:aws:iam::123456789012:user/${aws:username}"
    name, key = sandbox.make_user(policy(allow(["iam:*AccessKey*", "iam:GetUser"], own)))
    other, other_key = sandbox.make_user()
    iam = sandbox.client("iam", key=key)
    assert iam.get_user()["User"]["UserName"] == name
    assert [each["AccessKeyId"] for each in iam.list_access_keys()["AccessKeyMetadata"]] == [key[0]]
    for call in (iam.list_access_keys, iam.create_access_key):
        assert f"user/{other} because" in refused(call, UserName=other)
    # Without a user name IAM finds the owner of the key that is to be deleted.
    assert f"user/{other} because" in refused(iam.delete_access_key, AccessKeyId=other_key[0])
    assert sandbox.client("sts", key=other_key).get_caller_identity()


# Requests that try to bypass authorization


def test_authorization_checks_the_operation_that_moto_runs(sandbox):
    name, key = sandbox.make_user(policy(allow("iam:ListUsers")))
    iam = sandbox.client("iam", key=key)

    def change_action(request, **_):
        request.headers["X-Amz-Target"] = "Anything.ListUsers"

    iam.meta.events.register("before-sign.iam.*", change_action)
    assert "iam:CreateUser" in refused(iam.create_user, UserName=f"{name}-2")


@pytest.mark.parametrize("service", ["secretsmanager", "logs"])
def test_a_text_in_the_body_names_no_other_operation(sandbox, service):
    """moto also reads a JSON body as a form, in which ``Action`` wins."""
    if service == "secretsmanager":
        sm = sandbox.client("secretsmanager")
        for name in ("mine", "yours"):
            sm.create_secret(Name=name, SecretString="s")
        sm.put_secret_value(SecretId="mine", SecretString="x&Action=DeleteSecret&SecretId=yours&y=")
        assert "DeletedDate" not in sm.describe_secret(SecretId="yours")
        assert sm.get_secret_value(SecretId="mine")["SecretString"].startswith("x&Action")
    else:
        logs = sandbox.client("logs")
        for name in ("mine", "yours"):
            logs.create_log_group(logGroupName=name)
        logs.create_log_stream(logGroupName="mine", logStreamName="x&Action=DeleteLogGroup&logGroupName=yours&y=")
        assert len(logs.describe_log_groups()["logGroups"]) == 2


def test_a_parameter_that_the_operation_does_not_have_is_ignored(sandbox, repository):
    """A second resource that the caller can use does not grant access to the first."""
    name, key = sandbox.make_user()
    own = allow(["ecr:*", "iam:*"], [arn_of("own"), f"arn:aws:iam::{settings.ACCOUNT}:role/own"])
    sandbox.client("iam").put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy(own)))

    def add_parameters(params, **_):
        body = params["body"]
        if isinstance(body, dict):
            params["body"] = {**body, "RoleName": "own"}
        else:
            more = {"repositoryName": "own", "repositoryNames": ["own"]}
            params["body"] = json.dumps({**more, **json.loads(body)}).encode()

    ecr, iam = sandbox.client(key=key), sandbox.client("iam", key=key)
    for client in (ecr, iam):
        client.meta.events.register("before-call.*.*", add_parameters)
    assert arn_of(repository) in refused(ecr.delete_repository, repositoryName=repository)
    assert "ecr:DescribeRegistry on resource: *" in refused(ecr.describe_registry)
    assert f"user/{name}" in refused(iam.delete_user, UserName=name)
    assert f"arn:aws:iam::{settings.ACCOUNT}:user/ " in refused(iam.list_users)


def test_an_unknown_operation(sandbox):
    iam = sandbox.client("iam")

    def change_action(params, **_):
        params["body"]["Action"] = "Nonsense"

    iam.meta.events.register("before-call.iam.*", change_action)
    with pytest.raises(ClientError, match="iam:Nonsense is not part of this sandbox"):
        iam.list_users()
