"""IAM's policy simulator with boto3 and the AWS CLI: decisions, matched statements, missing values, pages, errors."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from helpers import settings
from tests.sandbox.iam.permissions import MANAGED, OTHER, allow, arn_of, assume, deny, error, make_role, policy, trust

PULL, PUSH = "ecr:BatchGetImage", "ecr:PutImage"
SHOP = arn_of("shop")
USER = f"arn:aws:iam::{settings.ACCOUNT}:user/"
ON_SHOP = {"ResourceArns": [SHOP]}


@pytest.fixture(scope="module")
def iam(sandbox):
    return sandbox.client("iam")


@pytest.fixture
def simulate(sandbox, iam):
    """``simulate([statements], "ecr:PutImage", …)``: the results for a new user with these statements."""

    def call(statements, *actions, **more):
        name, _ = sandbox.make_user(policy(*statements))
        asked = {"PolicySourceArn": f"{USER}{name}", "ActionNames": list(actions)}
        return iam.simulate_principal_policy(**asked, **more)["EvaluationResults"]

    return call


def decisions(results) -> list[str]:
    return [each["EvalDecision"] for each in results]


def custom(iam, *statements, actions=(PULL,), **more):
    [result] = iam.simulate_custom_policy(
        PolicyInputList=[json.dumps(policy(*statements))], ActionNames=list(actions), **more
    )["EvaluationResults"]
    return result


def test_each_action_is_allowed_or_denied_by_a_statement_or_by_none(simulate):
    results = simulate([allow("ecr:*"), deny(PUSH)], PULL, PUSH, "s3:GetObject")
    assert decisions(results) == ["allowed", "explicitDeny", "implicitDeny"]
    assert [each["EvalActionName"] for each in results] == [PULL, PUSH, "s3:GetObject"]
    assert [len(each["MatchedStatements"]) for each in results] == [1, 1, 0]
    assert {each["EvalResourceName"] for each in results} == {"*"}
    assert not any("ResourceSpecificResults" in each or "EvalDecisionDetails" in each for each in results)


def test_several_resources_have_one_result_with_the_most_restrictive_decision(simulate):
    other, prod = arn_of("other"), arn_of("prod")
    [result] = simulate([allow(PULL, [SHOP, prod]), deny(PULL, prod)], PULL, ResourceArns=[SHOP, other, prod])
    assert result["EvalDecision"] == "explicitDeny"
    assert result["EvalDecisionDetails"] == {}
    found = {each["EvalResourceName"]: each["EvalResourceDecision"] for each in result["ResourceSpecificResults"]}
    assert found == {SHOP: "allowed", other: "implicitDeny", prod: "explicitDeny"}
    assert result["MatchedStatements"] == result["ResourceSpecificResults"][2]["MatchedStatements"] != []


def test_a_statement_is_named_by_its_policy_and_its_place(sandbox, iam):
    """The places are those of AWS's example for AdministratorAccess, whose text is laid out like this one."""
    text = json.dumps(policy(allow("*")), indent=2)
    name, _ = sandbox.make_user()
    group = f"group-{uuid.uuid4().hex[:8]}"
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="all", PolicyDocument=text)
    iam.add_user_to_group(GroupName=group, UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn=f"{MANAGED}AmazonEC2ContainerRegistryReadOnly")
    asked = {"PolicySourceArn": f"{USER}{name}", "ActionNames": [PULL], "PolicyInputList": [text]}
    [result] = iam.simulate_principal_policy(**asked)["EvaluationResults"]
    managed, own, given = result["MatchedStatements"]
    assert managed["SourcePolicyId"] == "AmazonEC2ContainerRegistryReadOnly"
    assert given == {
        "SourcePolicyId": "PolicyInputList.1",
        "SourcePolicyType": "IAM Policy",
        "StartPosition": {"Line": 3, "Column": 17},
        "EndPosition": {"Line": 8, "Column": 6},
    }
    assert own == {**given, "SourcePolicyId": f"group_{group}_all"}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}', [(38, 84)]),
        ('{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}', [(37, 83)]),
        (
            '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}, '
            '{"Effect":"Allow","Action":"ecr:*","Resource":"*"}]}',
            [(15, 61), (62, 113)],
        ),
    ],
)
def test_the_place_of_a_statement_is_that_in_the_text(iam, text, columns):
    [result] = iam.simulate_custom_policy(PolicyInputList=[text], ActionNames=[PULL])["EvaluationResults"]
    found = [(each["StartPosition"], each["EndPosition"]) for each in result["MatchedStatements"]]
    assert [(start["Column"], end["Column"]) for start, end in found] == columns


