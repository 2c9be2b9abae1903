"""ecr-lab doctor in an AWS account: each row when it is ok, each failure with its fix, and what stays unknown."""

import json

import boto3
import botocore.client
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from helpers import doctor, doctor_aws
from helpers.course import data

CALL = botocore.client.BaseClient._make_api_call
ARN = "arn:aws:sts::123456789012:user/moto"


@pytest.fixture(autouse=True)
def aws(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield


@pytest.fixture
def calls(monkeypatch):
    """Calls that AWS answers otherwise: by operation an error code, an error, or a function of the request."""
    answers: dict = {"SimulatePrincipalPolicy": lambda request: simulated(request)}

    def call(client, operation, request):
        answer = answers.get(operation)
        if isinstance(answer, str):
            raise ClientError({"Error": {"Code": answer, "Message": "no"}}, operation)
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if answer else CALL(client, operation, request)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    return answers


def simulated(request, denied=(), **more):
    """What SimulatePrincipalPolicy answers if only these actions are denied."""
    return {
        "EvaluationResults": [
            {"EvalActionName": name, "EvalDecision": "implicitDeny" if name in denied else "allowed", **more}
            for name in request["ActionNames"]
        ]
    }


def shown() -> list[str]:
    return [doctor.line(row) for row in doctor_aws.rows()]


def test_a_healthy_account(calls):
    assert shown() == [
        f"✔ AWS identity    {ARN}, known",
        "✔ AWS region      eu-west-1, registry 123456789012.dkr.ecr.eu-west-1.amazonaws.com, set",
        "✔ Permissions     everything that the course calls is allowed",
        "✔ Default VPC     3 subnets, found",
        "✔ Scanning        basic, free",
        "✔ Cost Explorer   not asked, at $0.01 a question; turn it on in Billing a day before notebook 12",
    ]


def test_no_call_costs_money(calls):
    """Cost Explorer bills every call."""
    made = []
    calls["GetCostAndUsage"] = made.append
    doctor_aws.rows()
    assert made == []


def test_a_missing_region_is_reported(calls, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert shown() == ["✗ AWS identity    No AWS region is configured. Fix: aws configure set region us-east-1"]


def test_in_govcloud_there_is_no_ecr_public(calls, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-gov-west-1")
    asked = []
    calls["SimulatePrincipalPolicy"] = lambda request: asked.append(request) or simulated(request)
    rows = {row["name"]: row for row in doctor_aws.rows()}
    assert "ECR Public does not exist in it" in rows["AWS region"]["text"]
    assert not any("ecr-public:PutImage" in request["ActionNames"] for request in asked)
    assert "arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/demo-app-repo" in json.dumps(asked)


def test_an_endpoint_that_is_not_of_aws_is_reported(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://localhost:4566")
    [row] = doctor_aws.endpoint_rows(boto3.Session())
    assert doctor.line(row) == (
        "✗ AWS endpoint    calls of ECR go to http://localhost:4566, and pushes go to AWS. Fix: unset AWS_ENDPOINT_URL "
        "and AWS_ENDPOINT_URL_ECR, or remove endpoint_url from ~/.aws/config"
    )


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "us-gov-west-1"])
@pytest.mark.parametrize("dual", ["true", "false"])
def test_the_endpoints_of_aws_are_right(monkeypatch, region, dual):
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", dual)
    assert doctor_aws.endpoint_rows(boto3.Session()) == []


# Permissions


def permissions() -> list[str]:
    return [line for line in shown() if "Permissions" in line]


@pytest.mark.parametrize(
    ("denied", "expected"),
    [
        (
            ["iam:CreateUser"],
            "✗ Permissions     not possible in IAM: iam:CreateUser. Fix: attach IAMFullAccess, for notebook 02, 03, "
            "13, 14 and 15",
        ),
        (
            ["ecs:RunTask", "ecs:StopTask", "ecs:CreateService", "ecs:CreateCluster", "ecs:DeleteCluster"],
            "✗ Permissions     not possible in ECS: ecs:CreateCluster, ecs:DeleteCluster, "
            "ecs:RunTask and 2 more. Fix: attach AmazonECS_FullAccess, for notebook 13, 14 and 15",
        ),
    ],
)
def test_what_iam_would_deny_is_named_with_its_notebooks(calls, denied, expected):
    calls["SimulatePrincipalPolicy"] = lambda request: simulated(request, denied)
    assert permissions() == [expected]


def test_a_denial_that_depends_on_a_condition_is_unknown(calls):
    calls["SimulatePrincipalPolicy"] = lambda request: simulated(
        request, ["iam:PassRole"], MissingContextValues=["iam:PassedToService"]
    )
    assert permissions() == ["✔ Permissions     everything that the course calls is allowed"]


def test_the_session_of_a_role_is_simulated_as_the_role(calls):
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam, asked = boto3.client("iam"), []
    path = "/aws-reserved/sso.amazonaws.com/"
    role = iam.create_role(RoleName="AWSReservedSSO_admin", Path=path, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    calls["SimulatePrincipalPolicy"] = lambda request: asked.append(request["PolicySourceArn"]) or simulated(request)
    arn = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_admin/ann"
    doctor_aws.permission_rows(boto3.Session(), "123456789012", "eu-west-1", arn)
    assert set(asked) == {role}


def test_the_root_user_is_not_simulated(calls):
    calls["SimulatePrincipalPolicy"] = "InvalidInput"
    [row] = doctor_aws.permission_rows(boto3.Session(), "1" * 12, "eu-west-1", "arn:aws:iam::111111111111:root")
    assert (row["ok"], "root user" in row["text"]) == (True, True)


def test_without_simulation_reading_is_tried_and_the_rest_is_unknown(calls):
    calls["SimulatePrincipalPolicy"] = "AccessDenied"
    assert permissions() == [
        "✔ Permissions     reading works; creating is unknown, because iam:SimulatePrincipalPolicy failed"
    ]


@pytest.mark.parametrize(
    ("operation", "answer", "expected"),
    [
        (
            "GetAuthorizationToken",
            "AccessDeniedException",
            "✗ Permissions     not possible in ECR: ecr:GetAuthorizationToken (AccessDeniedException). Fix: attach "
            "AmazonEC2ContainerRegistryFullAccess, for notebook 00 to 15",
        ),
        (
            "ListClusters",
            "AccessDeniedException",
            "✗ Permissions     not possible in ECS: ecs:ListClusters (AccessDeniedException). Fix: attach "
            "AmazonECS_FullAccess, for notebook 13, 14 and 15",
        ),
        (
            "DescribeRepositories",
            EndpointConnectionError(endpoint_url="https://api.ecr"),
            "✗ Permissions     not possible in ECR: ecr:DescribeRepositories (EndpointConnectionError). Fix: attach "
            "AmazonEC2ContainerRegistryFullAccess, for notebook 00 to 15",
        ),
    ],
)
def test_without_simulation_a_refused_read_is_reported(calls, operation, answer, expected):
    calls["SimulatePrincipalPolicy"] = "AccessDenied"
    calls[operation] = answer
    assert permissions() == [expected]


def test_each_action_that_is_tried_belongs_to_a_service():
    known = {
        action
        for service in data(doctor_aws.PERMISSIONS)["services"]
        for each in service["actions"].values()
        for action in each
    }
    assert {action for _, _, action in doctor_aws.READS} <= known


# Settings of the account


@pytest.mark.parametrize(
    ("operation", "answer", "expected"),
    [
        (
            "DescribeSubnets",
            lambda _: {"Subnets": []},
            "✗ Default VPC     missing, and notebooks 13 and 15 need it. Fix: aws ec2 create-default-vpc",
        ),
        (
            "DescribeSubnets",
            "UnauthorizedOperation",
            "✗ Default VPC     unknown: ec2:DescribeSubnets was refused (UnauthorizedOperation). Fix: allow it, for "
            "notebooks 13 and 15",
        ),
        (
            "GetRegistryScanningConfiguration",
            lambda _: {"scanningConfiguration": {"scanType": "ENHANCED"}},
            "✔ Scanning        enhanced: Amazon Inspector bills up to $3.60 for the course",
        ),
        (
            "GetRegistryScanningConfiguration",
            "AccessDeniedException",
            "✗ Scanning        unknown: ecr:GetRegistryScanningConfiguration was refused (AccessDeniedException). Fix: "
            "allow it, for notebooks 04 and 10",
        ),
    ],
)
def test_the_settings_of_the_account(calls, operation, answer, expected):
    calls[operation] = answer
    assert expected in shown()
