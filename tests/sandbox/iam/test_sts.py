"""AssumeRole: sessions and their limits, session tags, the source identity and chains of roles, with real clients.

Sources: IAM user guide, ``id_session-tags.html`` and ``id_credentials_temp_control-access_monitor.html``; for the
sentences ``ecr_sandbox/iam/errors.py``.
"""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from helpers import settings
from tests.sandbox.conftest import ADMINISTRATOR
from tests.sandbox.iam.permissions import MANAGED, OTHER, allow, assume, error, make_role, policy, refused, trust


def test_an_assumed_role_has_its_policies(sandbox, repository):
    name, key = sandbox.make_user(policy(allow("sts:AssumeRole")))
    role = make_role(sandbox, f"role-of-{name}", trust(settings.ACCOUNT), policy(allow("ecr:ListImages")))
    session = assume(sandbox, role, key)
    who = sandbox.client("sts", key=session).get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{settings.ACCOUNT}:assumed-role/role-of-{name}/test"
    ecr = sandbox.client(key=session)
    assert ecr.list_images(repositoryName=repository)["imageIds"] == []
    assert refused(ecr.describe_images, repositoryName=repository).startswith(f"User: {who['Arn']} is not authorized")
    sandbox.client("iam").delete_role_policy(RoleName=f"role-of-{name}", PolicyName="own")
    assert "no identity-based policy" in refused(ecr.list_images, repositoryName=repository)


def test_a_session_is_not_a_user(sandbox):
    name, _ = sandbox.make_user()
    role = make_role(sandbox, f"role-{name}", trust(settings.ACCOUNT), policy(allow("iam:*")))
    iam = sandbox.client("iam", key=assume(sandbox, role))
    for call in (iam.get_user, iam.list_access_keys, iam.create_access_key):
        with pytest.raises(ClientError, match="Must specify userName when calling with non-User credentials"):
            call()
    assert iam.get_user(UserName=name)["User"]["UserName"] == name


def test_a_session_needs_its_own_token(sandbox):
    name, _ = sandbox.make_user()
    role = make_role(sandbox, f"role-{name}", trust(settings.ACCOUNT), policy(allow("*")))
    key_id, secret, token = assume(sandbox, role)
    other = assume(sandbox, role)
    for key in [(key_id, secret), (key_id, secret, other[2]), (*OTHER, token)]:
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            sandbox.client(key=key).describe_repositories()


def test_assume_role_needs_the_trust_policy_and_a_permission(sandbox):
    name, key = sandbox.make_user(policy(allow("sts:AssumeRole")))
    _, powerless = sandbox.make_user()
    role = make_role(sandbox, f"role-{name}", trust(settings.OTHER_ACCOUNT), policy(allow("*")))
    no = f"is not authorized to perform: sts:AssumeRole on resource: {role}"
    for caller, arn in [(key, role), (powerless, role), (ADMINISTRATOR, role), (ADMINISTRATOR, role + "-missing")]:
        message = refused(sandbox.client("sts", key=caller).assume_role, RoleArn=arn, RoleSessionName="test")
        assert message.replace("-missing", "").endswith(no)


def test_another_account_assumes_a_role_by_trust_and_permission(sandbox):
    name, key = sandbox.make_user(policy(allow("sts:AssumeRole")), administrator=OTHER)
    _, powerless = sandbox.make_user(administrator=OTHER)
    role = make_role(sandbox, f"role-{name}", trust(settings.OTHER_ACCOUNT), policy(allow("ecr:*")))
    assert "sts:AssumeRole" in refused(
        sandbox.client("sts", key=powerless).assume_role, RoleArn=role, RoleSessionName="test"
    )
    session = assume(sandbox, role, key)
    assert sandbox.client("sts", key=session).get_caller_identity()["Account"] == settings.ACCOUNT


