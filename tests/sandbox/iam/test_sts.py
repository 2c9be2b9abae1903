"""AssumeRole: session tags, the source identity and role chaining, with real clients.

Sources: IAM user guide, ``id_session-tags.html`` and ``id_credentials_temp_control-access_monitor.html``; for the
sentences ``ecr_sandbox/iam/errors.py``.
"""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from helpers import settings
from tests.sandbox.iam.test_authorization import MANAGED, allow, assume, make_role, policy, refused
from tests.sandbox.iam.test_policies_api import error

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
