"""The least policy allows what was called, on the course's names, and nothing else."""

import json

import pytest

from ecr_sandbox import Policy, Principal, RequestContext, decide, parse_policy
from machine import least_policy
from machine.project import ROOT

ARN = "arn:aws:iam::210987654321:user/rehearsal"


def decision(action: str, resource: str) -> dict:
    return {"principal": ARN, "action": action, "resource": resource, "allowed": True}


@pytest.mark.parametrize(
    ("resource", "pattern"),
    [
        ("*", "*"),
        ("arn:aws:ecr:eu-west-3:210987654321:repository/demo-app-repo", "arn:aws:ecr:*:*:repository/demo-*"),
        ("arn:aws:ecr:eu-west-3:210987654321:repository/left-behind", "arn:aws:ecr:*:*:repository/left-behind"),
        ("arn:aws:ecr-public::210987654321:repository/demo-x", "arn:aws:ecr-public::*:repository/demo-*"),
        ("arn:aws:iam::210987654321:user/demo-reader", "arn:aws:iam::*:user/demo-*"),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ("arn:aws:ecs:eu-west-3:210987654321:task/demo-cluster/0123abc", "arn:aws:ecs:*:*:task/demo-*"),
        ("arn:aws:logs:eu-west-3:210987654321:log-group:/ecs/demo-app:*", "arn:aws:logs:*:*:log-group:/ecs/demo-*"),
        ("policy path /", "*"),
        ("arn:aws:iam::210987654321:user/", "*"),
        ("arn:aws:iam::210987654321:user/somebody", "arn:aws:iam::*:user/*"),
        ("arn:aws:ecr:eu-west-3:210987654321:repository/elastic/service-7", "arn:aws:ecr:*:*:repository/elastic/*"),
        (
            "arn:aws:iam::210987654321:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
            "arn:aws:iam::*:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        ),
        ("arn:aws:ecr:eu-west-3:210987654321:repository/*", "*"),
    ],
)
def test_a_resource_becomes_a_pattern_of_the_courses_names(resource, pattern):
    assert least_policy.general(resource) == pattern


def test_what_is_added_is_allowed_on_the_courses_names_only():
    assert [name for name in least_policy.FURTHER if name != "*" and least_policy.general(name) == "*"] == []


def test_the_policy_allows_the_calls_and_no_other():
    called = [
        decision("ecr:GetAuthorizationToken", "*"),
        decision("ecr:PutImage", "arn:aws:ecr:eu-west-3:210987654321:repository/demo-app-repo"),
    ]
    policy = least_policy.policy_of(called)
    assert is_allowed(policy, "ecr:PutImage", "arn:aws:ecr:us-east-1:123456789012:repository/demo-other")
    assert not is_allowed(policy, "ecr:PutImage", "arn:aws:ecr:us-east-1:123456789012:repository/production")
    assert not is_allowed(policy, "ecr:DeleteRepository", "arn:aws:ecr:us-east-1:123456789012:repository/demo-other")
    assert all(is_allowed(policy, each["action"], each["resource"]) for each in called)


def test_a_call_on_everything_does_not_widen_the_other_actions():
    called = [
        decision("ecr:DescribeRepositories", "arn:aws:ecr:eu-west-3:210987654321:repository/*"),
        decision("ecr:DeleteRepository", "arn:aws:ecr:eu-west-3:210987654321:repository/demo-app-repo"),
    ]
    policy, production = least_policy.policy_of(called), "arn:aws:ecr:us-east-1:123456789012:repository/production"
    assert is_allowed(policy, "ecr:DescribeRepositories", production)
    assert not is_allowed(policy, "ecr:DeleteRepository", production)


def test_a_call_on_a_user_of_somebody_else_does_not_widen_the_other_actions():
    called = [
        decision("iam:ListUserTags", "arn:aws:iam::210987654321:user/somebody"),
        decision("iam:CreateAccessKey", "arn:aws:iam::210987654321:user/demo-reader"),
    ]
    policy, somebody = least_policy.policy_of(called), "arn:aws:iam::210987654321:user/somebody"
    assert is_allowed(policy, "iam:ListUserTags", somebody)
    assert not is_allowed(policy, "iam:CreateAccessKey", somebody)


def test_a_user_needs_the_boundary_and_the_boundary_stays():
    called = [
        decision("iam:CreateUser", "arn:aws:iam::210987654321:user/demo-reader"),
        decision("iam:DeleteUser", "arn:aws:iam::210987654321:user/demo-reader"),
        decision("iam:DeletePolicy", "arn:aws:iam::210987654321:policy/demo-push-policy"),
    ]
    policy, arn = least_policy.policy_of(called), "arn:aws:iam::123456789012:"
    limit = {"iam:PermissionsBoundary": f"{arn}policy/demo-boundary"}
    assert is_allowed(policy, "iam:CreateUser", f"{arn}user/demo-x", limit)
    assert not is_allowed(policy, "iam:CreateUser", f"{arn}user/demo-x")
    assert not is_allowed(
        policy, "iam:CreateUser", f"{arn}user/demo-x", {"iam:PermissionsBoundary": f"{arn}policy/demo-push-policy"}
    )
    assert is_allowed(policy, "iam:DeleteUser", f"{arn}user/demo-x")
    assert is_allowed(policy, "iam:DeletePolicy", f"{arn}policy/demo-push-policy")
    assert not is_allowed(policy, "iam:DeletePolicy", f"{arn}policy/demo-boundary")


def test_a_role_is_passed_to_the_services_of_the_lessons():
    role = "arn:aws:iam::210987654321:role/demo-execution"
    policy = least_policy.policy_of([decision("iam:PassRole", role)])
    for service, allowed in (("ecs-tasks", True), ("lambda", True), ("ec2", False), ("cloudformation", False)):
        facts = {"iam:PassedToService": f"{service}.amazonaws.com"}
        assert is_allowed(policy, "iam:PassRole", role, facts) == allowed


def test_the_trust_policy_of_a_role_of_the_course_changes():
    role, action = "arn:aws:iam::210987654321:role/demo-delivery", "iam:UpdateAssumeRolePolicy"
    policy = least_policy.policy_of([decision(action, role)])
    assert is_allowed(policy, action, role, {"aws:ResourceTag/made-by": "learn-amazon-ecr"})
    assert not is_allowed(policy, action, role, {"aws:ResourceTag/made-by": "somebody-else"})
    assert not is_allowed(policy, action, role)


def test_repositories_with_other_names_have_their_own_actions():
    def repository(name: str) -> str:
        return f"arn:aws:ecr:eu-west-3:210987654321:repository/{name}"

    called = [decision("ecr:CreateRepository", repository("elastic/service-7"))]
    called.append(decision("ecr:SetRepositoryPolicy", repository("demo-app-repo")))
    policy = least_policy.policy_of(called)
    assert is_allowed(policy, "ecr:CreateRepository", repository("elastic/other"))
    assert not is_allowed(policy, "ecr:SetRepositoryPolicy", repository("elastic/other"))
    assert not is_allowed(policy, "ecr:CreateRepository", repository("demo-app-repo"))


def is_allowed(policy: dict, action: str, resource: str, facts: dict | None = None) -> bool:
    parsed: Policy = parse_policy(policy)
    who = Principal(ARN, "123456789012", frozenset({ARN}), (parsed,))
    return decide(who, RequestContext(action, resource, "123456789012", facts or {}), ()).allowed


@pytest.mark.parametrize("file", [least_policy.POLICY, least_policy.CORE_POLICY], ids=lambda file: file.name)
def test_the_file_has_the_size_of_a_managed_policy(file):
    policy = json.loads(file.read_text())
    assert len(json.dumps(policy, separators=(",", ":"))) <= least_policy.LIMIT
    parse_policy(policy)


def test_the_doctor_asks_for_what_the_least_policy_allows():
    """IAM simulates these for a learner. What no lesson needs, or what has a row of its own, is not in the file."""
    policy, account = json.loads(least_policy.POLICY.read_text()), "123456789012"
    facts = {
        "iam:PermissionsBoundary": f"arn:aws:iam::{account}:policy/demo-boundary",
        "iam:PassedToService": "ecs-tasks.amazonaws.com",
        "aws:ResourceTag/made-by": "learn-amazon-ecr",
    }
    asked = {
        (action, resource if resource == "*" else f"arn:aws:{resource}")
        for service in json.loads((ROOT / "helpers" / "data" / "aws_permissions.json").read_text())["services"]
        for resource, actions in service["actions"].items()
        for action in actions
    }
    names = {"region": "us-east-1", "account": account, "prefix": "demo-"}
    assert [each for each in asked if not is_allowed(policy, each[0], each[1].format(**names), facts)] == []
    allowed = {action for each in policy["Statement"] if each["Effect"] == "Allow" for action in each["Action"]}
    rest = {"ec2:DescribeSubnets", "iam:ListAccountAliases", "iam:SimulatePrincipalPolicy"}
    assert allowed - {action for action, _ in asked} == rest