def test_a_session_policy_and_policies_by_arn_limit_a_session(sandbox, repository):
    name, _ = sandbox.make_user()
    role = make_role(sandbox, f"role-{name}", trust(settings.ACCOUNT), policy(allow("ecr:*")))
    own = assume(sandbox, role, Policy=json.dumps(policy(allow("ecr:ListImages"))))
    by_arn = assume(sandbox, role, PolicyArns=[{"arn": MANAGED + "AmazonEC2ContainerRegistryReadOnly"}])
    for session in (own, by_arn):
        ecr = sandbox.client(key=session)
        assert ecr.list_images(repositoryName=repository)["imageIds"] == []
        assert "no session policy allows the ecr:DeleteRepository action" in refused(
            ecr.delete_repository, repositoryName=repository
        )


def test_the_tags_of_a_session_are_condition_keys(sandbox, repository):
    name, _ = sandbox.make_user()
    trusting = json.loads(trust(settings.ACCOUNT))
    trusting["Statement"][0]["Action"] = ["sts:AssumeRole", "sts:TagSession"]
    of_web = {"StringEquals": {"aws:PrincipalTag/team": "web"}}
    role = make_role(sandbox, f"role-{name}", json.dumps(trusting), policy(allow("ecr:ListImages", Condition=of_web)))
    tagged = sandbox.client(key=assume(sandbox, role, Tags=[{"Key": "team", "Value": "web"}]))
    assert tagged.list_images(repositoryName=repository)["imageIds"] == []
    plain = sandbox.client(key=assume(sandbox, role))
    assert "no identity-based policy" in refused(plain.list_images, repositoryName=repository)
    untagged = make_role(sandbox, f"untagged-{name}", trust(settings.ACCOUNT), policy(allow("*")))
    assert "sts:TagSession" in refused(
        sandbox.client("sts").assume_role, RoleArn=untagged, RoleSessionName="test", Tags=[{"Key": "a", "Value": "b"}]
    )


def test_a_source_identity_needs_a_permission_and_is_a_condition_key(sandbox, repository):
    """STS API reference, AssumeRole, ``SourceIdentity``; IAM guide, "Monitor and control actions taken with assumed
    roles"."""
    name, _ = sandbox.make_user()
    untrusted = make_role(sandbox, f"role-{name}", trust(settings.ACCOUNT), policy(allow("*")))
    assert "sts:SetSourceIdentity" in refused(
        sandbox.client("sts").assume_role, RoleArn=untrusted, RoleSessionName="test", SourceIdentity="alice"
    )
    trusting = json.loads(trust(settings.ACCOUNT))
    trusting["Statement"][0]["Action"] = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    of_alice = {"StringEquals": {"aws:SourceIdentity": "alice"}}
    may = policy(allow("ecr:ListImages", Condition=of_alice), allow("sts:*"))
    role = make_role(sandbox, f"role-of-{name}", json.dumps(trusting), may)
    session = assume(sandbox, role, SourceIdentity="alice")
    for key in (session, assume(sandbox, role, session)):  # a chained session keeps it
        assert sandbox.client(key=key).list_images(repositoryName=repository)["imageIds"] == []
    plain = sandbox.client(key=assume(sandbox, role))
    assert "no identity-based policy" in refused(plain.list_images, repositoryName=repository)


def test_an_external_id_can_be_required(sandbox):
    name, _ = sandbox.make_user()
    trusting = json.loads(trust(settings.ACCOUNT))
    trusting["Statement"][0]["Condition"] = {"StringEquals": {"sts:ExternalId": "12345"}}
    role = make_role(sandbox, f"role-{name}", json.dumps(trusting), policy(allow("*")))
    assert "sts:AssumeRole" in refused(sandbox.client("sts").assume_role, RoleArn=role, RoleSessionName="test")
    assert assume(sandbox, role, ExternalId="12345")


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"DurationSeconds": 7200}, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
        ({"RoleSessionName": "a b"}, "failed to satisfy constraint: Member must satisfy regular expression pattern"),
        ({"Policy": "no JSON"}, "MalformedPolicyDocument"),
        ({"PolicyArns": [{"arn": MANAGED + "NoSuchPolicy"}]}, "does not exist or is not attachable"),
    ],
)
def test_invalid_parameters_of_assume_role(sandbox, parameters, message):
    name, _ = sandbox.make_user()
    role = make_role(sandbox, f"role-{name}", trust(settings.ACCOUNT), policy(allow("*")))
    with pytest.raises(ClientError, match=message):
        sandbox.client("sts").assume_role(**{"RoleArn": role, "RoleSessionName": "test", **parameters})


