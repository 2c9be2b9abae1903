"""The principal of an access key and its policies, read from moto on every call."""

import json
import pickle
from contextlib import nullcontext
from datetime import timedelta
from types import SimpleNamespace

import pytest
from moto.core.utils import utcnow
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from ecr_sandbox.errors import ApiError
from ecr_sandbox.iam import administrator, principals
from ecr_sandbox.iam.evaluate import RequestContext, decide
from helpers import settings

POWER_USER = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPowerUser"
PULL_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"


def allow(action: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def iam():
    """The first account's IAM, with the administrator only."""
    for account in (settings.ACCOUNT, settings.OTHER_ACCOUNT):
        iam_backends[account]["aws"].reset()
        sts_backends[account]["aws"].reset()
    administrator.ensure(SimpleNamespace(lock=nullcontext()))
    return principals.account(settings.ACCOUNT)


@pytest.fixture
def alice(iam):
    iam.create_user(settings.REGION, "alice", tags=[{"Key": "team", "Value": "web"}])
    return iam.create_access_key("alice")


@pytest.fixture
def session(iam):
    """A session of the role *builder*, as STS keeps it."""
    role = iam.create_role(
        role_name="builder",
        assume_role_policy_document="{}",
        path="/ci/",
        permissions_boundary=None,
        description="",
        tags=[{"Key": "team", "Value": "ci"}],
        max_session_duration="3600",
    )
    iam.put_role_policy("builder", "inline", allow("ecr:PutImage"))
    return sts_backends[settings.ACCOUNT]["aws"].assume_role(
        region_name=settings.REGION,
        role_session_name="night",
        role_arn=role.arn,
        policy=None,
        duration=900,
        external_id=None,
    )


def names(principal):
    return [policy.name for policy in principal.identity]


@pytest.mark.parametrize(
    "key, account",
    [(settings.ACCESS_KEY, settings.ACCOUNT), (settings.OTHER_ACCESS_KEY, settings.OTHER_ACCOUNT)],
)
def test_each_account_has_an_administrator_who_is_a_user_with_a_policy(iam, key, account):
    found = principals.of(key)
    assert (names(found), found.unrestricted) == (["AdministratorAccess"], False)
    assert (found.account, found.arn) == (account, f"arn:aws:iam::{account}:user/administrator")


def test_administrators_are_created_once_and_restored(iam):
    before = principals.secret_of(settings.ACCESS_KEY)
    iam.delete_access_key(settings.ACCESS_KEY, "administrator")
    administrator.ensure(SimpleNamespace(lock=nullcontext()))
    administrator.ensure(SimpleNamespace(lock=nullcontext()))
    assert principals.secret_of(settings.ACCESS_KEY) == before == (settings.SECRET_KEY, None)
    assert len(iam.users["administrator"].access_keys) == 1
    assert iam.managed_policies[administrator.ADMINISTRATOR_ACCESS].attachment_count == 1


def test_the_principal_of_a_user_has_its_arn_and_tags(alice):
    found = principals.of(alice.access_key_id)
    assert found.arn == "arn:aws:iam::123456789012:user/alice"
    assert found.names == {found.arn}
    assert not found.unrestricted
    assert found.context["aws:username"] == "alice"
    assert found.context["aws:PrincipalTag/team"] == "web"
    assert found.context["aws:PrincipalType"] == "User"


def test_a_user_has_inline_attached_and_group_policies(iam, alice):
    iam.put_user_policy("alice", "inline", allow("ecr:*"))
    iam.attach_user_policy(POWER_USER, "alice")
    iam.create_group("developers")
    iam.add_user_to_group("developers", "alice")
    iam.put_group_policy("developers", "of-the-group", allow("iam:Get*"))
    iam.attach_group_policy(PULL_ONLY, "developers")
    iam.create_group("others")
    iam.put_group_policy("others", "of-others", allow("*"))
    expected = ["inline", "AmazonEC2ContainerRegistryPowerUser", "of-the-group", "AmazonEC2ContainerRegistryPullOnly"]
    assert names(principals.of(alice.access_key_id)) == expected


def test_a_detached_policy_has_no_effect_on_the_next_request(iam, alice):
    iam.attach_user_policy(POWER_USER, "alice")
    assert principals.of(alice.access_key_id).identity
    iam.detach_user_policy(POWER_USER, "alice")
    assert principals.of(alice.access_key_id).identity == ()


def test_the_default_version_of_a_managed_policy_applies(iam, alice):
    policy = iam.create_policy("", "/", allow("ecr:PutImage"), "mine", [])
    iam.attach_user_policy(policy.arn, "alice")
    first = principals.of(alice.access_key_id).identity
    iam.create_policy_version(policy.arn, allow("ecr:BatchGetImage"), "true")
    second = principals.of(alice.access_key_id).identity
    assert first != second == (principals.parsed(allow("ecr:BatchGetImage"), "mine"),)


def test_a_policy_that_cannot_be_read_denies_everything(iam, alice, capsys):
    """It may contain a Deny. A policy that an earlier version stored can be one that this version cannot read."""
    principals.parsed.cache_clear()
    iam.put_user_policy("alice", "all", allow("*"))
    iam.users["alice"].policies["broken"] = '{"Statement": {"Effect": "Deny", "Action": "s3:", "Resource": "*"}}'
    decision = decide(principals.of(alice.access_key_id), RequestContext("ecr:PutImage", "*", settings.ACCOUNT))
    assert decision == (False, "with an explicit deny in an identity-based policy")
    assert "A stored policy (broken) cannot be read and denies everything" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["Statement", "Statemen"])
