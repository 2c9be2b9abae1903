"""Which policies ECR and ECR Public accept for a repository or a registry, decided from the text."""

import json

import pytest
from moto.iam.models import iam_backends

from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.iam import principals
from ecr_sandbox.services.repository_policies import (
    _formatted,
    shown,
    stored_registry_policy,
    stored_repository_policy,
)
from helpers import settings

USER = f"arn:aws:iam::{settings.ACCOUNT}:user"
ROLE = f"arn:aws:iam::{settings.ACCOUNT}:role"
INVALID = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'"


@pytest.fixture(autouse=True)
def iam():
    """The first account's IAM with a user, a role and a group."""
    for account in (settings.ACCOUNT, settings.OTHER_ACCOUNT):
        iam_backends[account]["aws"].reset()
    iam = principals.account(settings.ACCOUNT)
    iam.create_user(settings.REGION, "alice", path="/team/")
    iam.create_role("builder", "{}", "/", None, "", [], "3600")
    iam.create_group("developers")
    yield iam
    iam.reset()


def text(**changed) -> str:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "ecr:*", **changed}
    statement = {element: value for element, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refusal(function, *arguments) -> str:
    with pytest.raises(InvalidParameter) as refused:
        function(*arguments)
    return refused.value.message


@pytest.mark.parametrize(
    "statement",
    [
        {},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": "111122223333"}, "Action": ["ecr:BatchGetImage"]},
        {"Principal": {"AWS": ["arn:aws:iam::444455556666:root", "arn:aws:iam::444455556666:user/unknown-here"]}},
        {"Principal": {"AWS": f"{USER}/team/alice"}},
        {"Principal": {"AWS": f"arn:aws:sts::{settings.ACCOUNT}:assumed-role/builder/night"}},
        {"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "ecr:BatchGetImage", "Sid": "a Sid with spaces"},
        {"Principal": None, "NotPrincipal": {"AWS": "111122223333"}},
        {"Action": None, "NotAction": "ecr:Delete*"},
        {"Action": ["ecr:get*", "ecr:ReplicateImage"]},
        {"Action": "*"},
    ],
)
def test_a_valid_repository_policy(statement):
    assert stored_repository_policy(text(**statement), "ecr")


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": None},
        {"Action": None},
        {"Action": "s3:GetObject"},
        {"Action": "ecr-public:PutImage"},
        {"Action": "ecr:EatImage"},
        {"Action": ["ecr:*", "ecr:"]},
        {"Action": "ecr:[A-Z]*"},
        {"Action": "ecr:GetAuthorizationToken"},  # https://github.com/cloudposse/terraform-aws-ecr/pull/67
        {"Action": "ecr:PutRegistryPolicy"},
        {"Resource": "*"},  # https://github.com/awsdocs/amazon-ecr-user-guide/pull/20
        {"Effect": "Perhaps"},
    ],
)
def test_an_invalid_repository_policy(statement):
    assert refusal(stored_repository_policy, text(**statement), "ecr") == INVALID


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "bob"},
        {"AWS": "12345678901"},  # 11 digits
        {"AWS": f"arn:aws:iam::{settings.ACCOUNT}:group/developers"},
        {
            "AWS": f"arn:aws:iam::{settings.ACCOUNT}:*"
        },  # https://github.com/hashicorp/terraform-provider-aws/issues/3924
        {"AWS": f"{ROLE}/*"},
        {"AWS": f"{ROLE}/builde?"},
        {"AWS": f"arn:aws-cn:iam::{settings.ACCOUNT}:root"},
        {"AWS": ["*", "arn:aws:iam::123:root"]},
        {"AWS": "*@example.com"},
        {"Service": "lambda"},
        {"Service": "*"},
        {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
        {"Federated": "bob"},
        {"User": "alice"},
        "alice",
        {},
    ],
)
@pytest.mark.parametrize("element", ["Principal", "NotPrincipal"])
def test_a_principal_that_aws_does_not_accept(principal, element):
    """IAM user guide, reference_policies_elements_principal: what can be specified, "You cannot identify a user group
    as a principal", "You cannot use a wildcard to match part of a principal name or ARN"."""
    policy = text(**{"Principal": None, element: principal})
    assert refusal(stored_repository_policy, policy, "ecr") == INVALID


