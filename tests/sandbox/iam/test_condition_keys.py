"""The condition keys of real requests."""

import pytest

from tests.sandbox.iam.permissions import allow, arn_of, policy, refused


@pytest.mark.operation("TagResource")
def test_a_tag_of_the_repository_can_allow_access(sandbox, repository):
    for prefix in ("aws", "ecr"):
        tagged = {"StringEquals": {f"{prefix}:ResourceTag/team": f"web-{prefix}"}}
        _, key = sandbox.make_user(policy(allow("ecr:ListImages", Condition=tagged)))
        call = sandbox.client(key=key).list_images
        assert "no identity-based policy" in refused(call, repositoryName=repository)
        tags = [{"Key": "team", "Value": f"web-{prefix}"}]
        sandbox.client().tag_resource(resourceArn=arn_of(repository), tags=tags)
        assert call(repositoryName=repository)["imageIds"] == []


def test_a_policy_can_require_a_tag_on_creation(sandbox):
    tagged = {"StringEquals": {"aws:RequestTag/team": "web"}}
    name, key = sandbox.make_user(policy(allow(["ecr:CreateRepository", "ecr:TagResource"], Condition=tagged)))
    ecr = sandbox.client(key=key)
    assert "ecr:CreateRepository" in refused(ecr.create_repository, repositoryName=f"of-{name}")
    made = ecr.create_repository(repositoryName=f"of-{name}", tags=[{"Key": "team", "Value": "web"}])
    assert made["repository"]["repositoryName"] == f"of-{name}"


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html, "Availability" of each key
MISSING = (
    *("aws:AssumedRoot", "aws:CalledVia", "aws:CalledViaFirst", "aws:FederatedProvider", "aws:MultiFactorAuthAge"),
    *("aws:MultiFactorAuthPresent", "aws:PrincipalOrgID", "aws:PrincipalServiceName", "aws:PrincipalServiceNamesList"),
    *("aws:Referer", "aws:ResourceOrgID", "aws:SourceAccount", "aws:SourceArn", "aws:SourceIdentity", "aws:SourceVpc"),
    *("aws:SourceVpce", "aws:TokenIssueTime", "aws:VpcSourceIp", "aws:TagKeys", "aws:PrincipalTag/team"),
)


@pytest.mark.parametrize(
    "condition, inside",
    [
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, False),
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False),
        ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"StringLike": {"aws:UserAgent": "Boto3/*"}}, True),
        ({"StringEquals": {"aws:ResourceAccount": "123456789012"}}, True),
        ({"StringEquals": {"aws:PrincipalAccount": "111122223333"}}, False),
        ({"StringEquals": {"aws:PrincipalType": "User"}}, True),
        ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, True),
        ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, False),
        ({"Bool": {"aws:ViaAWSService": "false"}}, True),
        # Missing on AWS too, for a user with long-term credentials who calls ECR directly
        *(({"Null": {key: "true"}}, True) for key in MISSING),
        ({"NumericGreaterThan": {"aws:EpochTime": "1600000000"}}, True),
    ],
)
def test_condition_keys_of_every_request(sandbox, repository, condition, inside):
    _, key = sandbox.make_user(policy(allow("ecr:ListImages", Condition=condition)))
    call = sandbox.client(key=key).list_images
    if inside:
        assert call(repositoryName=repository)["imageIds"] == []
    else:
        assert "no identity-based policy" in refused(call, repositoryName=repository)


@pytest.mark.parametrize("operation, more", [("get_account_setting", {}), ("put_account_setting", {"value": "V2"})])
def test_the_name_of_an_account_setting_is_a_condition_key(sandbox, operation, more):
    """Service Authorization Reference of ECR, ``ecr:AccountSetting``."""
    scope = {"StringEquals": {"ecr:AccountSetting": "REGISTRY_POLICY_SCOPE"}}
    _, key = sandbox.make_user(policy(allow("ecr:*", Condition=scope)))
    call = getattr(sandbox.client(key=key), operation)
    assert call(name="REGISTRY_POLICY_SCOPE", **more)["value"] == "V2"
    other = {"value": "ENABLED"} if more else {}
    assert "no identity-based policy" in refused(call, name="BLOB_MOUNTING", **other)


def test_calls_of_iam_are_made_in_us_east_1(sandbox):
    """Global condition keys, "aws:RequestedRegion": a global service has the Region us-east-1."""
    here = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    _, key = sandbox.make_user(policy(allow("iam:ListUsers", Condition=here)))
    assert sandbox.client("iam", "eu-west-1", key=key).list_users()["Users"]