def test_a_resources_policy_that_cannot_be_read_denies_everything(iam, alice, key):
    iam.put_user_policy("alice", "all", allow("*"))
    statement = {"Effect": "Deny", "Principal": {"AWS": "111122223333"}, "Action": "ecr:*"}
    on_resource = principals.parsed(json.dumps({key: statement}), "repository policy")
    ask = RequestContext("ecr:PutImage", "*", settings.ACCOUNT)
    assert decide(principals.of(alice.access_key_id), ask, (on_resource,)).allowed == (key == "Statement")


@pytest.mark.parametrize("kind", ["inline", "managed", "boundary"])
def test_an_incomplete_arn_is_completed_in_an_identitys_policy(iam, alice, kind):
    """IAM user guide, reference-arns: "AWS automatically completes the ARN by adding wildcard characters (*) to all
    missing fields. For example, specifying arn:aws:sqs is equivalent to arn:aws:sqs:*:*:*"."""
    text = allow("ecr:*").replace('"*"', '"arn:aws:ecr:us-east-1"')
    iam.put_user_policy("alice", "own", text if kind == "inline" else allow("ecr:*"))
    if kind != "inline":
        policy = iam.create_policy("", "/", text, "mine", [])
        boundary = {"PermissionsBoundaryArn": policy.arn} if kind == "boundary" else None
        iam.users["alice"].permissions_boundary = boundary
        iam.delete_user_policy("alice", "own") if kind == "managed" else None
        iam.attach_user_policy(policy.arn, "alice") if kind == "managed" else None
    who = principals.of(alice.access_key_id)
    for region, allowed in [("us-east-1", True), ("eu-west-1", False)]:
        repository = f"arn:aws:ecr:{region}:123456789012:repository/app"
        assert decide(who, RequestContext("ecr:PutImage", repository, settings.ACCOUNT)).allowed == allowed