def test_a_condition_key_without_a_value_is_missing(simulate, iam):
    office = {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}
    [result] = simulate([allow(PULL, **office)], PULL)
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", ["aws:SourceIp"])
    for address, decision in (("192.0.2.7", "allowed"), ("198.51.100.1", "implicitDeny")):
        entry = {"ContextKeyName": "aws:sourceip", "ContextKeyValues": [address], "ContextKeyType": "ip"}
        [result] = simulate([allow(PULL, **office)], PULL, ContextEntries=[entry])
        assert (result["EvalDecision"], result["MissingContextValues"]) == (decision, [])


def test_a_condition_of_another_action_or_resource_is_not_missing(simulate):
    office = {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}
    [result] = simulate([allow(PUSH, **office), allow(PULL, arn_of("other"), **office)], PULL, **ON_SHOP)
    assert result["MissingContextValues"] == []


def test_a_list_is_a_value_for_set_operators(iam):
    only = {"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}}}
    for keys, decision in ((["team"], "allowed"), (["team", "x"], "implicitDeny")):
        entry = {"ContextKeyName": "aws:TagKeys", "ContextKeyValues": keys, "ContextKeyType": "stringList"}
        assert custom(iam, allow(PULL, **only), ContextEntries=[entry])["EvalDecision"] == decision


def test_a_variable_is_filled_in_or_missing(simulate, iam):
    own = arn_of("${aws:username}")
    assert decisions(simulate([allow(PULL, own)], PULL, **ON_SHOP)) == ["implicitDeny"]
    result = custom(iam, allow(PULL, own), **ON_SHOP)
    assert result["MissingContextValues"] == ["aws:username"]
    entry = {"ContextKeyName": "aws:username", "ContextKeyValues": ["shop"], "ContextKeyType": "string"}
    assert custom(iam, allow(PULL, own), ContextEntries=[entry], **ON_SHOP)["EvalDecision"] == "allowed"


def test_a_boundary_limits_and_another_one_can_be_tried(sandbox, iam):
    name, _ = sandbox.make_user(policy(allow("ecr:*")))
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=f"{MANAGED}AmazonEC2ContainerRegistryReadOnly")
    asked = {"PolicySourceArn": f"{USER}{name}", "ActionNames": [PULL, PUSH]}
    pull, push = iam.simulate_principal_policy(**asked)["EvaluationResults"]
    assert decisions([pull, push]) == ["allowed", "implicitDeny"]
    key = "PermissionsBoundaryDecisionDetail"
    assert [each[key]["AllowedByPermissionsBoundary"] for each in (pull, push)] == [True, False]
    wider = [json.dumps(policy(allow("ecr:*")))]
    results = iam.simulate_principal_policy(**asked, PermissionsBoundaryPolicyInputList=wider)["EvaluationResults"]
    assert decisions(results) == ["allowed", "allowed"]