def test_a_chained_session_has_a_shorter_limit(sandbox):
    name, _ = sandbox.make_user()
    role = make_role(
        sandbox, f"role-{name}", trust(settings.ACCOUNT), policy(allow("sts:AssumeRole")), MaxSessionDuration=7200
    )
    session = assume(sandbox, role, DurationSeconds=7200)
    assert assume(sandbox, role, session)
    with pytest.raises(ClientError, match="1 hour session limit for roles assumed by role chaining"):
        assume(sandbox, role, session, DurationSeconds=7200)


@pytest.mark.parametrize("operation, more", [("get_session_token", {}), ("get_federation_token", {"Name": "bob"})])
def test_unsupported_operations_of_sts(sandbox, operation, more):
    with pytest.raises(ClientError, match="is not part of this sandbox"):
        getattr(sandbox.client("sts"), operation)(**more)


def test_sessions_and_policies_survive_a_restart(own_sandbox):
    sandbox = own_sandbox.start()
    sandbox.client().create_repository(repositoryName="kept")
    role = make_role(sandbox, "kept", trust(settings.ACCOUNT), policy(allow("ecr:*")))
    session = assume(sandbox, role, Policy=json.dumps(policy(allow("ecr:ListImages"))))
    name, key = sandbox.make_user(policy(allow("ecr:ListImages")))
    sandbox.client("iam").put_user_permissions_boundary(
        UserName=name, PermissionsBoundary=MANAGED + "AmazonEC2ContainerRegistryPullOnly"
    )
    assert sandbox.stop() == 0
    sandbox.start()
    ecr = sandbox.client(key=session)
    assert ecr.list_images(repositoryName="kept")["imageIds"] == []
    assert "no session policy" in refused(ecr.describe_images, repositoryName="kept")
    assert "no permissions boundary" in refused(sandbox.client(key=key).list_images, repositoryName="kept")


# Session tags and chains of roles

WEB = {"Key": "team", "Value": "web"}
INVALID = "InvalidParameterValue"
DUPLICATE = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
CONFLICT = "One of the specified transitive tag keys can't be set because it conflicts"


def trusting(*actions: str) -> str:
    principal = {"AWS": settings.ACCOUNT}
    allowed = [f"sts:{each}" for each in ("AssumeRole", *actions)]
    return json.dumps(policy({"Effect": "Allow", "Principal": principal, "Action": allowed}))


@pytest.fixture(scope="module")
def role(sandbox):
    """A role that may list images for the team "web", and whose trust policy allows tags and a source identity."""
    of_web = {"StringEquals": {"aws:PrincipalTag/team": "web"}}
    may = policy(allow("ecr:DescribeRepositories", Condition=of_web), allow("sts:*"))
    return make_role(sandbox, f"role-{uuid.uuid4().hex[:8]}", trusting("TagSession", "SetSourceIdentity"), may)


def test_a_transitive_tag_passes_to_the_next_sessions_of_a_chain(sandbox, role):
    first = assume(sandbox, role, Tags=[WEB, {"Key": "a", "Value": "b"}], TransitiveTagKeys=["Team"])
    second = assume(sandbox, role, first)
    third = assume(sandbox, role, second, Tags=[{"Key": "a", "Value": "c"}])
    for key in (first, second, third):
        assert "repositories" in sandbox.client(key=key).describe_repositories()
    plain = assume(sandbox, role, assume(sandbox, role, Tags=[WEB]))
    assert "no identity-based policy" in refused(sandbox.client(key=plain).describe_repositories)


def test_a_transitive_tag_cannot_be_replaced(sandbox, role):
    sts = sandbox.client("sts", key=assume(sandbox, role, Tags=[WEB], TransitiveTagKeys=["team"]))
    for name in ("team", "TEAM"):
        tags = [{"Key": name, "Value": "ops"}]
        code, status, message = error(sts.assume_role, RoleArn=role, RoleSessionName="test", Tags=tags)
        assert (code, status) == (INVALID, 400)
        assert message.startswith(CONFLICT)