def test_a_deleted_boundary_allows_nothing(iam, alice):
    iam.users["alice"].permissions_boundary = {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/gone"}
    assert principals.of(alice.access_key_id).boundary is principals.NOTHING


@pytest.mark.parametrize("how", ["unknown", "inactive", "deleted", "owner deleted"])
def test_an_invalid_key_has_no_principal(iam, alice, how):
    key = alice.access_key_id
    if how == "unknown":
        key = "AKIANOSUCHKEYEXAMPLE"
    elif how == "inactive":
        iam.update_access_key("alice", key, "Inactive")
    elif how == "deleted":
        iam.delete_access_key(key, "alice")
    else:
        iam.delete_user("alice")
    for function in (principals.of, principals.secret_of):
        with pytest.raises(ApiError) as refused:
            function(key)
        assert (refused.value.code, refused.value.query_code) == ("UnrecognizedClientException", "InvalidClientTokenId")


def test_a_renamed_user_keeps_its_key(iam, alice):
    iam.update_user("alice", None, "alicia")
    assert principals.of(alice.access_key_id).arn == "arn:aws:iam::123456789012:user/alicia"


def test_a_session_can_be_named_by_its_arn_and_by_its_role(session):
    found = principals.of(session.access_key_id)
    assert found.arn == "arn:aws:sts::123456789012:assumed-role/builder/night"
    assert found.names == {found.arn, "arn:aws:iam::123456789012:role/ci/builder"}
    assert found.context["aws:PrincipalArn"] == "arn:aws:iam::123456789012:role/ci/builder"
    assert found.context["aws:userid"].endswith(":night")
    assert found.context["aws:PrincipalTag/team"] == "ci"
    assert (names(found), found.session) == (["inline"], None)


def test_a_session_policy_limits_the_session(session):
    session.policy, session.policy_arns = allow("ecr:*"), (PULL_ONLY,)
    assert len(principals.of(session.access_key_id).session) == 2


def test_a_deleted_session_policy_allows_nothing(session):
    session.policy_arns = ("arn:aws:iam::123456789012:policy/gone",)
    assert principals.of(session.access_key_id).session == (principals.NOTHING,)


def test_a_session_expires(session):
    assert principals.secret_of(session.access_key_id) == (session.secret_access_key, session.session_token)
    session.expiration = utcnow() - timedelta(seconds=1)
    for function in (principals.of, principals.secret_of):
        with pytest.raises(ApiError) as refused:
            function(session.access_key_id)
        assert (refused.value.code, refused.value.query_code) == ("ExpiredTokenException", "ExpiredToken")


def test_a_role_created_again_with_the_same_name_is_another_role(iam, session):
    session.role_id = "AROAOFTHEDELETEDROLE1"
    assert principals.of(session.access_key_id).identity == ()


def test_a_session_can_be_pickled(session):
    for backends in (iam_backends, sts_backends):
        backends[settings.ACCOUNT]["aws"] = pickle.loads(pickle.dumps(backends[settings.ACCOUNT]["aws"], 5))
    assert names(principals.of(session.access_key_id)) == ["inline"]


def test_only_the_managed_policies_in_the_data_file_exist(iam):
    ours = {arn.rpartition("/")[2] for arn in iam.managed_policies}
    assert len(ours) == 13
    assert "AmazonEC2ContainerRegistryFullAccess" in ours


def actions(iam, name: str) -> set[str]:
    text = iam.managed_policies[f"arn:aws:iam::aws:policy/{name}"].versions[0].document
    return {action for statement in json.loads(text)["Statement"] for action in statement["Action"]}


def test_power_user_can_push_and_pull_but_not_create_or_delete_repositories(iam):
    power, reads = (actions(iam, f"AmazonEC2ContainerRegistry{name}") for name in ("PowerUser", "ReadOnly"))
    assert power - reads == {
        "ecr:InitiateLayerUpload",
        "ecr:UploadLayerPart",
        "ecr:CompleteLayerUpload",
        "ecr:PutImage",
    }
    assert reads < power
    assert len(reads) == 12
    assert not power & {"ecr:CreateRepository", "ecr:BatchDeleteImage", "ecr:DeleteRepository"}


def test_pull_only_can_only_pull(iam):
    assert actions(iam, "AmazonEC2ContainerRegistryPullOnly") == {
        "ecr:GetAuthorizationToken",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "ecr:BatchImportUpstreamImage",
    }


def test_the_task_execution_role_can_pull_and_log(iam):
    found = actions(iam, "service-role/AmazonECSTaskExecutionRolePolicy")
    assert {"ecr:BatchGetImage", "logs:PutLogEvents"} < found
    assert "logs:CreateLogGroup" not in found