def test_the_policy_of_a_resource_can_allow_a_user(sandbox, iam):
    name, _ = sandbox.make_user(policy(allow(PUSH)))
    arn = f"{USER}{name}"
    of_shop = json.dumps(policy({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": PULL}))
    asked = {"PolicySourceArn": arn, "ActionNames": [PULL], **ON_SHOP}
    assert decisions(iam.simulate_principal_policy(**asked)["EvaluationResults"]) == ["implicitDeny"]
    [result] = iam.simulate_principal_policy(**asked, ResourcePolicy=of_shop)["EvaluationResults"]
    assert result["EvalDecision"] == "allowed"
    assert [each["SourcePolicyType"] for each in result["MatchedStatements"]] == ["Resource Policy"]


def test_across_accounts_each_kind_of_policy_has_its_decision(simulate):
    there = arn_of("shop", settings.OTHER_ACCOUNT)
    [result] = simulate([allow(PULL)], PULL, ResourceArns=[there])
    assert result["EvalDecision"] == "implicitDeny"
    assert result["EvalDecisionDetails"] == {"IAM Policy": "allowed", "Resource Policy": "implicitDeny"}


def test_another_caller_has_these_policies(sandbox, iam):
    bob, _ = sandbox.make_user()
    own = arn_of("${aws:username}")
    result = custom(iam, allow(PULL, own), CallerArn=f"{USER}{bob}", ResourceArns=[arn_of(bob)])
    assert result["EvalDecision"] == "allowed"


def test_a_role_is_simulated_and_its_session_is_not(sandbox, iam):
    role = make_role(sandbox, f"role-{uuid.uuid4().hex[:8]}", trust(settings.ACCOUNT), policy(allow(PULL)))
    asked = {"ActionNames": [PULL, PUSH]}
    results = iam.simulate_principal_policy(PolicySourceArn=role, **asked)["EvaluationResults"]
    assert decisions(results) == ["allowed", "implicitDeny"]
    session = sandbox.client("sts", key=assume(sandbox, role)).get_caller_identity()["Arn"]
    code, status, message = error(iam.simulate_principal_policy, PolicySourceArn=session, **asked)
    assert (code, status) == ("InvalidInput", 400)
    assert message == f"Invalid Entity Arn: {session} does not clearly define entity type and name."


def test_results_come_in_pages(iam):
    actions = [f"ecr:Action{number}" for number in range(5)]
    asked = {"PolicyInputList": [json.dumps(policy(allow("ecr:*")))], "ActionNames": actions}
    first = iam.simulate_custom_policy(**asked, MaxItems=2)
    assert (first["IsTruncated"], len(first["EvaluationResults"])) == (True, 2)
    pages = iam.get_paginator("simulate_custom_policy").paginate(**asked, PaginationConfig={"PageSize": 2})
    assert [each["EvalActionName"] for page in pages for each in page["EvaluationResults"]] == actions
    assert iam.simulate_custom_policy(**asked)["IsTruncated"] is False


@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        ({"PolicySourceArn": f"{USER}nobody"}, "NoSuchEntity", "The user with name nobody cannot be found."),
        (
            {"PolicySourceArn": f"arn:aws:iam::{settings.ACCOUNT}:root"},
            "InvalidInput",
            f"Invalid Entity Arn: arn:aws:iam::{settings.ACCOUNT}:root does not clearly define entity type and name.",
        ),
        (
            {"PolicySourceArn": f"arn:aws:iam::{settings.OTHER_ACCOUNT}:role/x"},
            "NoSuchEntity",
            "The role with name x cannot be found.",
        ),
        ({"ResourceArns": ["shop"]}, "InvalidInput", "ResourceNames are not in a valid ARN format: shop."),
        ({"ResourceOwner": "tom"}, "InvalidInput", "'tom' is not a valid as a Resource Owner."),
        ({"PolicyInputList": ["{}"]}, "MalformedPolicyDocument", "Syntax errors in policy."),
        ({"ResourcePolicy": json.dumps(policy(allow(PULL)))}, "MalformedPolicyDocument", "Syntax errors in policy."),
        ({"ActionNames": ["PutImage"]}, "InvalidInput", "Invalid Action: PutImage has no service prefix."),
        ({"Marker": "x"}, "InvalidInput", "Invalid Marker."),
    ],
)
def test_what_cannot_be_simulated_is_an_error(sandbox, iam, parameters, code, message):
    name, _ = sandbox.make_user()
    asked = {"PolicySourceArn": f"{USER}{name}", "ActionNames": [PULL], **parameters}
    found = error(iam.simulate_principal_policy, **asked)
    assert (found[0], found[2]) == (code, message)


def test_a_role_has_no_resource_policy_and_a_custom_policy_needs_a_caller_for_it(sandbox, iam):
    role = make_role(sandbox, f"role-{uuid.uuid4().hex[:8]}", trust(settings.ACCOUNT), policy(allow(PULL)))
    text = json.dumps(policy({"Effect": "Allow", "Principal": "*", "Action": PULL}))
    asked = {"ActionNames": [PULL], "ResourcePolicy": text}
    assert error(iam.simulate_principal_policy, PolicySourceArn=role, **asked)[0] == "InvalidInput"
    policies = [json.dumps(policy(allow(PULL)))]
    assert error(iam.simulate_custom_policy, PolicyInputList=policies, **asked)[0] == "InvalidInput"


def test_what_the_sandbox_does_not_simulate_is_said(sandbox, iam):
    name, _ = sandbox.make_user()
    asked = {"PolicySourceArn": f"{USER}{name}", "ActionNames": [PULL]}
    exclude = [{"PolicyType": "inline"}]
    assert error(iam.simulate_principal_policy, PolicyExclusionList=exclude, **asked)[0] == (
        "UnsupportedOperationException"
    )


def test_who_simulates_needs_the_permission_for_that_user(sandbox):
    bob, _ = sandbox.make_user()
    name, key = sandbox.make_user(policy(allow("iam:SimulatePrincipalPolicy", f"{USER}{bob}")))
    mine = sandbox.client("iam", key=key)
    mine.simulate_principal_policy(PolicySourceArn=f"{USER}{bob}", ActionNames=[PULL])
    code, _, message = error(mine.simulate_principal_policy, PolicySourceArn=f"{USER}{name}", ActionNames=[PULL])
    assert code == "AccessDenied"
    assert f"iam:SimulatePrincipalPolicy on resource: {USER}{name}" in message
    there = sandbox.client("iam", key=OTHER)
    asked = {"PolicySourceArn": f"{USER}{bob}", "ActionNames": [PULL]}
    assert error(there.simulate_principal_policy, **asked)[0] == "NoSuchEntity"


def test_the_cli_shows_it(sandbox):
    name, _ = sandbox.make_user(policy(allow("ecr:*", SHOP)))
    command = f"aws iam simulate-principal-policy --policy-source-arn {USER}{name} --action-names {PULL}"
    query = "EvaluationResults[].[EvalActionName,EvalDecision]"
    for arns, decision in ((SHOP, "allowed"), (f"{SHOP} {arn_of('x')}", "implicitDeny")):
        shown = sandbox.run(f"{command} --resource-arns {arns} --query '{query}' --output text")
        assert shown == f"{PULL}\t{decision}\n"


# The simulation decides as the authorization of the real call

CALLS = {
    "ecr:ListImages": lambda ecr, name: ecr.list_images(repositoryName=name),
    "ecr:GetLifecyclePolicy": lambda ecr, name: ecr.get_lifecycle_policy(repositoryName=name),
    "ecr:DescribeImages": lambda ecr, name: ecr.describe_images(repositoryName=name),
}
statements = st.builds(
    lambda effect, action, resource, condition: {
        **{"Effect": effect, "Action": action, "Resource": resource},
        **({"Condition": {"StringLike": {"aws:username": condition}}} if condition else {}),
    },
    st.sampled_from(["Allow", "Allow", "Deny"]),
    st.sampled_from(["*", "ecr:*", "ecr:List*", "ecr:*Images", "ECR:getlifecyclepolicy", "s3:*"]),
    st.sampled_from(["*", arn_of("same-*"), arn_of("other"), arn_of("${aws:username}"), "arn:aws:ecr:*"]),
    st.sampled_from(["", "", "user-*", "nobody"]),
)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(own=st.lists(statements, min_size=1, max_size=3), limit=st.none() | statements)
def test_it_decides_as_the_real_call(caller, own, limit):
    caller.set(own, limit)
    simulated = caller.iam.simulate_principal_policy(
        PolicySourceArn=f"{USER}{caller.name}", ActionNames=list(CALLS), ResourceArns=[arn_of(caller.repository)]
    )["EvaluationResults"]
    assert {each["EvalActionName"]: each["EvalDecision"] == "allowed" for each in simulated} == {
        action: caller.may(call) for action, call in CALLS.items()
    }


class Caller:
    """A user with policies and a boundary that a test replaces, and a repository."""

    def __init__(self, sandbox):
        self.iam, self.repository = sandbox.client("iam"), "same-shop"
        sandbox.client().create_repository(repositoryName=self.repository)
        self.name, key = sandbox.make_user()
        self.ecr = sandbox.client(key=key)
        self.boundary = self.iam.create_policy(PolicyName="limit", PolicyDocument=json.dumps(policy(allow("*"))))

    def set(self, own, limit) -> None:
        text = json.dumps(policy(*own))
        self.iam.put_user_policy(UserName=self.name, PolicyName="own", PolicyDocument=text)
        if limit is None:
            self.iam.delete_user_permissions_boundary(UserName=self.name)
            return
        arn = self.boundary["Policy"]["Arn"]
        made = self.iam.create_policy_version(
            PolicyArn=arn, PolicyDocument=json.dumps(policy(limit)), SetAsDefault=True
        )
        for each in self.iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if each["VersionId"] != made["PolicyVersion"]["VersionId"]:
                self.iam.delete_policy_version(PolicyArn=arn, VersionId=each["VersionId"])
        self.iam.put_user_permissions_boundary(UserName=self.name, PermissionsBoundary=arn)

    def may(self, call) -> bool:
        try:
            call(self.ecr, self.repository)
        except ClientError as refusal:
            return refusal.response["Error"]["Code"] != "AccessDeniedException"
        return True


@pytest.fixture(scope="module")
def caller(sandbox):
    return Caller(sandbox)