def test_a_role_that_gets_a_transitive_tag_must_allow_tags(sandbox, role):
    untagged = make_role(sandbox, f"role-{uuid.uuid4().hex[:8]}", trusting(), policy(allow("*")))
    sts = sandbox.client("sts", key=assume(sandbox, role, Tags=[WEB], TransitiveTagKeys=["team"]))
    assert f"sts:TagSession on resource: {untagged}" in refused(
        sts.assume_role, RoleArn=untagged, RoleSessionName="test"
    )
    assert assume(sandbox, untagged, assume(sandbox, role, Tags=[WEB]))


@pytest.mark.parametrize(
    "parameters, code, message",
    [
        ({"Tags": [WEB, {"Key": "TEAM", "Value": ""}]}, INVALID, DUPLICATE),
        ({"Tags": [{"Key": "aws:x", "Value": ""}]}, INVALID, "aws: prefixed tag key names are not allowed"),
        ({"TransitiveTagKeys": ["a"]}, INVALID, "The specified transitive tag key must be included in the requested"),
        ({"Tags": [WEB], "TransitiveTagKeys": ["team", "a"]}, INVALID, "The specified transitive tag key must be"),
        ({"PolicyArns": [{"arn": MANAGED + "ReadOnlyAccess"}] * 11}, "ValidationError", "1 validation error detected"),
    ],
)
def test_parameters_that_assume_role_refuses(sandbox, role, parameters, code, message):
    found = error(sandbox.client("sts").assume_role, RoleArn=role, RoleSessionName="test", **parameters)
    assert found[:2] == (code, 400)
    assert found[2].startswith(message)


@pytest.mark.parametrize(
    "arn",
    ["nothing-valid-in-here", "arn::b:::something/test-role", "arn:a:::something/test-role", "arn:a:a::aaaaaaaaaa:"],
)
def test_the_arn_of_a_role_must_be_one(sandbox, arn):
    """The rows of LocalStack's recording of AWS: as of ``errors.DUPLICATE_TAGS``."""
    found = error(sandbox.client("sts").assume_role, RoleArn=arn, RoleSessionName="test")
    assert found == ("ValidationError", 400, f"{arn} is invalid")


def test_the_source_identity_of_a_chain_cannot_change(sandbox, role):
    sts = sandbox.client("sts", key=assume(sandbox, role, SourceIdentity="alice"))
    asked = {"RoleArn": role, "RoleSessionName": "test"}
    assert sts.assume_role(**asked)["SourceIdentity"] == "alice"
    assert sts.assume_role(**asked, SourceIdentity="alice")["SourceIdentity"] == "alice"
    assert "sts:SetSourceIdentity" in refused(sts.assume_role, **asked, SourceIdentity="bob")
    other = make_role(sandbox, f"role-{uuid.uuid4().hex[:8]}", trusting(), policy(allow("*")))
    assert f"sts:SetSourceIdentity on resource: {other}" in refused(
        sts.assume_role, RoleArn=other, RoleSessionName="test"
    )


def test_a_trust_policy_can_require_the_source_identity_of_the_chain(sandbox, role):
    document = json.loads(trusting("SetSourceIdentity"))
    document["Statement"][0]["Condition"] = {"StringEquals": {"sts:SourceIdentity": "alice"}}
    strict = make_role(sandbox, f"role-{uuid.uuid4().hex[:8]}", json.dumps(document), policy(allow("*")))
    assert assume(sandbox, strict, assume(sandbox, role, SourceIdentity="alice"))
    sts = sandbox.client("sts", key=assume(sandbox, role))
    assert "sts:AssumeRole" in refused(sts.assume_role, RoleArn=strict, RoleSessionName="test")


def test_mfa_is_not_supported(sandbox, role):
    device = f"arn:aws:iam::{settings.ACCOUNT}:mfa/phone"
    with pytest.raises(ClientError, match="sts:AssumeRole with MFA is not part of this sandbox"):
        assume(sandbox, role, SerialNumber=device, TokenCode="123456")