@pytest.mark.parametrize(
    "principal",
    [
        f"{USER}/nobody",
        f"{USER}/alice",  # her path is missing
        f"{ROLE}/nobody",
        f"arn:aws:sts::{settings.ACCOUNT}:assumed-role/nobody/night",
        f"arn:aws:iam::{settings.OTHER_ACCOUNT}:user/nobody",
        "AIDADELETEDUSER123456",
    ],
)
def test_a_user_or_role_that_does_not_exist(principal):
    """https://github.com/hashicorp/terraform-provider-aws/issues/39064"""
    expected = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'"
    assert refusal(stored_repository_policy, text(Principal={"AWS": ["*", principal]}), "ecr") == expected


@pytest.mark.parametrize("policy", ["", "{", "[]", "{}", '{"Version": "2012-10-17"}', "7", '{"Statement": [7]}'])
def test_text_that_is_not_a_policy(policy):
    for function, arguments in [(stored_repository_policy, ("ecr",)), (stored_registry_policy, ())]:
        assert "Invalid re" in refusal(function, policy, *arguments)


def test_statements_can_have_the_same_sid():
    """https://github.com/getmoto/moto/issues/8933"""
    statement = json.loads(text(Sid="again"))["Statement"][0]
    assert stored_repository_policy(json.dumps({"Statement": [statement, statement]}), "ecr")


def test_the_actions_of_ecr_public_are_others():
    assert stored_repository_policy(text(Action="ecr-public:*"), "ecr-public")
    assert stored_repository_policy(text(Action="ecr-public:*", Resource="*"), "ecr-public")
    for action in ("ecr:*", "ecr-public:GetAuthorizationToken", "ecr-public:ReplicateImage"):
        assert refusal(stored_repository_policy, text(Action=action), "ecr-public") == INVALID


@pytest.mark.parametrize(
    "resource, is_valid",
    [
        ("*", True),
        (["arn:aws:ecr:us-east-1:123456789012:repository/*"], True),
        ("arn:aws:ecr:*:*:*", True),
        ("arn:aws:ecr:us-east-1", False),  # matches nothing: only identity-based policies are completed
        ("repository/app", False),
        (None, False),
    ],
)
def test_the_resource_of_a_registry_policy(resource, is_valid):
    policy = text(Resource=resource, Action=["ecr:GetAuthorizationToken", "ecr:ReplicateImage"])
    if is_valid:
        assert stored_registry_policy(policy) == policy
    else:
        assert refusal(stored_registry_policy, policy).endswith("'Invalid registry policy provided'")


def test_a_policy_is_shown_in_the_format_of_aws():
    """The text is that of get-repository-policy.rst in
    https://github.com/aws/aws-cli/tree/develop/awscli/examples/ecr-public"""
    on_aws = (
        '{\n  "Version" : "2008-10-17",\n  "Statement" : [ {\n    "Sid" : "AllowPush",\n    "Effect" : "Allow",\n'
        '    "Principal" : {\n      "AWS" : [ "arn:aws:iam::111122223333:user/eksuser1", '
        '"arn:aws:iam::111122223333:user/admin" ]\n    },\n    "Action" : [ "ecr-public:BatchCheckLayerAvailability", '
        '"ecr-public:PutImage" ]\n  } ]\n}'
    )
    assert shown(json.dumps(json.loads(on_aws))) == shown(on_aws) == on_aws


def test_a_stored_text_that_is_no_policy_is_shown_as_it_is():
    assert shown("{") == "{"


@pytest.mark.parametrize(
    "value, written", [({}, "{ }"), ([], "[ ]"), ("ü", '"ü"'), (True, "true"), ([[1], {}], "[ [ 1 ], { } ]")]
)
def test_values_are_written_as_jackson_writes_them(value, written):
    assert _formatted(value) == written


def test_the_error_names_the_parameter():
    assert "at 'repositoryPolicy'" in refusal(stored_repository_policy, "{", "ecr", "repositoryPolicy")
